//! Which files there are to ingest.

mod kinds;
mod location;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

pub use self::kinds::is_candidate;
use self::location::{path_of, text_of};

/// What was found under some roots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The files to ingest, sorted by the bytes of their paths.
    pub files: Vec<FoundFile>,
    /// What could not be looked at, sorted likewise. While there are any, a file that is missing from `files`
    /// may still exist.
    pub problems: Vec<Problem>,
    /// What was left out on purpose.
    pub ignored: Ignored,
}

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
    /// When it was last changed, in milliseconds since 1970.
    pub mtime_ms: i64,
    /// The BLAKE3 hash of its content, in hexadecimal.
    pub hash: String,
}

impl FoundFile {
    /// The path to open it with.
    pub fn location(&self) -> PathBuf {
        path_of(&self.root).join(path_of(&self.path))
    }

    /// A file that lies in this one, as if it were one: `archive.zip!/inner/file.txt`.
    #[must_use]
    pub fn member(&self, path: &str) -> Self {
        Self {
            path: format!("{}!/{}", self.path, text_of(Path::new(path))),
            ..self.clone()
        }
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where, as an absolute path in the spelling of [`FoundFile`].
    pub path: String,
    /// Why, as a sentence.
    pub error: String,
}

/// Counts of what was left out on purpose. Hidden files and those named by ignore files are not even counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// Files of kinds that are not read, by their extension in lower case; empty for none.
    pub unsupported: BTreeMap<String, u64>,
    /// Symbolic links; they are not followed.
    pub links: u64,
    /// Pipes, sockets and devices.
    pub special: u64,
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
    /// There are no roots.
    #[error("there is nothing to ingest: give at least one folder or file")]
    NoRoots,
}

/// Lists the files under some roots, each a folder or a file, and hashes them.
///
/// `.gitignore` and `.ragignore` files inside a root are obeyed, hidden files left out, symbolic links not
/// followed (a root may be one). A file that two roots reach is listed once. What cannot be read becomes a
/// [`Problem`] and stops nothing.
///
/// # Errors
///
/// [`DiscoverError`] if there are no roots or one of them does not exist; then nothing was looked at.
pub fn discover(roots: &[PathBuf]) -> Result<Listing, DiscoverError> {
    if roots.is_empty() {
        return Err(DiscoverError::NoRoots);
    }
    let resolve = |root: &PathBuf| {
        fs::canonicalize(root).map_err(|error| DiscoverError::Root {
            root: text_of(root),
            why: error.to_string(),
        })
    };
    let roots = roots.iter().map(resolve).collect::<Result<Vec<_>, _>>()?;

    let mut search = Search::default();
    for root in &roots {
        search.walk(root);
    }
    let mut listing = search.listing;
    listing
        .files
        .sort_by(|a, b| (&a.path, &a.root).cmp(&(&b.path, &b.root)));
    listing
        .problems
        .sort_by(|a, b| (&a.path, &a.error).cmp(&(&b.path, &b.error)));
    Ok(listing)
}

#[derive(Debug, Default)]
struct Search {
    listing: Listing,
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn walk(&mut self, root: &Path) {
        // A file's root is its folder, so that its identity is its name and not an empty path.
        let base = if root.is_file() {
            root.parent().unwrap_or(root)
        } else {
            root
        };
        let walk = WalkBuilder::new(root)
            // What lies above a root must not decide what is in it.
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .add_custom_ignore_filename(".ragignore")
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => {
                    if let Some(error) = entry.error() {
                        self.problem(
                            entry.path(),
                            format!("its ignore rules are faulty: {error}"),
                        );
                    }
                    self.entry(&entry, base);
                }
                Err(error) => self.problem(place(&error).unwrap_or(root), reason(&error)),
            }
        }
    }

    fn entry(&mut self, entry: &ignore::DirEntry, base: &Path) {
        let path = entry.path();
        // Only standard input has no type, and it is never walked.
        let Some(kind) = entry.file_type() else {
            return;
        };
        if kind.is_dir() || !self.seen.insert(path.to_owned()) {
            return;
        }
        if kind.is_symlink() {
            return match broken_link(path) {
                Some(why) => self.problem(path, why),
                None => self.listing.ignored.links += 1,
            };
        }
        if !kind.is_file() {
            self.listing.ignored.special += 1;
            return;
        }
        if !is_candidate(path) {
            let extension = kinds::extension(path);
            *self
                .listing
                .ignored
                .unsupported
                .entry(extension)
                .or_default() += 1;
            return;
        }
        match examine(path, base) {
            Ok(file) => self.listing.files.push(file),
            Err(error) => self.problem(path, format!("it cannot be read: {error}")),
        }
    }

    fn problem(&mut self, path: &Path, error: String) {
        self.listing.problems.push(Problem {
            path: text_of(path),
            error,
        });
    }
}

fn examine(path: &Path, base: &Path) -> io::Result<FoundFile> {
    let file = File::open(path)?;
    let status = file.metadata()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    let mtime_ms = match status.modified()?.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis)
        }
    };
    Ok(FoundFile {
        path: text_of(path.strip_prefix(base).unwrap_or(path)),
        root: text_of(base),
        size: hasher.count(),
        mtime_ms,
        hash: hasher.finalize().to_hex().to_string(),
    })
}

/// What is wrong with a symbolic link, if anything is.
fn broken_link(path: &Path) -> Option<String> {
    match fs::canonicalize(path) {
        Ok(target) => {
            let folder = fs::canonicalize(path.parent()?).ok()?;
            folder.starts_with(&target).then(|| {
                format!(
                    "symbolic link loop: it points at {}, a folder that it lies in; remove the link",
                    text_of(&target)
                )
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!(
            "dangling symbolic link: {} does not exist; remove the link or restore its target",
            fs::read_link(path).map_or_else(|_| "its target".to_owned(), |target| text_of(&target))
        )),
        // The operating system counts links and gives up; there is no stable name for that kind of error.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
            Some(format!("symbolic link loop: {error}; remove the link"))
        }
        Err(error) => Some(format!("its target cannot be looked at: {error}")),
    }
}

/// Where an error of the walk happened.
fn place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            place(err)
        }
        ignore::Error::Partial(errors) => errors.iter().find_map(place),
        _ => None,
    }
}

fn reason(error: &ignore::Error) -> String {
    match error.io_error() {
        Some(error) => format!("it cannot be read: {error}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
