//! The memory of a walk does not grow with the tree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::path::Path;

use rag_ingest::collection::Scope;
use rag_ingest::discover::{Cursor, Walker};

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn tree(root: &Path, folders: usize, files: usize) {
    for folder in 0..folders {
        let folder = root.join(format!("{folder:04}"));
        fs::create_dir(&folder).unwrap();
        for file in 0..files {
            File::create(folder.join(format!("a-file-with-a-name-of-usual-length-{file:04}.txt")))
                .unwrap();
        }
    }
}

/// Walks page by page as a run does; gives how many files there are.
fn walk(root: &Path) -> usize {
    let scope = Scope {
        source: 1,
        location: fs::canonicalize(root).unwrap().to_str().unwrap().to_owned(),
        part: String::new(),
    };
    let mut walker = Walker::new(vec![scope], Cursor::default());
    let mut files = 0;
    loop {
        let page = walker.page(500);
        files += page.files.len();
        if page.next.is_none() {
            return files;
        }
    }
}

#[test]
fn a_walk_over_a_hundred_thousand_files_takes_no_more_memory_than_one_over_two_thousand() {
    let (small, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tree(small.path(), 4, 500);
    tree(large.path(), 200, 500);
    assert_eq!(walk(small.path()), 2_000);
    let before = peak();

    assert_eq!(walk(large.path()), 100_000);

    let grown = peak() - before;
    assert!(grown < 2048, "{grown} KiB more");
}
