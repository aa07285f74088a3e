use std::io::{Cursor, Write};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::resolve;
use crate::document::{Document, Kind};
use crate::loader::{Limits, LoadError, parse};

const CONTAINER: &str = r#"<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;
const PACKAGE: &str = r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Sea &amp; Wind</dc:title></metadata>
<manifest><item id="two" href="text/two%20.xhtml"/><item id="one" href="text/one.xhtml"/><item id="css" href="a.css"/></manifest>
<spine><itemref idref="one"/><itemref idref="two"/></spine></package>"#;

pub(crate) fn book(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn good() -> Vec<u8> {
    book(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/book.opf", PACKAGE),
        (
            "OEBPS/text/two .xhtml",
            "<html><body><h1>Second</h1><p>The wind.</p></body></html>",
        ),
        (
            "OEBPS/text/one.xhtml",
            "<html><body><h1>First</h1><p>The sea.</p></body></html>",
        ),
    ])
}

fn read(bytes: &[u8]) -> Result<Document, LoadError> {
    parse(Path::new("book.epub"), bytes, &Limits::default()).map(|loaded| loaded.document)
}

#[test]
fn chapters_come_in_the_order_in_which_they_are_read() {
    let document = read(&good()).unwrap();
    assert_eq!(document.kind, Kind::Book);
    assert_eq!(document.title.as_deref(), Some("Sea & Wind"));
    assert_eq!(
        document.text,
        "# First\n\nThe sea.\n\n# Second\n\nThe wind."
    );
    let place = document.text.find("wind").unwrap();
    assert_eq!(document.pages_of(place, place + 4), Some((2, 2)));
}

#[test]
fn a_chapter_that_is_missing_is_told_and_the_others_are_read() {
    let bytes = book(&[
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/book.opf", PACKAGE),
        ("OEBPS/text/one.xhtml", "<p>The sea."),
    ]);
    let document = read(&bytes).unwrap();
    assert_eq!(document.text, "The sea.");
    assert!(
        document.warnings[0].starts_with("chapter 2 (OEBPS/text/two .xhtml)"),
        "{:?}",
        document.warnings
    );
}

#[test]
fn a_book_for_one_reader_only_is_encrypted() {
    let list = r#"<encryption><EncryptedData><CipherData><CipherReference URI="OEBPS/text/one.xhtml"/></CipherData></EncryptedData></encryption>"#;
    let bytes = book(&[
        ("META-INF/container.xml", CONTAINER),
        ("META-INF/encryption.xml", list),
        ("OEBPS/book.opf", PACKAGE),
        ("OEBPS/text/one.xhtml", "\u{1}\u{2}"),
    ]);
    assert_eq!(read(&bytes).unwrap_err().reason(), "encrypted");
}

#[test]
fn a_book_without_its_package_is_damaged() {
    let error = read(&book(&[("META-INF/container.xml", CONTAINER)])).unwrap_err();
    assert_eq!(error.reason(), "corrupt");
    assert!(
        error.to_string().contains("OEBPS/book.opf is missing"),
        "{error}"
    );
    let error = read(&book(&[("META-INF/container.xml", "<container/>")])).unwrap_err();
    assert!(error.to_string().contains("names no package"), "{error}");
}

#[test]
fn references_stay_in_the_package() {
    assert_eq!(resolve("OEBPS", "../x/a%20b.xhtml#part"), "x/a b.xhtml");
    assert_eq!(resolve("OEBPS", "../../../../etc/passwd"), "etc/passwd");
    assert_eq!(resolve("", "100%.xhtml"), "100%.xhtml");
}
