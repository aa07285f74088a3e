//! The walk over the folders of a run: in one fixed order, in pages, and from any place in it.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::links::{broken_link, is_loop, place, reason};
use super::{
    FoundFile, Ignored, Problem, Selection, Stamp, is_candidate, kinds, location_of, path_of,
    text_of,
};
use crate::collection::Scope;

/// A place in the walk: everything before it has been looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which scope.
    pub scope: usize,
    /// The last path below the scope's folder that was looked at; empty before the first.
    pub path: String,
}

/// A page of the walk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files to ingest, each with the number of its scope, in the order of the parts of their paths.
    pub files: Vec<(usize, FoundFile)>,
    /// What could not be looked at, with the number of its scope.
    pub problems: Vec<(usize, Problem)>,
    /// What was left out on purpose.
    pub ignored: Ignored,
    /// Where the next page begins; none after the last one.
    pub next: Option<Cursor>,
}

/// Walks over scopes. One that is made with the cursor of another goes on where that one was.
///
/// Within a folder entries come by the bytes of their names, and a folder's content where the folder's name stands.
/// `.gitignore` and `.ragignore` files inside a scope are obeyed, hidden files left out, symbolic links not followed
/// unless the [rules](super::Rules) say so (a root may be one). What cannot be read becomes a [`Problem`] and stops nothing. What is held in memory are the
/// names of the folders on the way down, not the tree.
pub struct Walker {
    scopes: Vec<Scope>,
    at: Cursor,
    selection: Selection,
    walk: Option<ignore::Walk>,
}

impl std::fmt::Debug for Walker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walker")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Walker {
    /// A walk that begins behind a cursor.
    pub fn new(scopes: Vec<Scope>, from: Cursor) -> Self {
        Self {
            scopes,
            at: from,
            selection: Selection::default(),
            walk: None,
        }
    }

    /// The same walk, only over what is meant.
    #[must_use]
    pub fn selecting(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Where the walk is.
    pub fn cursor(&self) -> &Cursor {
        &self.at
    }

    /// Looks at up to `entries` files, links and problems; folders and what is left out unseen do not count.
    pub fn page(&mut self, entries: usize) -> Listing {
        let mut listing = Listing::default();
        let mut looked = 0;
        while looked < entries {
            let Some(scope) = self.scopes.get(self.at.scope).cloned() else {
                return listing;
            };
            let base = path_of(&scope.location);
            let (at, selection) = (&self.at, &self.selection);
            let walk = self
                .walk
                .get_or_insert_with(|| walk(&base, &scope.part, path_of(&at.path), selection));
            let entry = walk.next();
            listing.ignored.links += self.selection.passed();
            let Some(entry) = entry else {
                self.walk = None;
                self.at = Cursor {
                    scope: self.at.scope + 1,
                    path: String::new(),
                };
                continue;
            };
            let mut visit = Visit {
                listing: &mut listing,
                scope: self.at.scope,
                base: &base,
                root: &scope.location,
            };
            if let Some(path) = visit.entry(entry) {
                self.at.path = path;
                looked += 1;
            }
        }
        if self.scopes.get(self.at.scope).is_some() {
            listing.next = Some(self.at.clone());
        }
        listing
    }
}

/// A walk over a part of a folder that leaves out what comes before `from`, and does not even open the folders there.
fn walk(base: &Path, part: &str, from: PathBuf, selection: &Selection) -> ignore::Walk {
    let top = if part.is_empty() {
        base.to_owned()
    } else {
        base.join(path_of(part))
    };
    let folder = base.to_owned();
    let (root, selection) = (top.clone(), selection.clone());
    WalkBuilder::new(top)
        // What lies above a root must not decide what is in it.
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .add_custom_ignore_filename(".ragignore")
        .follow_links(selection.follows_links())
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(move |entry| {
            let path = entry.path().strip_prefix(&folder).unwrap_or(Path::new(""));
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_root = entry.depth() == 0;
            let is_ahead = is_root && is_folder
                || path > from.as_path()
                || (is_folder && from.starts_with(path));
            let below = entry.path().strip_prefix(&root).unwrap_or(Path::new(""));
            let is_meant = || is_root || selection.takes(below, is_folder);
            let is_followed = || {
                is_root
                    || !selection.follows_links()
                    || !entry.path_is_symlink()
                    || selection.follows(entry.path(), &root)
            };
            is_ahead && is_meant() && is_followed()
        })
        .build()
}

/// One entry of a walk on its way into a listing.
struct Visit<'v> {
    listing: &'v mut Listing,
    scope: usize,
    base: &'v Path,
    root: &'v str,
}

impl Visit<'_> {
    /// Takes an entry in; gives its path unless it is a folder or has none.
    fn entry(&mut self, entry: Result<ignore::DirEntry, ignore::Error>) -> Option<String> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = place(&error).unwrap_or(self.base).to_owned();
                // A link that leads nowhere hides what was found behind it while it did lead there.
                let is_loop = is_loop(&error);
                let why = path.is_symlink().then(|| broken_link(&path)).flatten();
                self.problem(&path, why.unwrap_or_else(|| reason(&error)), !is_loop);
                return None;
            }
        };
        let path = entry.path();
        if let Some(error) = entry.error() {
            self.problem(path, format!("its ignore rules are faulty: {error}"), false);
        }
        // Only standard input has no type, and it is never walked.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            return None;
        }
        let below = self.below(path);
        if kind.is_symlink() && entry.depth() > 0 {
            match broken_link(path) {
                Some(why) => self.problem(path, why, false),
                None => self.listing.ignored.links += 1,
            }
        } else if !kind.is_file() && !kind.is_symlink() {
            self.listing.ignored.special += 1;
        } else if !is_candidate(path) {
            let extension = kinds::extension(path);
            let unsupported = &mut self.listing.ignored.unsupported;
            *unsupported.entry(extension).or_default() += 1;
        } else {
            match super::stamp(&location_of(self.root, &below)) {
                Ok(Stamp { size, mtime_ns }) => self.listing.files.push((
                    self.scope,
                    FoundFile {
                        path: below.clone(),
                        root: self.root.to_owned(),
                        size,
                        mtime_ns,
                    },
                )),
                Err(error) => self.problem(path, format!("it cannot be read: {error}"), true),
            }
        }
        Some(below)
    }

    fn below(&self, path: &Path) -> String {
        text_of(path.strip_prefix(self.base).unwrap_or(path))
    }

    fn problem(&mut self, path: &Path, error: String, hides: bool) {
        let path = self.below(path);
        let problem = Problem { path, error, hides };
        self.listing.problems.push((self.scope, problem));
    }
}
