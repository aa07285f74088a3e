//! What no file may do to a parser, whatever the file is made of.

use std::fmt::Write;
use std::path::Path;

use crate::document::Document;
use crate::loader::archive::tests::{gzip, tar, zip};
use crate::loader::email::tests::MESSAGE;
use crate::loader::notebook::tests::NOTEBOOK;
use crate::loader::{Limits, LoadError, Loaded, epub, parse};

const PDF: &[u8] = include_bytes!("../../../tests/fixtures/two-pages.pdf");
const REPORT: &[u8] = include_bytes!("../../../tests/fixtures/report.docx");
const SLIDES: &[u8] = include_bytes!("../../../tests/fixtures/slides.pptx");
const SHEETS: &[u8] = include_bytes!("../../../tests/fixtures/sheets.xlsx");
const OLD: &[u8] = include_bytes!("../../../tests/fixtures/old.xls");

/// How many prefixes and how many mutations of a file are tried: of a small one more than of one whose parser is slow.
fn tries(bytes: &[u8]) -> usize {
    if bytes.len() < 4 << 10 && !bytes.starts_with(b"%PDF") {
        80
    } else {
        16
    }
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let html = "<!doctype html><title>T</title><main><h1>A</h1><table><tr><td>x</table><pre>code</pre></main>";
    let files: &[(&str, &[u8])] = &[("a.txt", b"one"), ("in.zip", &zip(&[("b.md", b"# two")]))];
    vec![
        ("a.pdf", PDF.to_vec()),
        ("a.docx", REPORT.to_vec()),
        ("a.pptx", SLIDES.to_vec()),
        ("a.xlsx", SHEETS.to_vec()),
        ("a.xls", OLD.to_vec()),
        ("a.epub", epub::tests::good()),
        ("a.eml", MESSAGE.as_bytes().to_vec()),
        ("a.zip", zip(files)),
        ("a.tar", tar(files)),
        ("a.tar.gz", gzip(&tar(files))),
        ("a.rtf", br"{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fcharset128 A;}}\f0 x\'82\'a0\u-3913?{\*\x y}\bin3 abc\par}".to_vec()),
        ("a.ipynb", NOTEBOOK.as_bytes().to_vec()),
        ("a.json", br#"{"a": [1, {"b": "\u00e9\\"}, null], "c": "d"}"#.to_vec()),
        ("a.jsonl", b"{\"a\": 1}\n{\"b\": \"x\\\"y\"}\n".to_vec()),
        ("a.csv", "name,\u{F6}rt\n\"a \"\"b\"\"\",2\n".as_bytes().to_vec()),
        ("a.html", html.as_bytes().to_vec()),
        ("a.md", "# T\u{EF}t\u{E9}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n".as_bytes().to_vec()),
        ("a.rst", "T\u{EF}t\u{E9}\n====\n\ntext\n".as_bytes().to_vec()),
        ("a.rs", "/// D\u{F6}c\npub fn f() {}\nimpl A {\n    fn g() {}\n}\n".as_bytes().to_vec()),
        ("a.txt", "pl\u{E4}in text \u{1F600}\n".as_bytes().to_vec()),
    ]
}

/// The same numbers on every machine and in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }
}

fn is_sound(document: &Document) {
    let text = &document.text;
    for heading in &document.headings {
        assert!(text.is_char_boundary(heading.start) && heading.start <= text.len());
    }
    let mut before = 0;
    for page in &document.pages {
        assert!(before <= page.start && page.start <= page.end && page.end <= text.len());
        assert!(text.is_char_boundary(page.start) && text.is_char_boundary(page.end));
        before = page.end;
    }
    assert_eq!(crate::normalise::normalise(text), *text);
}

/// Reads bytes that may be anything; a panic of a parser fails the test, although it would be caught in life.
fn try_read(name: &str, bytes: &[u8], what: &str) {
    let limits = Limits {
        max_unpacked_bytes: 16 << 20,
        ..Limits::default()
    };
    match parse(Path::new(name), bytes, &limits) {
        Ok(Loaded { document, members }) => {
            is_sound(&document);
            for member in members {
                match member.outcome {
                    Ok(document) => is_sound(&document),
                    Err(error) => no_crash(&error, what),
                }
            }
        }
        Err(error) => no_crash(&error, what),
    }
}

fn no_crash(error: &LoadError, what: &str) {
    assert!(
        !matches!(error, LoadError::Crashed { .. }),
        "{what}: {error}"
    );
}

#[test]
fn no_parser_panics_on_a_prefix_of_a_file() {
    let mut numbers = Numbers(0x5EED_0001);
    for (name, bytes) in samples() {
        let tries = tries(&bytes);
        let ends: Vec<usize> = if bytes.len() <= 4 * tries {
            (0..=bytes.len()).collect()
        } else {
            (0..tries).map(|_| numbers.below(bytes.len())).collect()
        };
        for end in ends {
            try_read(name, &bytes[..end], &format!("{end} bytes of {name}"));
        }
    }
}

#[test]
fn no_parser_panics_on_a_mutated_file() {
    let mut numbers = Numbers(0x5EED_0002);
    for (name, bytes) in samples() {
        for round in 0..tries(&bytes) {
            let mut bytes = bytes.clone();
            let mut what = format!("{name}, round {round}:");
            for _ in 0..=numbers.below(6) {
                let at = numbers.below(bytes.len());
                let byte = u8::try_from(numbers.below(256)).unwrap();
                write!(what, " {at}={byte}").unwrap();
                bytes[at] = byte;
            }
            try_read(name, &bytes, &what);
        }
    }
}

#[test]
fn every_format_comes_out_somehow_under_the_name_of_another() {
    for (own, bytes) in samples() {
        for name in ["a.txt", "a.docx", "a.zip", "a.csv", "a.eml", "a"] {
            try_read(name, &bytes, &format!("{own} as {name}"));
        }
    }
}

#[test]
fn a_file_of_nothing_but_white_space_is_empty_under_every_text_name() {
    for name in [
        "a.md", "a.html", "a.rst", "a.csv", "a.tsv", "a.jsonl", "a.py", "a.txt", "a",
    ] {
        let outcome = parse(Path::new(name), b" \r\n\t \n", &Limits::default());
        assert!(
            matches!(outcome, Err(LoadError::Empty { .. })),
            "{name}: {outcome:?}"
        );
    }
}

#[test]
fn a_picture_is_refused_under_every_name() {
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[0, 1, 2, 250].repeat(200)].concat();
    for (name, _) in samples() {
        let error = parse(Path::new(name), &picture, &Limits::default()).unwrap_err();
        assert_eq!(error.reason(), "binary", "{name}: {error}");
    }
}
