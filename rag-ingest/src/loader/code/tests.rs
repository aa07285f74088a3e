use std::path::Path;

use super::languages::{EXTENSIONS, LANGUAGES};
use crate::document::{Document, Kind};
use crate::loader::{Limits, is_candidate, parse};

fn read(name: &str, text: &str) -> Document {
    parse(Path::new(name), text.as_bytes(), &Limits::default())
        .unwrap()
        .document
}

fn definitions(document: &Document) -> Vec<(u8, &str)> {
    let headings = document.headings.iter();
    headings.map(|it| (it.level, it.title.as_str())).collect()
}

#[test]
fn every_extension_of_a_language_is_listed_once() {
    let mut extensions: Vec<_> = LANGUAGES
        .iter()
        .flat_map(|it| it.extensions)
        .copied()
        .collect();
    extensions.sort_unstable();
    assert_eq!(extensions, EXTENSIONS);
}

#[test]
fn definitions_of_rust_are_headings_with_their_comments_and_attributes() {
    let text = "use a::b;\n\n/// A lamp.\n#[derive(Debug)]\npub struct Lamp {\n    on: bool,\n}\n\nimpl Lamp {\n    \
                pub(crate) async fn light(&self) {}\n}\n";
    let document = read("lamp.rs", text);
    assert_eq!(document.kind, Kind::Code);
    assert_eq!(document.language.as_deref(), Some("rust"));
    assert_eq!(
        definitions(&document),
        [
            (1, "pub struct Lamp"),
            (1, "impl Lamp"),
            (2, "pub(crate) async fn light(&self)")
        ]
    );
    let first = &document.headings[0];
    assert!(document.text[first.start..].starts_with("/// A lamp."));
}

#[test]
fn words_in_prose_and_calls_define_nothing() {
    let document = read(
        "a.py",
        "x = 1\nclassify(x)\ndefault = 2\nclass A(B):\n    def run(self):\n        pass\n",
    );
    assert_eq!(
        definitions(&document),
        [(1, "class A(B)"), (2, "def run(self)")]
    );
}

#[test]
fn a_script_without_an_extension_is_known_by_its_first_line() {
    let document = read("deploy", "#!/usr/bin/env -S python3.12\nprint('hello')\n");
    assert_eq!(document.language.as_deref(), Some("python"));
    assert_eq!(
        read("run", "#!/bin/bash\nls\n").language.as_deref(),
        Some("shell")
    );
    assert_eq!(read("notes", "no script\n").kind, Kind::Text);
}

#[test]
fn whole_names_are_known() {
    assert!(is_candidate(Path::new("src/Makefile")));
    assert_eq!(
        read("Dockerfile", "FROM scratch\n").language.as_deref(),
        Some("dockerfile")
    );
    assert!(!is_candidate(Path::new("src/Makefile.png")));
}
