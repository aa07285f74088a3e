//! Bad files: each fails alone, with an error that names it; everything else is ingested.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;
use serde_json::Value as Json;

const ENCRYPTED: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/encrypted.pdf");
const TWO_PAGES: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/two-pages.pdf");

/// What a failed file is listed with.
fn error_of<'s>(summary: &'s Json, name: &str) -> &'s str {
    let failed = summary["failed"].as_array().unwrap();
    let named = |failed: &&Json| failed["path"].as_str().unwrap().ends_with(name);
    let Some(failed) = failed.iter().find(named) else {
        panic!("{name} did not fail: {summary}")
    };
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains(name),
        "the error does not name the file: {error}"
    );
    error
}

/// Every bad file next to three good ones.
fn bad_and_good(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("empty.txt", b"");
    write("truncated.pdf", &TWO_PAGES[..TWO_PAGES.len() / 2]);
    write("encrypted.pdf", ENCRYPTED);
    let binary: Vec<u8> = (0..4096_u32)
        .map(|byte| (byte * 7919 % 256) as u8)
        .collect();
    write("binary.txt", &binary);
    std::os::unix::fs::symlink(folder, folder.join("loop")).unwrap();
    let wide: Vec<u8> = [0xfeff]
        .into_iter()
        .chain("Zeppelin über dem Bodensee".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    write("utf-16.txt", &wide);
    write(
        "latin-1.txt",
        b"Le caf\xe9 du th\xe9\xe2tre est ferm\xe9 \xe0 No\xebl.\n",
    );
    write("good.md", b"# Good\n\nA meteorite fell into the orchard.\n");
    write("good.pdf", TWO_PAGES);
}

on_both_stores! {
    async fn each_bad_file_fails_alone_with_its_own_error(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        bad_and_good(&folder);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (code, summary) = ingestion.run();

        assert_eq!(code, 2, "{summary}");
        assert!(error_of(&summary, "empty.txt").contains("holds no text"));
        assert!(error_of(&summary, "truncated.pdf").contains("cut off"));
        assert!(error_of(&summary, "encrypted.pdf").contains("is encrypted"));
        assert!(error_of(&summary, "binary.txt").contains("not a text file"));
        assert!(error_of(&summary, "loop").contains("loop"));
        assert_eq!(summary["failed"].as_array().unwrap().len(), 5, "{summary}");
        assert_eq!(summary["ingested"], 4, "{summary}");
        let hits = ingestion.search("meteorite orchard");
        assert!(hits[0]["path"].as_str().unwrap().ends_with("good.md"), "{hits:?}");
    }

    async fn what_is_left_alone_is_counted_and_stray_zeros_are_dropped(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("boiler.txt"), b"The boiler\0 pressure\0 limit is 6.5 bar.\n").unwrap();
        fs::write(folder.join("picture.png"), b"\x89PNG").unwrap();
        fs::write(folder.join("blob"), b"?").unwrap();
        std::os::unix::fs::symlink(folder.join("boiler.txt"), folder.join("link.txt")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.txt")).unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        let (code, summary) = ingestion.run();

        assert_eq!(code, 0, "{summary}");
        let ignored = serde_json::json!({"unsupported": {"": 1, "png": 1}, "links": 1, "special": 1});
        assert_eq!(summary["ignored"], ignored);
        let hits = ingestion.search("boiler pressure limit");
        assert!(hits[0]["text"].as_str().unwrap().starts_with("The boiler pressure limit"), "{hits:?}");
    }

    async fn text_in_utf_16_and_latin_1_is_decoded(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        bad_and_good(&folder);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));

        ingestion.run();

        let texts: Vec<_> = ingestion.collection().await.iter().map(|row| row[7].as_str().unwrap_or_default().to_owned()).collect();
        assert!(texts.iter().any(|text| text.contains("Zeppelin über dem Bodensee")), "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("Le café du théâtre est fermé à Noël")), "{texts:?}");
    }

    async fn a_file_that_may_not_be_read_fails_alone(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("secret.md"), "# Secret\n").unwrap();
        fs::write(folder.join("open.md"), "# Open\n\nAnybody may read this.\n").unwrap();
        fs::set_permissions(folder.join("secret.md"), fs::Permissions::from_mode(0o000)).unwrap();
        let mut ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let nobody = nobody(&scratch, &mut ingestion, &store);

        let mut command = ingestion.command();
        if let Some(user) = nobody {
            command.uid(user);
        }
        let (code, summary) = summary(&command.output().unwrap());

        assert_eq!((code, &summary["ingested"]), (2, &1.into()), "{summary}");
        let error = error_of(&summary, "secret.md");
        assert!(error.contains("permission") || error.contains("Permission"), "{error}");
    }

    async fn one_line_of_50_mb_is_ingested_and_changes_after_discovery_are_told(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        let mut line = String::with_capacity(50 << 20);
        // Few words in a chunk would make its tables large, not the test better: the words are long.
        while line.len() < 50 << 20 {
            line.push_str("incomprehensibilities counterrevolutionaries internationalization ");
        }
        fs::write(folder.join("a-long-line.txt"), &line).unwrap();
        fs::write(folder.join("changes.txt"), "before").unwrap();
        fs::write(folder.join("disappears.txt"), "soon gone").unwrap();
        fs::write(folder.join("stays.txt"), "The lighthouse stays.").unwrap();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        // One file at a time, in the order of their names: while the first one is loaded, the others wait.
        let child = ingestion.command().args(["--workers", "1"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        while !ingestion.begun().iter().any(|(_, _, step)| step == "load") {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        fs::write(folder.join("changes.txt"), "after").unwrap();
        fs::remove_file(folder.join("disappears.txt")).unwrap();

        let (code, summary) = summary(&child.wait_with_output().unwrap());

        assert_eq!((code, &summary["ingested"]), (2, &2.into()), "{summary}");
        assert!(error_of(&summary, "changes.txt").contains("was changed between discovery and load"));
        assert!(error_of(&summary, "disappears.txt").contains("disappeared between discovery and load"));
        let chunks = summary["chunks"].as_u64().unwrap();
        assert!(chunks > 10_000, "{summary}");
    }
}

/// When the tests run as root, whom no permission stops: another user to run the program as, and all it needs within
/// its reach.
fn nobody(
    scratch: &Scratch,
    ingestion: &mut Ingestion<'_>,
    store: &durable_tests::store::Store,
) -> Option<u32> {
    const NOBODY: u32 = 65534;
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if !is_root {
        return None;
    }
    let open_to_all =
        |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    let program: PathBuf = scratch.file("rag-ingest");
    fs::copy(&ingestion.program, &program).unwrap();
    ingestion.program = program;
    open_to_all(scratch.path());
    if let Some(folder) = store
        .path()
        .and_then(|file| file.parent().map(Path::to_owned))
    {
        open_to_all(&folder);
    }
    Some(NOBODY)
}
