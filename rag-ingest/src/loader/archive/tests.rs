use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::document::Kind;
use crate::loader::{Limits, LoadError, Loaded, parse};

pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        // Written past the library, which refuses names that lead out of the folder.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Loaded, LoadError> {
    parse(Path::new(name), bytes, limits)
}

fn members(loaded: &Loaded) -> Vec<(&str, &str)> {
    let members = loaded.members.iter();
    let text = |member: &'_ crate::loader::Member| match &member.outcome {
        Ok(document) => document.text.clone(),
        Err(error) => error.reason().to_owned(),
    };
    members
        .map(|it| (it.path.as_str(), &*text(it).leak()))
        .collect()
}

const FILES: &[(&str, &[u8])] = &[
    ("reports/may.txt", b"May was warm."),
    ("readme.md", b"# Read me"),
];

#[test]
fn every_kind_of_archive_gives_its_files() {
    let plain = zip(FILES);
    let packed = gzip(&tar(FILES));
    for (name, bytes) in [
        ("a.zip", &plain),
        ("a.tar", &tar(FILES)),
        ("a.tar.gz", &packed),
        ("a.tgz", &packed),
    ] {
        let loaded = read(name, bytes, &Limits::default()).unwrap();
        assert_eq!(loaded.document.kind, Kind::Archive);
        assert_eq!(loaded.document.text, "");
        assert_eq!(
            members(&loaded),
            [
                ("reports/may.txt", "May was warm."),
                ("readme.md", "# Read me")
            ],
            "{name}"
        );
    }
}

#[test]
fn a_single_compressed_file_is_a_container_of_one() {
    let loaded = read("notes.md.gz", &gzip(b"# Notes"), &Limits::default()).unwrap();
    assert_eq!(members(&loaded), [("notes.md", "# Notes")]);
    let odd = read("odd.gz", &gzip(b"Odd."), &Limits::default()).unwrap();
    assert_eq!(members(&odd), [("odd", "Odd.")]);
    assert_eq!(
        loaded.members[0].outcome.as_ref().unwrap().kind,
        Kind::Markdown
    );
}

#[test]
fn an_archive_named_like_something_else_is_still_one() {
    let loaded = read("a.txt", &zip(FILES), &Limits::default()).unwrap();
    assert_eq!(loaded.members.len(), 2);
    assert_eq!(
        loaded.document.warnings,
        ["it is a ZIP archive, although it is named .txt"]
    );
}

#[test]
fn archives_in_archives_are_opened_down_to_the_limit() {
    let inner = zip(&[("deep.txt", b"Deep.")]);
    let outer = zip(&[("inner.zip", &inner), ("top.txt", b"Top.")]);
    let loaded = read("outer.zip", &outer, &Limits::default()).unwrap();
    assert_eq!(
        members(&loaded),
        [
            ("inner.zip", ""),
            ("inner.zip!/deep.txt", "Deep."),
            ("top.txt", "Top.")
        ]
    );

    let shallow = Limits {
        max_depth: 1,
        ..Limits::default()
    };
    let error = read("outer.zip", &outer, &shallow).unwrap_err();
    assert_eq!(error.reason(), "too_deep");
    assert!(
        error.to_string().contains("outer.zip!/inner.zip"),
        "{error}"
    );
}

#[test]
fn names_that_lead_out_are_harmless_and_told() {
    let files: &[(&str, &[u8])] = &[
        ("../../etc/cron.txt", b"one"),
        ("/abs.txt", b"two"),
        ("..\\..\\w.txt", b"three"),
    ];
    for bytes in [zip(files), tar(files)] {
        let loaded = read("slip.zip", &bytes, &Limits::default()).unwrap();
        assert_eq!(
            members(&loaded),
            [
                ("etc/cron.txt", "one"),
                ("abs.txt", "two"),
                ("w.txt", "three")
            ]
        );
        assert!(
            loaded
                .document
                .warnings
                .iter()
                .any(|it| it.contains("../../etc/cron.txt"))
        );
    }
}

