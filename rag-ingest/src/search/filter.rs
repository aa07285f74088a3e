//! What is searched of a collection.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::SearchError;
use crate::collection::{Allowed, Collection};
use crate::discover::location_of;
use crate::document::Kind;

/// Which chunks may be found. Each part that is given takes some away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Patterns of paths, of which one has to fit. `*` stands for a part of a name, `**` for any folders; a pattern
    /// fits the end of a path, or all of it if it begins with `/`, and a folder that it fits lets all files in it
    /// through.
    pub paths: Vec<String>,
    /// What the documents were made from; all if there are none.
    pub kinds: Vec<Kind>,
    /// Only files that were last changed at this moment or later, in nanoseconds since 1970.
    pub from_ns: Option<i64>,
    /// Only files that were last changed before this moment.
    pub before_ns: Option<i64>,
    /// Only chunks that stand on one of these pages (slides, sheets, chapters, cells), from the first to the last.
    /// Documents without pages have none.
    pub pages: Option<(u32, u32)>,
}

impl Filter {
    /// The chunks of a collection that it lets through.
    pub(super) async fn allowed(
        &self,
        collection: &Collection,
        name: &str,
    ) -> Result<Allowed, SearchError> {
        let pages = self
            .pages
            .map(|(first, last)| (i64::from(first.max(1)), i64::from(last)));
        let is_of_documents = !self.paths.is_empty()
            || !self.kinds.is_empty()
            || self.from_ns.is_some()
            || self.before_ns.is_some();
        if !is_of_documents {
            return Ok(Allowed {
                documents: None,
                pages,
            });
        }
        let patterns = patterns(&self.paths)?;
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        let span = (
            self.from_ns.unwrap_or(i64::MIN),
            self.before_ns.unwrap_or(i64::MAX),
        );
        let places = collection.places(name, &kinds, span).await?;
        let fits = |root: &str, path: &str| {
            patterns.is_empty() || patterns.is_match(location_of(root, path))
        };
        let documents = places
            .iter()
            .filter(|place| fits(&place.root, &place.path))
            .map(|place| place.id)
            .collect();
        Ok(Allowed {
            documents: Some(documents),
            pages,
        })
    }
}

fn patterns(written: &[String]) -> Result<GlobSet, SearchError> {
    let refused = |pattern: &str, error: globset::Error| SearchError::Pattern {
        pattern: pattern.to_owned(),
        why: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for pattern in written {
        let trimmed = pattern.trim_end_matches('/').trim_start_matches("./");
        let anchored = if trimmed.starts_with('/') {
            trimmed.to_owned()
        } else {
            format!("**/{trimmed}")
        };
        for glob in [format!("{anchored}/**"), anchored] {
            let glob = GlobBuilder::new(&glob)
                .literal_separator(true)
                .build()
                .map_err(|error| refused(pattern, error))?;
            set.add(glob);
        }
    }
    set.build().map_err(|error| refused("", error))
}

#[cfg(test)]
mod tests {
    use super::patterns;

    fn fits(pattern: &str, path: &str) -> bool {
        patterns(&[pattern.to_owned()]).unwrap().is_match(path)
    }

    #[test]
    fn a_pattern_fits_the_end_of_a_path() {
        assert!(fits("*.md", "/home/me/docs/a.md"));
        assert!(fits("docs/*.md", "/home/me/docs/a.md"));
        assert!(!fits("docs/*.md", "/home/me/docs/more/a.md"));
        assert!(fits("docs/**/*.md", "/home/me/docs/more/a.md"));
        assert!(!fits("ocs/*.md", "/home/me/docs/a.md"));
    }

    #[test]
    fn a_folder_lets_all_files_in_it_through() {
        assert!(fits("docs", "/home/me/docs/more/a.md"));
        assert!(fits("docs/", "/home/me/docs/more/a.md"));
        assert!(!fits("doc", "/home/me/docs/more/a.md"));
    }

    #[test]
    fn one_that_begins_at_the_root_fits_only_there() {
        assert!(fits("/home/*/docs", "/home/me/docs/a.md"));
        assert!(!fits("/docs", "/home/me/docs/a.md"));
    }

    #[test]
    fn a_broken_pattern_is_told() {
        let error = patterns(&["a[".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`a[`"), "{error}");
    }
}
