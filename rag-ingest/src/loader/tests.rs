mod hostile;

use std::fs;
use std::path::Path;

use encoding_rs::{KOI8_R, SHIFT_JIS, WINDOWS_1252};

use super::{IoKind, Limits, LoadError, load, parse};
use crate::document::{Document, Kind};

const TWO_PAGES: &[u8] = include_bytes!("../../tests/fixtures/two-pages.pdf");
const ENCRYPTED: &[u8] = include_bytes!("../../tests/fixtures/encrypted.pdf");
const NO_TEXT_LAYER: &[u8] = include_bytes!("../../tests/fixtures/no-text-layer.pdf");

fn read(name: &str, bytes: &[u8]) -> Result<Document, LoadError> {
    parse(Path::new(name), bytes, &Limits::default()).map(|loaded| loaded.document)
}

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn a_text_file_is_read_and_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, "one\r\ntwo").unwrap();
    let (loaded, hash) = load(&path, &Limits::default()).unwrap();
    let document = loaded.document;
    assert_eq!(
        (document.kind, document.text.as_str()),
        (Kind::Text, "one\ntwo")
    );
    assert_eq!(hash, blake3::hash(b"one\r\ntwo").to_hex().to_string());
}

#[test]
fn a_missing_file_is_an_error_of_its_kind() {
    let error = load(Path::new("/nowhere/a.txt"), &Limits::default()).unwrap_err();
    assert!(matches!(
        error,
        LoadError::Io {
            kind: IoKind::NotFound,
            ..
        }
    ));
    assert!(error.to_string().contains("/nowhere/a.txt"));
}

#[test]
fn a_folder_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), &Limits::default()).unwrap_err();
    assert!(matches!(error, LoadError::Unsupported { .. }));
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, "12345").unwrap();
    let limits = Limits {
        max_file_bytes: 4,
        ..Limits::default()
    };
    let error = load(&path, &limits).unwrap_err();
    assert!(matches!(
        error,
        LoadError::TooLarge {
            size: 5,
            limit: 4,
            ..
        }
    ));
}

#[test]
fn nothing_but_white_space_is_empty() {
    for bytes in [&b""[..], b" \r\n\t\n", "\u{FEFF}".as_bytes()] {
        assert!(matches!(read("a.txt", bytes), Err(LoadError::Empty { .. })));
    }
}

#[test]
fn markdown_is_kept_and_its_headings_are_found() {
    let document = read("a.md", b"intro\n\n# Title\n\n## Part\n\ntext").unwrap();
    assert_eq!(document.kind, Kind::Markdown);
    assert_eq!(document.title.as_deref(), Some("Title"));
    let part = &document.headings[1];
    assert!(document.text[part.start..].starts_with("## Part"));
}

#[test]
fn utf_16_is_read_with_and_without_a_mark() {
    let text = "Stra\u{DF}e am Hafen, mit vielen Schiffen\n";
    for mark in ["", "\u{FEFF}"] {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let file = wide(&format!("{mark}{text}"), bytes);
            let document = read("a.txt", &file).unwrap();
            assert_eq!(document.text, text.trim());
            assert!(
                document.encoding.starts_with("UTF-16"),
                "{}",
                document.encoding
            );
        }
    }
}

#[test]
fn old_encodings_are_guessed() {
    let french = "Les \u{E9}l\u{E8}ves ont d\u{FB} r\u{E9}viser leurs le\u{E7}ons \u{E0} la biblioth\u{E8}que.\n";
    let russian = "\u{41F}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43C}\u{438}\u{440}! \u{42D}\u{442}\u{43E} \
        \u{43F}\u{440}\u{43E}\u{441}\u{442}\u{43E}\u{439} \u{442}\u{435}\u{43A}\u{441}\u{442}.\n";
    let japanese = "\u{3053}\u{308C}\u{306F}\u{65E5}\u{672C}\u{8A9E}\u{306E}\u{6587}\u{7AE0}\u{3067}\u{3059}\u{3002}\n";
    for (text, encoding) in [
        (french, WINDOWS_1252),
        (russian, KOI8_R),
        (japanese, SHIFT_JIS),
    ] {
        let text = text.repeat(8);
        let (bytes, ..) = encoding.encode(&text);
        assert_eq!(read("a.txt", &bytes).unwrap().text, text.trim_end());
    }
}

