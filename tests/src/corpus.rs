//! Real documents: those that come with the packages this workspace is built from.

use std::fs;
use std::path::{Path, PathBuf};

/// Kinds that are taken, and how large one may be: the tests ingest all of them many times.
const KINDS: [&str; 5] = ["md", "txt", "html", "pdf", "markdown"];
const LARGEST: u64 = 24 << 10;

/// Copies `count` documents into `folder`, each below the name of its package: the same ones each time.
///
/// # Panics
///
/// When there are not that many, or they cannot be copied.
pub fn copy(folder: &Path, count: usize) {
    copy_of_kinds(folder, count, &KINDS);
}

/// As [`copy`], but only files with these extensions.
///
/// # Panics
///
/// When there are not that many, or they cannot be copied.
pub fn copy_of_kinds(folder: &Path, count: usize, kinds: &[&str]) {
    let mut found = Vec::new();
    for registry in entries(&sources()) {
        walk(&registry, &registry, kinds, &mut found);
    }
    found.sort();
    found.dedup_by(|(_, second), (_, first)| second == first);
    assert!(
        found.len() >= count,
        "only {} documents were found in {}",
        found.len(),
        sources().display()
    );
    // Evenly from all packages, PDF and HTML files among them.
    let step = found.len() / count;
    for (source, name) in found.iter().step_by(step).take(count) {
        let target = folder.join(name);
        fs::create_dir_all(target.parent().expect("a file is in a folder"))
            .expect("a folder is made");
        fs::copy(source, target).expect("a document is copied");
    }
}

/// Where cargo keeps the sources of packages.
pub(crate) fn sources() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    home.expect("cargo has a home").join("registry").join("src")
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    read.map(|entry| entry.expect("a folder can be listed").path())
        .collect()
}

fn walk(root: &Path, folder: &Path, kinds: &[&str], found: &mut Vec<(PathBuf, PathBuf)>) {
    for path in entries(folder) {
        let meta = fs::symlink_metadata(&path).expect("a listed file can be looked at");
        let kind = path
            .extension()
            .and_then(|kind| kind.to_str())
            .unwrap_or_default();
        if meta.is_dir() {
            walk(root, &path, kinds, found);
        } else if meta.is_file() && meta.len() <= LARGEST && kinds.contains(&kind) {
            let name = path
                .strip_prefix(root)
                .expect("it is below the root")
                .to_owned();
            // Hidden folders are left out by the program that is tested.
            if !name
                .to_string_lossy()
                .split('/')
                .any(|part| part.starts_with('.'))
            {
                found.push((path, name));
            }
        }
    }
}
