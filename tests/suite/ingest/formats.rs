//! Formats: documents of every kind, files in files, and parsers that must be stopped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::time::Duration;

use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;
use serde_json::Value as Json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const REPORT: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/report.docx");
const ENCRYPTED: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/encrypted.docx");
const MACROS: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/macros.docm");
const SLIDES: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/slides.pptx");
const SHEETS: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/sheets.xlsx");

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of so many rows that its parser takes long and much.
fn large_workbook() -> Vec<u8> {
    const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
    const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Large" sheetId="1" r:id="s"/></sheets></workbook>"#;
    const SHEET_RELATION: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let mut sheet = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#.to_owned();
    for row in 1..50_000_u64 {
        // Numbers that a packer cannot shrink to nothing: that would be a bomb.
        let noise = row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        sheet.push_str(&format!(
            r#"<row r="{row}"><c r="A{row}"><v>{noise}</v></c><c r="B{row}"><v>{row}</v></c></row>"#
        ));
    }
    sheet.push_str("</sheetData></worksheet>");
    archive(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", RELATIONS.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", SHEET_RELATION.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// The errors of a run by the names of the files, below the folder.
fn errors(summary: &Json, folder: &Path) -> BTreeMap<String, String> {
    let prefix = format!("{}/", folder.canonicalize().unwrap().display());
    let failed = summary["failed"].as_array().unwrap().iter();
    let pair = |one: &Json| {
        let path = one["path"].as_str().unwrap();
        let error = one["error"].as_str().unwrap();
        assert!(
            error.contains(path),
            "the error does not name its file: {error}"
        );
        (
            path.strip_prefix(&prefix).unwrap().to_owned(),
            error.to_owned(),
        )
    };
    failed.map(pair).collect()
}

/// The documents by their paths: kind and number of chunks.
async fn documents(ingestion: &Ingestion<'_>) -> BTreeMap<String, (String, i64)> {
    let rows = ingestion
        .store
        .rows("SELECT path, kind, chunks FROM rag_documents", &[])
        .await;
    let entry = |row: &Json| {
        let text = |at: usize| row[at].as_str().unwrap().to_owned();
        (text(0), (text(1), row[2].as_i64().unwrap()))
    };
    rows.iter().map(entry).collect()
}

fn first_path(hits: &[Json]) -> &str {
    hits[0]["path"].as_str().unwrap()
}

on_both_stores! {
    async fn documents_of_every_kind_are_found_by_what_they_say(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        let files: &[(&str, &[u8])] = &[
            ("report.docx", REPORT), ("macros.docm", MACROS), ("slides.pptx", SLIDES), ("sheets.xlsx", SHEETS),
            ("table.csv", b"animal,sound\ncow,moo\n"), ("data.json", br#"{"planet": {"name": "Saturn"}}"#),
            ("lines.jsonl", b"{\"q\": \"why\"}\n"), ("rich.rtf", br"{\rtf1 The walrus sleeps.\par}"),
            ("mail.eml", b"From: a@example.org\nSubject: Pancakes\n\nBring maple syrup.\n"),
            ("lamp.rs", b"/// A lamp.\npub struct Lamp;\n"),
            ("note.ipynb", br##"{"cells": [{"cell_type": "markdown", "source": "# Entropy"}], "metadata": {}, "nbformat": 4}"##),
        ];
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (code, summary) = ingestion.run();

        assert_eq!((code, &summary["ingested"]), (0, &files.len().into()), "{summary}");
        for (question, name) in [
            ("walrus sleeps", "rich.rtf"), ("maple syrup pancakes", "mail.eml"), ("moon pulls the sea", "slides.pptx"),
            ("cow moo", "table.csv"), ("Saturn planet", "data.json"), ("entropy", "note.ipynb"), ("struct Lamp", "lamp.rs"),
        ] {
            let hits = ingestion.search(question);
            assert!(first_path(&hits).ends_with(name), "{question}: {hits:?}");
        }
    }

    async fn files_in_an_archive_are_documents_and_follow_it(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("papers.zip");
        let inner = archive(&[("whales.txt", b"Whales sing in the deep.")]);
        fs::write(&path, archive(&[("inner.zip", &inner), ("../birds.md", b"# Birds\n\nSwifts sleep in the air.")])).unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (code, first) = ingestion.run();

        assert_eq!((code, &first["discovered"], &first["ingested"]), (0, &1.into(), &1.into()), "{first}");
        let hits = ingestion.search("whales sing");
        assert!(first_path(&hits).ends_with("papers.zip!/inner.zip!/whales.txt"), "{hits:?}");
        let names: Vec<_> = documents(&ingestion).await.into_keys().collect();
        assert_eq!(names, ["papers.zip", "papers.zip!/birds.md", "papers.zip!/inner.zip!/whales.txt"]);

        let (code, again) = ingestion.run();
        assert_eq!((code, &again["unchanged"], &again["ingested"]), (0, &1.into(), &0.into()), "{again}");

        fs::write(&path, archive(&[("fish.txt", b"Eels travel far.")])).unwrap();
        let (code, changed) = ingestion.run();
        assert_eq!((code, &changed["ingested"]), (0, &1.into()), "{changed}");
        let left = documents(&ingestion).await;
        assert_eq!(left["papers.zip"], ("archive".to_owned(), 0));
        assert_eq!(left["papers.zip!/fish.txt"], ("text".to_owned(), 1));
        assert_eq!(left.len(), 2, "{left:?}");
        let orphans = store.rows("SELECT id FROM rag_chunks WHERE document_id NOT IN (SELECT id FROM rag_documents)", &[]).await;
        assert_eq!(orphans, Vec::<Json>::new());
    }

    async fn each_bad_file_of_every_format_fails_with_its_own_reason(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
        let spaces = vec![b' '; 8 << 20];
        let bomb = archive(&[("spaces.txt", &spaces)]);
        let expected: &[(&str, Vec<u8>, &str)] = &[
            ("half.docx", half(REPORT), "is cut off"),
            ("half.pptx", half(SLIDES), "is cut off"),
            ("half.xlsx", half(SHEETS), "is cut off"),
            ("half.zip", half(&archive(&[("a.txt", b"some words, and some more")])), "is cut off"),
            ("half.rtf", br"{\rtf1 Hello".to_vec(), "is cut off"),
            ("half.ipynb", br#"{"cells": [{"#.to_vec(), "is cut off"),
            ("locked.docx", ENCRYPTED.to_vec(), "is encrypted"),
            ("no-book.epub", archive(&[("META-INF/container.xml", b"<container/>")]), "is a damaged EPUB book"),
            ("no-message.eml", b"\n\n\n\n".to_vec(), "is a damaged message: it has no headers"),
            ("picture.docx", [&b"\x89PNG\r\n"[..], &[0; 64]].concat(), "is not a text file: it is a PNG picture"),
            ("bomb.zip", bomb, "unfolds into too much"),
            ("empty.zip", archive(&[]), "holds no text"),
            ("blank.csv", b"\n\n".to_vec(), "holds no text"),
        ];
        for (name, bytes, _) in expected {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let mixed = archive(&[("good.txt", b"Good words."), ("bad.pdf", b"%PDF-1.7 nothing")]);
        fs::write(folder.join("mixed.zip"), mixed).unwrap();
        fs::write(folder.join("text.docx"), "Only text, in truth.").unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (code, summary) = summary(&ingestion.command().args(["--max-unpacked-size", "4"]).output().unwrap());

        let errors = errors(&summary, &folder);
        for (name, _, reason) in expected {
            assert!(errors.get(*name).is_some_and(|error| error.contains(reason)), "{name}: {summary}");
        }
        assert!(errors["mixed.zip!/bad.pdf"].contains("is cut off"), "{summary}");
        assert_eq!(errors.len(), expected.len() + 1, "{summary}");
        assert_eq!((code, &summary["ingested"]), (2, &2.into()), "{summary}");
    }

    async fn a_parser_that_takes_too_long_or_too_much_hurts_only_its_file(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("large.xlsx"), large_workbook()).unwrap();
        fs::write(folder.join("report.docx"), REPORT).unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (code, small) = summary(&ingestion.command().args(["--parse-memory", "64"]).output().unwrap());
        assert_eq!((code, &small["ingested"]), (2, &1.into()), "{small}");
        assert!(errors(&small, &folder)["large.xlsx"].contains("needs more than 67108864 bytes of memory"), "{small}");

        let (code, short) = summary(&ingestion.command().args(["--parse-timeout", "1"]).output().unwrap());
        assert_eq!((code, &short["unchanged"]), (2, &1.into()), "{short}");
        assert!(errors(&short, &folder)["large.xlsx"].contains("did not finish within 1 s"), "{short}");
    }

    async fn a_killed_program_leaves_no_parser_behind(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("large.xlsx"), large_workbook()).unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let mut program = ingestion.start();
        let parser = loop {
            if let Some(parser) = child_of(program.id()) {
                break parser;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };

        program.kill().unwrap();
        program.wait().unwrap();

        let gone = async {
            // It is nobody's child any more, so its end can only be looked for.
            while lives(parser) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.expect("the parser ends with its program");
    }
}

/// The state of a process and its parent; none if there is no such process.
fn state(process: u32) -> Option<(char, u32)> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold anything, parentheses too.
    let mut fields = line.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn lives(process: u32) -> bool {
    state(process).is_some_and(|(state, _)| state != 'Z')
}

fn child_of(program: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.find(|process| state(*process).is_some_and(|(_, parent)| parent == program))
}
