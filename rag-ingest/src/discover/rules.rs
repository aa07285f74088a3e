//! Which files of a folder are meant.

use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Deserialize, Serialize};

use super::{DiscoverError, path_of};
use crate::collection::Scope;

/// What is done with symbolic links below a root; a root itself may always be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// They are counted and not followed.
    #[default]
    Skip,
    /// Those are followed whose target lies in the root; the others are counted. What they show has two names then, and
    /// is two documents that share their vectors.
    Inside,
    /// All are followed. A link to a folder that it lies in is a problem that is told, and ends there.
    Follow,
}

impl FromStr for Links {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "skip" => Ok(Self::Skip),
            "inside" => Ok(Self::Inside),
            "follow" => Ok(Self::Follow),
            _ => Err(format!("`{word}` is none of skip, inside and follow")),
        }
    }
}

/// Which files of a root are meant, beside what its ignore files say. The globs are those of `.gitignore`, and count
/// from the root.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Only files that one of these names, or that lie in a folder that one of these names; all when there are none.
    #[serde(default)]
    pub include: Vec<String>,
    /// Neither files nor folders that one of these names.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What is done with symbolic links.
    #[serde(default)]
    pub links: Links,
}

impl Rules {
    /// Reads the globs.
    ///
    /// # Errors
    /// One of them is none.
    pub fn compile(&self) -> Result<Selection, DiscoverError> {
        Ok(Selection {
            include: globs(&self.include)?,
            exclude: globs(&self.exclude)?,
            links: self.links,
            passed: Arc::default(),
        })
    }
}

fn globs(lines: &[String]) -> Result<Option<Gitignore>, DiscoverError> {
    if lines.is_empty() {
        return Ok(None);
    }
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        let refused = |error: ignore::Error| DiscoverError::Glob {
            glob: line.clone(),
            why: error.to_string(),
        };
        builder.add_line(None, line).map_err(refused)?;
    }
    let refused = |error: ignore::Error| DiscoverError::Glob {
        glob: lines.join(" "),
        why: error.to_string(),
    };
    builder.build().map(Some).map_err(refused)
}

/// Rules that are ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    include: Option<Gitignore>,
    exclude: Option<Gitignore>,
    links: Links,
    /// Links that were passed by.
    passed: Arc<AtomicU64>,
}

impl Selection {
    /// Whether a file or a folder below a root is meant, or may hold what is.
    pub(super) fn takes(&self, path: &Path, is_folder: bool) -> bool {
        let names = |globs: &Gitignore| {
            let named = globs.matched_path_or_any_parents(path, is_folder);
            named.is_ignore()
        };
        if self.exclude.as_ref().is_some_and(names) {
            return false;
        }
        is_folder || self.include.as_ref().is_none_or(names)
    }

    /// Whether a file of a scope is meant, by its path below the scope's folder. One that is a root itself always is.
    pub(crate) fn takes_file(&self, scope: &Scope, path: &str) -> bool {
        let below = scope.below(path).unwrap_or(path);
        below.is_empty() || self.takes(&path_of(below), false)
    }

    pub(super) fn follows_links(&self) -> bool {
        self.links != Links::Skip
    }

    /// Whether a link is followed; one that is not is counted.
    pub(super) fn follows(&self, link: &Path, root: &Path) -> bool {
        let is_inside = || match (fs::canonicalize(link), fs::canonicalize(root)) {
            (Ok(target), Ok(root)) => target.starts_with(root),
            // What is wrong with it is told when it is looked at.
            _ => true,
        };
        let follows = match self.links {
            Links::Skip => false,
            Links::Inside => is_inside(),
            Links::Follow => true,
        };
        if !follows {
            self.passed.fetch_add(1, Ordering::Relaxed);
        }
        follows
    }

    /// How many links were passed by since this was asked last.
    pub(super) fn passed(&self) -> u64 {
        self.passed.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Rules;

    fn rules(include: &[&str], exclude: &[&str]) -> Rules {
        let texts = |globs: &[&str]| globs.iter().map(ToString::to_string).collect();
        Rules {
            include: texts(include),
            exclude: texts(exclude),
            ..Rules::default()
        }
    }

    #[test]
    fn without_globs_everything_is_meant() {
        let selection = Rules::default().compile().unwrap();
        assert!(selection.takes(Path::new("a/b.txt"), false));
        assert!(selection.takes(Path::new("a"), true));
    }

    #[test]
    fn an_included_glob_names_files_at_any_depth_and_folders_with_all_in_them() {
        let selection = rules(&["*.md", "/notes/"], &[]).compile().unwrap();
        assert!(selection.takes(Path::new("a/b.md"), false));
        assert!(selection.takes(Path::new("notes/x.txt"), false));
        assert!(!selection.takes(Path::new("a/notes/x.txt"), false));
        assert!(!selection.takes(Path::new("a/b.txt"), false));
        assert!(selection.takes(Path::new("a"), true));
    }

    #[test]
    fn an_excluded_glob_wins_unless_a_later_one_takes_it_back() {
        let selection = rules(&["*.md"], &["draft*", "!draft-of-law.md"]);
        let selection = selection.compile().unwrap();
        assert!(!selection.takes(Path::new("draft.md"), false));
        assert!(!selection.takes(Path::new("drafts"), true));
        assert!(selection.takes(Path::new("draft-of-law.md"), false));
        assert!(selection.takes(Path::new("final.md"), false));
    }

    #[test]
    fn a_glob_that_is_none_is_refused() {
        let error = rules(&["a{b"], &[]).compile().unwrap_err();
        assert!(error.to_string().contains("a{b"), "{error}");
    }
}