#[test]
fn a_broken_character_in_utf_8_costs_only_that_character() {
    let mut bytes =
        "caf\u{E9} na\u{EF}ve \u{E9}t\u{E9} \u{FC}ber stra\u{DF}e \u{E0} la \u{E7}a \u{E8}\n"
            .repeat(2)
            .into_bytes();
    bytes.push(0xE2);
    let document = read("a.txt", &bytes).unwrap();
    assert_eq!(document.encoding, "UTF-8");
    assert!(document.text.starts_with("caf\u{E9}"));
    assert!(
        document.warnings[0].contains("1 byte sequences"),
        "{:?}",
        document.warnings
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_whatever_their_name() {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let random: Vec<u8> = (0..4096).map(|_| noise()).collect();
    let high: Vec<u8> = (0..4096).map(|_| noise() | 0x80).collect();
    let xz = b"\xfd7zXZ\0\x14\0\0\0\x08\0".repeat(40);
    for bytes in [vec![0xFF; 4096], vec![0; 4096], random, high, xz] {
        for name in ["a.txt", "a.md", "a.html"] {
            let outcome = read(name, &bytes);
            assert!(
                matches!(outcome, Err(LoadError::Binary { .. })),
                "{name}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    assert_eq!(
        read("x/a.txt", b"\x7fELF\x02\x01\x01\0\0")
            .unwrap_err()
            .to_string(),
        "x/a.txt is not a text file: it is a program; \
         convert it to a format that is read, or leave it out"
    );
}

#[test]
fn a_pdf_is_read_page_by_page() {
    let document = read("a.pdf", TWO_PAGES).unwrap();
    assert_eq!(document.kind, Kind::Pdf);
    assert_eq!(document.title.as_deref(), Some("Notes from the Coast"));
    let pages: Vec<_> = document.pages.iter().map(|page| page.page).collect();
    assert_eq!(pages, [1, 2]);
    let second = &document.pages[1];
    assert!(document.text[second.start..second.end].contains("fishermen mend their nets"));
}

#[test]
fn a_pdf_with_another_name_is_still_a_pdf() {
    let document = read("a.txt", TWO_PAGES).unwrap();
    assert_eq!(document.kind, Kind::Pdf);
    assert_eq!(
        document.warnings,
        ["it is a PDF, although it is named .txt"]
    );
}

#[test]
fn an_encrypted_pdf_is_an_error_of_its_kind() {
    assert!(matches!(
        read("a.pdf", ENCRYPTED),
        Err(LoadError::Encrypted { .. })
    ));
}

#[test]
fn a_pdf_without_its_end_is_an_error_wherever_it_was_cut() {
    for part in [20, 400, 900, TWO_PAGES.len() - 10] {
        let outcome = read("a.pdf", &TWO_PAGES[..part]);
        assert!(
            matches!(outcome, Err(LoadError::Truncated { .. })),
            "{part}: {outcome:?}"
        );
    }
}

#[test]
fn a_pdf_of_pictures_is_an_error_of_its_kind() {
    let outcome = read("a.pdf", NO_TEXT_LAYER);
    assert!(matches!(
        outcome,
        Err(LoadError::NoTextLayer { pages: 2, .. })
    ));
}

#[test]
fn a_damaged_pdf_is_an_error_and_not_a_panic() {
    for at in (0..TWO_PAGES.len()).step_by(61) {
        let mut bytes = TWO_PAGES.to_vec();
        bytes[at] ^= 0x15;
        // Whatever comes out, it comes out.
        let _ = read("a.pdf", &bytes);
    }
    let garbage = [b"%PDF-1.7\n".as_slice(), &[b'x'; 300], b"\n%%EOF\n"].concat();
    assert!(matches!(
        read("a.pdf", &garbage),
        Err(LoadError::Corrupt { .. })
    ));
}

#[test]
fn html_with_another_name_is_still_html() {
    let document = read("a.txt", b"<!DOCTYPE html><title>T</title><p>text</p>").unwrap();
    assert_eq!(
        (document.kind, document.text.as_str()),
        (Kind::Html, "text")
    );
}

#[test]
fn html_is_read_in_the_encoding_it_declares() {
    let mut bytes = b"<html><head><meta charset=\"windows-1251\"></head><body><p>".to_vec();
    let (text, ..) = encoding_rs::WINDOWS_1251.encode("\u{41F}\u{440}\u{438}\u{432}\u{435}\u{442}");
    bytes.extend_from_slice(&text);
    assert_eq!(
        read("a.html", &bytes).unwrap().text,
        "\u{41F}\u{440}\u{438}\u{432}\u{435}\u{442}"
    );
}

#[test]
fn an_error_can_be_recorded_and_read_back() {
    let error = read("a.pdf", ENCRYPTED).unwrap_err();
    let json = serde_json::to_string(&error).unwrap();
    assert_eq!(json, r#"{"reason":"encrypted","path":"a.pdf"}"#);
    assert_eq!(serde_json::from_str::<LoadError>(&json).unwrap(), error);
    assert_eq!(error.reason(), "encrypted");
}

#[test]
fn headings_of_restructuredtext_are_found() {
    let document = read("a.rst", b"Lamps\n=====\n\ntext\n").unwrap();
    assert_eq!(document.kind, Kind::Text);
    assert_eq!(document.title.as_deref(), Some("Lamps"));
    assert_eq!(document.headings[0].start, 0);
}
