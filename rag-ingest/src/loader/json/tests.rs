use std::path::Path;

use crate::document::{Document, Kind};
use crate::loader::{Limits, parse};

fn read(name: &str, text: &str) -> Document {
    parse(Path::new(name), text.as_bytes(), &Limits::default())
        .unwrap()
        .document
}

#[test]
fn values_stand_behind_their_paths_and_numbers_stay_as_written() {
    let document = read(
        "a.json",
        r#"{"title": "Ports", "size": 12345678901234567890123.10, "none": null, "open": true,
            "where": {"town": "Br\u00e9st \"old\"", "tags": ["sea", "wind", 3]},
            "ships": [{"name": "Aurora"}, {"name": "Calypso"}]}"#,
    );
    assert_eq!(document.kind, Kind::Json);
    assert_eq!(document.title.as_deref(), Some("Ports"));
    assert_eq!(
        document.text,
        "title: Ports\nsize: 12345678901234567890123.10\nopen: true\nwhere.town: Br\u{E9}st \"old\"\n\
         where.tags: sea, wind, 3\nships.name: Aurora\n\nships.name: Calypso"
    );
}

#[test]
fn lines_of_json_are_records() {
    let text = "{\"q\": \"one\"}\n\n{\"q\": \"two\"}\n";
    assert_eq!(read("a.jsonl", text).text, "q: one\n\nq: two");
    assert_eq!(read("a.json", text).text, "q: one\n\nq: two");
}

#[test]
fn a_line_that_is_no_json_is_told_and_kept() {
    let document = read("a.jsonl", "{\"q\": 1}\n{\"q\": \nnonsense\n");
    assert!(document.text.contains("nonsense"));
    assert_eq!(
        document.warnings,
        ["2 lines are not valid JSON and are read as text; the first is line 2, column 6"]
    );
}

#[test]
fn json_that_is_none_is_read_as_text_and_told() {
    let document = read("a.json", "{\"a\": 1,\n \"b\" 2}");
    assert_eq!(document.kind, Kind::Text);
    assert!(
        document.warnings[0].contains("line 2 column 6"),
        "{:?}",
        document.warnings
    );
}

#[test]
fn json_with_another_name_is_recognised() {
    assert_eq!(read("data.txt", "[{\"a\": 1}]").kind, Kind::Json);
    assert_eq!(read("notes.txt", "[not json]").kind, Kind::Text);
    assert_eq!(read("a.md", "{\"a\": 1}").kind, Kind::Markdown);
}

#[test]
fn nesting_costs_nothing() {
    let depth = 200_000;
    let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let document = read("deep.json", &deep);
    assert_eq!(document.text.len(), deep.len());
    assert!(
        document.warnings[0].contains("deeper than 32"),
        "{:?}",
        document.warnings
    );
}