#[test]
fn members_with_one_name_stay_apart() {
    let loaded = read(
        "a.tar",
        &tar(&[("a.txt", b"one"), ("./a.txt", b"two")]),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(members(&loaded), [("a.txt", "one"), ("a.txt (2)", "two")]);
}

#[test]
fn hidden_and_unreadable_kinds_are_left_out_and_counted() {
    let files: &[(&str, &[u8])] = &[
        (".git/config.txt", b"x"),
        ("__MACOSX/a.txt", b"x"),
        ("cat.png", b"\x89PNG"),
        ("a.txt", b"kept"),
    ];
    let loaded = read("a.zip", &zip(files), &Limits::default()).unwrap();
    assert_eq!(members(&loaded), [("a.txt", "kept")]);
    assert_eq!(
        loaded.document.warnings,
        ["3 members are hidden or of kinds that are not read, and were left out"]
    );
}

#[test]
fn a_bad_member_fails_alone() {
    let files: &[(&str, &[u8])] = &[
        ("bad.pdf", b"%PDF-1.7 nothing"),
        ("a.txt", b"kept"),
        ("empty.txt", b""),
    ];
    let loaded = read("a.zip", &zip(files), &Limits::default()).unwrap();
    assert_eq!(
        members(&loaded),
        [
            ("bad.pdf", "truncated"),
            ("a.txt", "kept"),
            ("empty.txt", "empty")
        ]
    );
    let (path, error) = loaded.failures().next().unwrap();
    assert_eq!(path, "bad.pdf");
    assert!(
        error.to_string().starts_with("a.zip!/bad.pdf is cut off"),
        "{error}"
    );
}

#[test]
fn an_archive_that_unfolds_without_end_is_refused() {
    let zeros = vec![b' '; 3 << 20];
    let limits = Limits {
        max_unpacked_bytes: 2 << 20,
        ..Limits::default()
    };
    for (name, bytes) in [
        ("bomb.zip", zip(&[("a.txt", &zeros)])),
        ("bomb.txt.gz", gzip(&zeros)),
        ("bomb.tar.gz", gzip(&tar(&[("a.txt", &zeros)]))),
    ] {
        let error = read(name, &bytes, &limits).unwrap_err();
        assert_eq!(error.reason(), "bomb", "{name}: {error}");
    }
}

#[test]
fn a_bomb_in_an_archive_ends_the_whole_archive() {
    let zeros = vec![b' '; 3 << 20];
    let limits = Limits {
        max_unpacked_bytes: 2 << 20,
        ..Limits::default()
    };
    let bytes = zip(&[
        ("good.txt", b"x"),
        ("inner.zip", &zip(&[("a.txt", &zeros)])),
    ]);
    let error = read("a.zip", &bytes, &limits).unwrap_err();
    assert_eq!(error.reason(), "bomb");
    assert!(error.path().ends_with("inner.zip"), "{error}");
}

#[test]
fn too_many_members_are_refused() {
    let names: Vec<_> = (0..30).map(|number| format!("{number}.txt")).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"x"[..]))
        .collect();
    let limits = Limits {
        max_members: 20,
        ..Limits::default()
    };
    let error = read("a.zip", &zip(&files), &limits).unwrap_err();
    assert_eq!(error.reason(), "bomb");
    assert!(error.to_string().contains("more than 20 files"), "{error}");
}

#[test]
fn archives_without_their_end_are_cut_off() {
    let plain = zip(FILES);
    let packed = tar(FILES);
    let pressed = gzip(&packed);
    for (name, bytes) in [
        ("a.zip", &plain[..plain.len() - 40]),
        ("a.tar", &packed[..520]),
        ("a.tar.gz", &pressed[..pressed.len() - 20]),
    ] {
        let error = read(name, bytes, &Limits::default()).unwrap_err();
        assert_eq!(error.reason(), "truncated", "{name}: {error}");
    }
}

#[test]
fn an_archive_with_a_password_says_so() {
    // The bit for encryption is set in both heads of the only member.
    let mut bytes = zip(&[("secret.txt", b"hidden")]);
    let marks: Vec<usize> = (0..bytes.len() - 4)
        .filter(|at| matches!(&bytes[*at..at + 4], b"PK\x03\x04" | b"PK\x01\x02"))
        .collect();
    for at in marks {
        let flags = if bytes[at + 2] == 3 { at + 6 } else { at + 8 };
        bytes[flags] |= 1;
    }
    assert_eq!(
        read("a.zip", &bytes, &Limits::default())
            .unwrap_err()
            .reason(),
        "encrypted"
    );
}

#[test]
fn an_empty_archive_is_empty() {
    for (name, bytes) in [("a.zip", zip(&[])), ("a.tar.gz", gzip(&tar(&[])))] {
        let error = read(name, &bytes, &Limits::default()).unwrap_err();
        assert_eq!(error.reason(), "empty", "{name}: {error}");
    }
}

#[test]
fn a_link_in_an_archive_is_not_followed() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "a.txt", "/etc/passwd")
        .unwrap();
    let bytes = builder.into_inner().unwrap();
    assert_eq!(
        read("a.tar", &bytes, &Limits::default())
            .unwrap_err()
            .reason(),
        "empty"
    );
}
