use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::document::{Document, Kind};
use crate::loader::{Limits, LoadError, parse};

const REPORT: &[u8] = include_bytes!("../../../tests/fixtures/report.docx");
const ENCRYPTED: &[u8] = include_bytes!("../../../tests/fixtures/encrypted.docx");
const MACROS: &[u8] = include_bytes!("../../../tests/fixtures/macros.docm");
const SLIDES: &[u8] = include_bytes!("../../../tests/fixtures/slides.pptx");
const SHEETS: &[u8] = include_bytes!("../../../tests/fixtures/sheets.xlsx");
const OLD: &[u8] = include_bytes!("../../../tests/fixtures/old.xls");

fn read(name: &str, bytes: &[u8]) -> Result<Document, LoadError> {
    parse(Path::new(name), bytes, &Limits::default()).map(|loaded| loaded.document)
}

/// The package with one part put in the place of another.
fn with_part(package: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(package)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).unwrap();
        if file.name().unwrap() != name {
            writer.raw_copy_file(file).unwrap();
        }
    }
    writer
        .start_file(name, SimpleFileOptions::default())
        .unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_word_document_gives_its_headings_and_tables() {
    let document = read("report.docx", REPORT).unwrap();
    assert_eq!(document.kind, Kind::Word);
    assert_eq!(document.title.as_deref(), Some("The Harbour Report"));
    let headings: Vec<_> = document
        .headings
        .iter()
        .map(|it| (it.level, it.title.as_str()))
        .collect();
    assert_eq!(headings, [(1, "Harbour"), (2, "Ships")]);
    for part in [
        "first ship",
        "| Aurora | 12 |",
        "Water & wind < storm",
        "lighthouse",
    ] {
        assert!(document.text.contains(part), "{part}: {}", document.text);
    }
}

#[test]
fn what_a_file_is_counts_more_than_its_name() {
    let document = read("report.txt", REPORT).unwrap();
    assert_eq!(document.kind, Kind::Word);
    assert_eq!(
        document.warnings,
        ["it is an office document, although it is named .txt"]
    );
    let text = read("report.docx", b"Only text, whatever the name says.").unwrap();
    assert_eq!(text.kind, Kind::Text);
    assert_eq!(
        text.warnings,
        ["it is plain text, although it is named .docx"]
    );
}

#[test]
fn slides_are_numbered_and_their_notes_are_kept() {
    let document = read("slides.pptx", SLIDES).unwrap();
    assert_eq!(document.kind, Kind::Slides);
    assert_eq!(document.kind.page_name(), "slide");
    let on = |number: u32| {
        let page = document.pages.iter().find(|it| it.page == number).unwrap();
        &document.text[page.start..page.end]
    };
    assert!(
        on(1).contains("The moon pulls the sea.") && on(1).contains("about the moon"),
        "{}",
        on(1)
    );
    assert!(on(3).contains("| Brest | 7.5 |"), "{}", on(3));
    assert!(
        document.headings.iter().any(|it| it.title == "Tides"),
        "{:?}",
        document.headings
    );
    assert!(document.text.starts_with("# Tides"), "{}", document.text);
    assert_eq!(document.warnings, ["slides 2 without text"]);
}

#[test]
fn sheets_are_numbered_and_named() {
    let document = read("sheets.xlsx", SHEETS).unwrap();
    assert_eq!(document.kind, Kind::Sheets);
    let names: Vec<_> = document
        .headings
        .iter()
        .map(|it| it.title.as_str())
        .collect();
    assert!(
        names.contains(&"Ships") && names.contains(&"Ports"),
        "{names:?}"
    );
    assert!(
        document.text.contains("Aurora") && document.text.contains("1990-05-01"),
        "{}",
        document.text
    );
    let place = document.text.find("Brest").unwrap();
    assert_eq!(document.pages_of(place, place + 1), Some((3, 3)));
}

#[test]
fn a_long_sheet_names_the_column_of_every_value() {
    let cell = |row: usize, text: &str| {
        format!(
            r#"<c r="A{row}" t="inlineStr"><is><t>{text}</t></is></c><c r="B{row}" t="inlineStr"><is><t>{text}s</t></is></c>"#
        )
    };
    let rows: String = (1..=30)
        .map(|row| {
            format!(
                r#"<row r="{row}">{}</row>"#,
                cell(row, &format!("word{row}"))
            )
        })
        .collect();
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let bytes = with_part(SHEETS, "xl/worksheets/sheet1.xml", sheet.as_bytes());
    let document = read("long.xlsx", &bytes).unwrap();
    assert!(
        document
            .text
            .starts_with("## Ships\n\nword1 | word1s\nword1: word2; word1s: word2s\n"),
        "{}",
        document.text
    );
}

#[test]
fn a_workbook_from_before_2007_is_read() {
    let document = read("old.xls", OLD).unwrap();
    assert_eq!(document.kind, Kind::Sheets);
    assert!(document.text.contains("Calypso"), "{}", document.text);
}

#[test]
fn an_encrypted_document_says_so() {
    let error = read("encrypted.docx", ENCRYPTED).unwrap_err();
    assert_eq!(error.reason(), "encrypted", "{error}");
}

#[test]
fn macros_are_told_and_not_read() {
    let document = read("macros.docm", MACROS).unwrap();
    assert!(document.text.contains("lighthouse"));
    assert_eq!(document.warnings, ["it contains macros; they are not read"]);
}

#[test]
fn a_document_without_its_end_is_cut_off() {
    for part in [100, REPORT.len() / 2, REPORT.len() - 30] {
        let error = read("report.docx", &REPORT[..part]).unwrap_err();
        assert_eq!(error.reason(), "truncated", "{part}: {error}");
        assert!(error.to_string().contains("Word document"), "{error}");
    }
}

#[test]
fn a_document_with_broken_xml_is_damaged_and_its_part_is_named() {
    let bytes = with_part(
        REPORT,
        "word/document.xml",
        b"<w:document><w:body><w:p></w:body>",
    );
    let error = read("report.docx", &bytes).unwrap_err();
    assert_eq!(error.reason(), "corrupt", "{error}");
    assert!(error.to_string().contains("word/document.xml"), "{error}");
}

#[test]
fn a_part_that_unfolds_without_end_is_refused() {
    let bytes = with_part(REPORT, "word/media/image.png", &vec![0; 8 << 20]);
    let limits = Limits {
        max_unpacked_bytes: 4 << 20,
        ..Limits::default()
    };
    let error = parse(Path::new("bomb.docx"), &bytes, &limits).unwrap_err();
    assert_eq!(error.reason(), "bomb", "{error}");
}

#[test]
fn a_sheet_that_claims_to_be_huge_costs_only_what_is_in_it() {
    let sheet = br#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>
        <sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Corner</t></is></c></row>
        <row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>Opposite</t></is></c></row></sheetData></worksheet>"#;
    let bytes = with_part(SHEETS, "xl/worksheets/sheet1.xml", sheet);
    match read("huge.xlsx", &bytes) {
        Ok(document) => assert!(document.text.contains("Corner") && document.text.len() < 1 << 20),
        Err(error) => assert_eq!(error.reason(), "too_large", "{error}"),
    }
}

#[test]
fn other_compound_files_are_not_supported() {
    let bytes = [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 600]].concat();
    let error = read("Thumbs.doc", &bytes).unwrap_err();
    assert_eq!(error.reason(), "unsupported", "{error}");
}
