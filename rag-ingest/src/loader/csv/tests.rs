use std::path::Path;

use crate::document::{Document, Kind};
use crate::loader::{Limits, parse};

fn read(name: &str, bytes: &[u8]) -> Document {
    parse(Path::new(name), bytes, &Limits::default())
        .unwrap()
        .document
}

#[test]
fn every_value_stands_behind_the_name_of_its_column() {
    let document = read(
        "a.csv",
        b"\xef\xbb\xbfship,crew,port\nAurora,12,\"Brest, France\"\nCalypso,,\"two\nlines\"\n",
    );
    assert_eq!(document.kind, Kind::Table);
    assert_eq!(
        document.text,
        "ship | crew | port\nship: Aurora; crew: 12; port: Brest, France\nship: Calypso; port: two lines"
    );
    assert!(document.warnings.is_empty(), "{:?}", document.warnings);
}

#[test]
fn the_separator_is_found_out() {
    for text in [
        "a;b\n1,5;2\n3;4\n",
        "a\tb\n1,5\t2\n3\t4\n",
        "a|b\n1,5|2\n3|4\n",
    ] {
        assert_eq!(
            read("a.csv", text.as_bytes()).text,
            "a | b\na: 1,5; b: 2\na: 3; b: 4"
        );
    }
    assert_eq!(
        read("a.tsv", b"a\tb, c\n1\t2, 3\n").text,
        "a | b, c\na: 1; b, c: 2, 3"
    );
}

#[test]
fn numbers_in_the_first_row_name_nothing() {
    assert_eq!(read("a.csv", b"1,2\n3,4\n").text, "1; 2\n3; 4");
}

#[test]
fn uneven_rows_and_open_quotation_marks_are_told() {
    let document = read("a.csv", b"a,b\n1,2\n3\n4,5,6\n");
    assert_eq!(
        document.warnings,
        ["2 rows have more or fewer values than the first one, the first such in line 3"]
    );
    let document = read("a.csv", b"a,b\n1,\"open\n3,4\n");
    assert!(
        document.warnings[0].contains("never closed"),
        "{:?}",
        document.warnings
    );
    assert!(document.text.contains("open"));
}

#[test]
fn old_encodings_are_decoded() {
    let document = read(
        "a.csv",
        "ville;caf\u{E9}\nOrl\u{E9}ans;ferm\u{E9} \u{E0} No\u{EB}l\n"
            .chars()
            .map(|c| c as u8)
            .collect::<Vec<_>>()
            .as_slice(),
    );
    assert!(
        document
            .text
            .contains("caf\u{E9}: ferm\u{E9} \u{E0} No\u{EB}l"),
        "{}",
        document.text
    );
    assert_eq!(document.encoding, "windows-1252");
}
