use std::path::Path;

use crate::document::{Document, Kind};
use crate::loader::{Limits, LoadError, parse};

fn read(bytes: &[u8]) -> Result<Document, LoadError> {
    parse(Path::new("a.rtf"), bytes, &Limits::default()).map(|loaded| loaded.document)
}

#[test]
fn text_is_taken_and_looks_are_dropped() {
    let document = read(
        br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}{\*\generator Word;}{\info{\title My Lamp}}
\pard\b Bold\b0  and {\i italic}.\par Second\line line\par}",
    )
    .unwrap();
    assert_eq!(document.kind, Kind::RichText);
    assert_eq!(document.title.as_deref(), Some("My Lamp"));
    assert_eq!(document.text, "Bold and italic.\n\nSecond\nline");
}

#[test]
fn characters_come_from_the_code_page_the_font_and_unicode() {
    let document = read(
        br"{\rtf1\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}caf\'e9 {\f1\'cf\'f0\'e8} \u8364? \u-10179?\u-8704?}",
    )
    .unwrap();
    assert_eq!(
        document.text,
        "caf\u{E9} \u{41F}\u{440}\u{438} \u{20AC} \u{1F600}"
    );
}

#[test]
fn rows_of_a_table_and_headings_are_kept() {
    let document =
        read(br"{\rtf1\pard\outlinelevel0 Chapter\par\pard\intbl one\cell two\cell\row after\par}")
            .unwrap();
    assert_eq!(document.text, "Chapter\n\none | two\n\nafter");
    assert_eq!(
        (
            document.headings[0].level,
            document.headings[0].title.as_str()
        ),
        (1, "Chapter")
    );
}

#[test]
fn a_file_without_its_end_is_cut_off() {
    assert!(matches!(
        read(br"{\rtf1 Hello\par wor"),
        Err(LoadError::Truncated { .. })
    ));
}

#[test]
fn groups_without_end_are_refused() {
    let bytes = [b"{\\rtf1 ".as_slice(), &vec![b'{'; 200_000]].concat();
    assert!(matches!(read(&bytes), Err(LoadError::Corrupt { .. })));
}
