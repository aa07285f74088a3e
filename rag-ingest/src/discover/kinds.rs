//! Which names are worth opening.

use std::path::Path;

const EXTENSIONS: &[&str] = &[
    "csv", "htm", "html", "json", "log", "markdown", "md", "pdf", "rst", "text", "txt", "xhtml",
];

/// Whether a file is of a kind that can be ingested, by its name alone.
pub fn is_candidate(path: &Path) -> bool {
    EXTENSIONS.contains(&extension(path).as_str())
}

/// A file's extension in lower case; empty if it has none.
pub(super) fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}
