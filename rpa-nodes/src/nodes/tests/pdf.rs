//! PDF nodes on files that other programs made: tests/fixtures/pdf/make.py.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::run_in;

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pdf");
    folder.join(name).display().to_string()
}

fn done(folder: &Path, node_type: &str, config: Value) -> Value {
    let result = run_in(folder, node_type, config, json!({}));
    assert!(result.success, "{node_type}: {:?}", result.error);
    result.outputs["n"].clone()
}

fn refused(node_type: &str, config: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let result = run_in(folder.path(), node_type, config, json!({}));
    assert!(!result.success, "{node_type}: {:?}", result.outputs);
    result.error.unwrap()
}

/// The texts of the pages of a file.
fn pages(path: &Path) -> Vec<String> {
    let given = done(
        path.parent().unwrap(),
        "ReadPDFTextNode",
        json!({"file_path": path.display().to_string()}),
    );
    serde_json::from_value(given["pages"].clone()).unwrap()
}

#[test]
fn the_text_of_a_pdf_comes_page_by_page() {
    let read = |config: Value| done(Path::new("/"), "ReadPDFTextNode", config);
    for name in ["letter.pdf", "packed.pdf"] {
        let given = read(json!({"file_path": file(name), "page_separator": "|"}));
        let pages = given["pages"].as_array().unwrap();
        assert_eq!(pages.len(), 3, "{name}");
        assert!(
            pages[0].as_str().unwrap().contains("Dear reader"),
            "{given}"
        );
        assert!(
            pages[2].as_str().unwrap().contains("This is page 3."),
            "{given}"
        );
        assert_eq!(given["text"].as_str().unwrap().matches('|').count(), 2);
        assert_eq!(
            (&given["page_count"], &given["is_encrypted"]),
            (&json!(3), &json!(false))
        );
    }
    let second = read(json!({"file_path": file("letter.pdf"), "start_page": 2, "end_page": 2}));
    assert_eq!(second["pages"].as_array().unwrap().len(), 1);
    assert!(
        second["text"].as_str().unwrap().starts_with("The middle"),
        "{second}"
    );
    let rest = read(json!({"file_path": file("letter.pdf"), "start_page": "2", "end_page": 99}));
    assert_eq!(rest["pages"].as_array().unwrap().len(), 2);
    let none = refused(
        "ReadPDFTextNode",
        json!({"file_path": file("letter.pdf"), "start_page": 4}),
    );
    assert!(none.contains("the file has 3"), "{none}");
}

#[test]
fn a_locked_pdf_opens_with_its_password_and_else_says_that_it_is_locked() {
    let locked = json!({"file_path": file("locked.pdf")});
    for config in [
        locked.clone(),
        json!({"file_path": file("locked.pdf"), "password": "guess"}),
    ] {
        let fault = refused("ReadPDFTextNode", config);
        assert!(
            fault.starts_with("PDFEncryptedError") && fault.contains("locked.pdf"),
            "{fault}"
        );
    }
    let merged = refused(
        "MergePDFsNode",
        json!({"input_files": [file("letter.pdf"), file("locked.pdf")], "output_path": "m.pdf"}),
    );
    assert!(
        merged.starts_with("PDFEncryptedError") && merged.contains("locked.pdf"),
        "{merged}"
    );
    let given = done(
        Path::new("/"),
        "ReadPDFTextNode",
        json!({"file_path": file("locked.pdf"), "password": "secret"}),
    );
    assert!(
        given["text"].as_str().unwrap().contains("Kind regards"),
        "{given}"
    );
    assert_eq!(given["is_encrypted"], true);
    let said = done(Path::new("/"), "GetPDFInfoNode", locked);
    assert_eq!(
        (&said["is_encrypted"], &said["page_count"], &said["title"]),
        (&json!(true), &json!(0), &json!(""))
    );
    // Everybody may open this one.
    let open = done(
        Path::new("/"),
        "GetPDFInfoNode",
        json!({"file_path": file("unprinted.pdf")}),
    );
    assert_eq!(
        (&open["is_encrypted"], &open["page_count"]),
        (&json!(true), &json!(3))
    );
    let folder = tempfile::tempdir().unwrap();
    done(
        folder.path(),
        "ExtractPDFPagesNode",
        json!({"input_file": file("unprinted.pdf"), "output_path": "o.pdf", "pages": [3]}),
    );
    assert!(pages(&folder.path().join("o.pdf"))[0].contains("Kind regards"));
}

