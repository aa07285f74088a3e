//! Which files there are to ingest, a page at a time.

mod examine;
mod kinds;
mod links;
mod location;
mod rules;
mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::examine::{Stamp, examine, hash, stamp};
pub use self::kinds::is_candidate;
pub(crate) use self::location::{path_of, text_of};
pub use self::rules::{Links, Rules, Selection};
pub use self::walk::{Cursor, Listing, Walker};
use crate::collection::Scope;

/// A file to ingest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFile {
    /// Where it is below its root, with `/` between the parts. Bytes that are no text are kept, see
    /// [`FoundFile::location`].
    pub path: String,
    /// The root it was found under, absolute, in the same spelling.
    pub root: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
}

impl FoundFile {
    /// The path to open it with.
    pub fn location(&self) -> PathBuf {
        location_of(&self.root, &self.path)
    }
}

/// The path to open a file with that is known by its root and its path below that.
pub fn location_of(root: &str, path: &str) -> PathBuf {
    path_of(root).join(path_of(path))
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where, below its root.
    pub path: String,
    /// Why, as a sentence.
    pub error: String,
    /// Whether files may lie there that were not seen.
    pub hides: bool,
}

/// Counts of what was left out on purpose. Hidden files and those named by ignore files are not even counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// Files of kinds that are not read, by their extension in lower case; empty for none.
    pub unsupported: BTreeMap<String, u64>,
    /// Symbolic links that were not followed.
    pub links: u64,
    /// Pipes, sockets and devices.
    pub special: u64,
}

impl Ignored {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        for (extension, count) in &other.unsupported {
            *self.unsupported.entry(extension.clone()).or_default() += count;
        }
        self.links += other.links;
        self.special += other.special;
    }
}

/// A root as it is looked at: its folder, and the name of the file in it when the root is a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The folder, absolute, in the spelling of [`FoundFile`].
    pub folder: String,
    /// The file, if it is only that.
    pub file: Option<String>,
}

/// Why nothing was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// A root cannot be used.
    #[error("cannot ingest {root}: {why}; check the path, and that its disk is mounted")]
    Root {
        /// The root, as it was given.
        root: String,
        /// What the operating system said.
        why: String,
    },
    /// A rule cannot be understood.
    #[error(
        "`{glob}` names no files: {why}; write it as in .gitignore, such as `*.md` or `/drafts/`"
    )]
    Glob {
        /// The rule.
        glob: String,
        /// What is wrong with it.
        why: String,
    },
    /// There are no roots.
    #[error("there is nothing to ingest: give at least one folder or file")]
    NoRoots,
}

/// Finds the folder of each root; a root may be a symbolic link.
///
/// # Errors
/// There are no roots, or one of them does not exist.
pub fn resolve(roots: &[PathBuf]) -> Result<Vec<Root>, DiscoverError> {
    if roots.is_empty() {
        return Err(DiscoverError::NoRoots);
    }
    let resolved = roots.iter().map(|root| {
        let path = fs::canonicalize(root).map_err(|error| DiscoverError::Root {
            root: text_of(root),
            why: error.to_string(),
        })?;
        // A file's root is its folder, so that its identity is its name and not an empty path.
        Ok(match (path.is_dir(), path.parent(), path.file_name()) {
            (false, Some(folder), Some(name)) => Root {
                folder: text_of(folder),
                file: Some(text_of(Path::new(name))),
            },
            _ => Root {
                folder: text_of(&path),
                file: None,
            },
        })
    });
    resolved.collect()
}

/// Lists all files under some roots at once, each once; what cannot be looked at is left out. For a few folders: a run
/// goes page by page.
///
/// # Errors
/// As [`resolve`].
pub fn everything(roots: &[PathBuf]) -> Result<Vec<FoundFile>, DiscoverError> {
    let scopes = resolve(roots)?.into_iter().map(|root| Scope {
        source: 0,
        location: root.folder,
        part: root.file.unwrap_or_default(),
    });
    let listing = Walker::new(scopes.collect(), Cursor::default()).page(usize::MAX);
    let files = listing.files.into_iter();
    let by_place: BTreeMap<_, _> = files.map(|(_, file)| (file.location(), file)).collect();
    Ok(by_place.into_values().collect())
}

/// Leaves out what lies in another scope as well, and puts the rest in order.
pub fn distinct(mut scopes: Vec<Scope>) -> Vec<Scope> {
    scopes.sort_by(|a, b| (&a.location, &a.part).cmp(&(&b.location, &b.part)));
    scopes.dedup();
    let all = scopes.clone();
    scopes.retain(|scope| {
        !all.iter()
            .any(|other| other != scope && other.source == scope.source && other.holds(&scope.part))
    });
    scopes
}

#[cfg(test)]
mod tests;
