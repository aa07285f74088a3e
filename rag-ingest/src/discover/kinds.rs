//! Which names are worth opening.

use std::path::Path;

pub use crate::loader::is_candidate;

/// A file's extension in lower case; empty if it has none.
pub(super) fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}