#[test]
fn a_pdf_tells_what_it_is() {
    let said = done(
        Path::new("/"),
        "GetPDFInfoNode",
        json!({"file_path": file("letter.pdf")}),
    );
    let expected = json!({"page_count": 3, "title": "Letter – Brief", "author": "Ada Löwe", "subject": "Tests",
        "creator": "make.py", "creation_date": "2000-01-01T00:00:00+00:00", "is_encrypted": false, "success": true});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&said[name], value, "{name}");
    }
    assert!(
        said["producer"].as_str().unwrap().contains("ReportLab"),
        "{said}"
    );
}

#[test]
fn pdfs_are_put_together_and_taken_apart() {
    let folder = tempfile::tempdir().unwrap();
    let merge = json!({"input_files": [file("letter.pdf"), file("annex.pdf"), file("packed.pdf")], "output_path": "sub/all.pdf"});
    let merged = done(folder.path(), "MergePDFsNode", merge.clone());
    let all = PathBuf::from(merged["output_path"].as_str().unwrap());
    assert_eq!(merged["page_count"], 8);
    assert_eq!(
        merged["attachment_file"],
        json!([all.display().to_string()])
    );
    let texts = pages(&all);
    let first = |text: &String| {
        text.split(" This")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    assert_eq!(
        texts.iter().map(first).collect::<Vec<_>>(),
        [
            "Dear reader",
            "The middle",
            "Kind regards",
            "Table of prices",
            "Table of dates",
            "Dear reader",
            "The middle",
            "Kind regards"
        ]
    );
    let before = fs::read(&all).unwrap();
    done(folder.path(), "MergePDFsNode", merge);
    assert_eq!(
        fs::read(&all).unwrap(),
        before,
        "done again it is the same file"
    );

    let split = done(
        folder.path(),
        "SplitPDFNode",
        json!({"input_file": "sub/all.pdf", "output_dir": "single", "filename_pattern": "s-{n:02}.pdf"}),
    );
    assert_eq!(split["page_count"], 8);
    let files = split["output_files"].as_array().unwrap();
    assert!(
        files[3].as_str().unwrap().ends_with("single/s-04.pdf"),
        "{split}"
    );
    assert_eq!(
        pages(Path::new(files[3].as_str().unwrap()))
            .iter()
            .map(first)
            .collect::<Vec<_>>(),
        ["Table of prices"]
    );
    assert_eq!(
        fs::read_dir(folder.path().join("single")).unwrap().count(),
        8
    );

    let picked = done(
        folder.path(),
        "ExtractPDFPagesNode",
        json!({"input_file": file("letter.pdf"), "output_path": "picked.pdf", "pages": [3, "1-2", 3]}),
    );
    assert_eq!(picked["page_count"], 4);
    let texts = pages(&folder.path().join("picked.pdf"));
    assert_eq!(
        texts.iter().map(first).collect::<Vec<_>>(),
        ["Kind regards", "Dear reader", "The middle", "Kind regards"]
    );
}

#[test]
fn a_page_takes_along_only_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    done(
        folder.path(),
        "ExtractPDFPagesNode",
        json!({"input_file": file("letter.pdf"), "output_path": "one.pdf", "pages": [1]}),
    );
    let one = lopdf::Document::load(folder.path().join("one.pdf")).unwrap();
    assert_eq!(one.get_pages().len(), 1);
    let kinds = one
        .objects
        .values()
        .filter(|object| object.type_name().is_ok_and(|kind| kind == b"Page"));
    assert_eq!(
        kinds.count(),
        1,
        "the page that a link leads to stayed away"
    );
    assert!(one.objects.len() < 12, "{} objects", one.objects.len());
}

