use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Parsers;
use crate::loader::{Limits, LoadError};

/// A program that was just written cannot be started while another thread forks and still holds it open.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const TWO_PAGES: &[u8] = include_bytes!("../../../tests/fixtures/two-pages.pdf");

/// A folder with a PDF in it, and a program that stands in for a parser process.
fn folder(program: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let pdf = folder.path().join("a.pdf");
    fs::write(&pdf, TWO_PAGES).unwrap();
    let path = folder.path().join("parser");
    fs::write(&path, format!("#!/bin/sh\n{program}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path, pdf)
}

async fn load(program: &str, limits: Limits) -> LoadError {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (_folder, program, pdf) = folder(program);
    let parsers = Parsers::of_program(program);
    parsers.load(pdf, limits).await.unwrap_err()
}

#[tokio::test]
async fn a_parser_that_hangs_is_ended_at_the_limit() {
    let limits = Limits {
        max_parse_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let begun = Instant::now();
    let error = load("exec sleep 600", limits).await;
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(
        matches!(error, LoadError::TimedOut { seconds: 1, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("a.pdf") && error.is_transient());
}

#[tokio::test]
async fn a_parser_that_is_killed_hurts_only_its_file() {
    let error = load("kill -SEGV $$", Limits::default()).await;
    assert_eq!(error.reason(), "crashed");
    assert!(error.to_string().contains("signal 11"), "{error}");
}

#[tokio::test]
async fn a_parser_that_is_refused_memory_says_so() {
    let error = load(
        "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$",
        Limits::default(),
    )
    .await;
    assert!(matches!(error, LoadError::OutOfMemory { .. }), "{error}");
}

#[tokio::test]
async fn a_parser_that_talks_nonsense_is_ended() {
    // A length of eight bytes, and no answer of that length.
    let error = load(
        "printf '\\004\\000\\000\\000\\000\\000\\000\\000oops'; exec sleep 600",
        Limits::default(),
    )
    .await;
    assert_eq!(error.reason(), "crashed", "{error}");
}

#[tokio::test]
async fn a_program_that_is_missing_is_an_error_that_names_it() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (_folder, _, pdf) = folder("");
    let parsers = Parsers::of_program(PathBuf::from("/nowhere/rag-ingest"));
    let error = parsers.load(pdf, Limits::default()).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/rag-ingest"), "{error}");
}

#[tokio::test]
async fn text_is_read_without_any_process() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (folder, _, _) = folder("");
    let path = folder.path().join("a.md");
    fs::write(&path, "# Title").unwrap();
    let parsers = Parsers::of_program(PathBuf::from("/nowhere/rag-ingest"));
    let (loaded, hash) = parsers.load(path, Limits::default()).await.unwrap();
    assert_eq!(loaded.document.text, "# Title");
    assert_eq!(hash, blake3::hash(b"# Title").to_hex().to_string());
}

#[tokio::test]
async fn everything_is_read_in_this_process_when_asked() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (_folder, _, pdf) = folder("");
    let parsers = Parsers::in_this_process();
    let (loaded, _) = parsers.load(pdf, Limits::default()).await.unwrap();
    assert_eq!(loaded.document.pages.len(), 2);
}