#[test]
fn what_is_no_whole_pdf_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(file("letter.pdf")).unwrap();
    let mut garbled = whole.clone();
    garbled[20..whole.len() - 40].fill(b'x');
    let files = [
        ("cut.pdf", whole[..whole.len() / 2].to_vec()),
        ("text.pdf", b"Dear reader".to_vec()),
        ("garbled.pdf", garbled),
    ];
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let path = path.display().to_string();
        for (node_type, config) in [
            ("ReadPDFTextNode", json!({"file_path": path})),
            ("GetPDFInfoNode", json!({"file_path": path})),
            (
                "MergePDFsNode",
                json!({"input_files": [file("annex.pdf"), path], "output_path": "m.pdf"}),
            ),
            (
                "SplitPDFNode",
                json!({"input_file": path, "output_dir": "."}),
            ),
        ] {
            let fault = refused(node_type, config);
            assert!(
                fault.starts_with("PDFError: cannot read") && fault.contains(name),
                "{node_type}: {fault}"
            );
        }
    }
    let gone = refused("GetPDFInfoNode", json!({"file_path": "nowhere.pdf"}));
    assert!(gone.starts_with("FileNotFoundError"), "{gone}");
}

#[test]
fn what_cannot_be_meant_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (
            "SplitPDFNode",
            json!({"input_file": file("letter.pdf"), "output_dir": "out", "filename_pattern": "same.pdf"}),
            "put {n} into it",
        ),
        (
            "ExtractPDFPagesNode",
            json!({"input_file": file("letter.pdf"), "output_path": "o.pdf", "pages": [1, 4]}),
            "no page of",
        ),
        (
            "ExtractPDFPagesNode",
            json!({"input_file": file("letter.pdf"), "output_path": "o.pdf", "pages": []}),
            "pages",
        ),
        (
            "MergePDFsNode",
            json!({"input_files": [], "output_path": "o.pdf"}),
            "input_files",
        ),
    ];
    for (node_type, config, expected) in cases {
        let result = run_in(folder.path(), node_type, config, json!({}));
        let fault = result.error.unwrap_or_default();
        assert!(
            !result.success && fault.contains(expected),
            "{node_type}: {fault}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The width and the height of a PNG, and how many of its bytes there are.
fn picture(path: &str) -> (u32, u32, usize) {
    let content = fs::read(path).unwrap();
    assert_eq!(content[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(content[at..at + 4].try_into().unwrap());
    (number(16), number(20), content.len())
}

#[test]
fn pages_become_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let make = |config: Value| done(folder.path(), "PDFToImagesNode", config);
    let letter = file("letter.pdf");
    let given =
        make(json!({"input_file": letter, "output_dir": "out", "dpi": 72, "start_page": 2}));
    let count = pages(Path::new(&letter)).len();
    let files: Vec<String> = serde_json::from_value(given["output_files"].clone()).unwrap();
    assert_eq!(
        (files.len(), &given["page_count"]),
        (count - 1, &json!(count - 1))
    );
    assert!(files[0].ends_with("out/letter_page_2.png"), "{files:?}");
    let (width, height, small) = picture(&files[0]);
    let again = make(
        json!({"input_file": letter, "output_dir": "out", "dpi": "144", "start_page": 2, "end_page": 2}),
    );
    let files: Vec<String> = serde_json::from_value(again["output_files"].clone()).unwrap();
    let (wider, higher, large) = picture(&files[0]);
    // A point is a dot at 72 dots an inch; a part of one is left out.
    assert!(
        wider.abs_diff(2 * width) <= 1 && higher.abs_diff(2 * height) <= 1,
        "{wider} {higher}"
    );
    // An empty page of this size would be packed into a few hundred bytes.
    assert!(small > 1000 && large > small, "{small} {large}");

    for (config, expected) in [
        (
            json!({"input_file": file("locked.pdf"), "output_dir": "x"}),
            "PDFEncryptedError",
        ),
        (
            json!({"input_file": letter, "output_dir": "x", "start_page": 99}),
            "none are between",
        ),
        (
            json!({"input_file": letter, "output_dir": "x", "dpi": 5}),
            "between 10 and 1200",
        ),
    ] {
        let fault = refused("PDFToImagesNode", config);
        assert!(fault.contains(expected), "{fault}");
    }
}
