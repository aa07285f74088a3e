//! Symbolic links, and what the walk says about what it could not look at.

use std::fs;
use std::io;
use std::path::Path;

use super::text_of;

/// What is wrong with a symbolic link, if anything is.
pub(super) fn broken_link(path: &Path) -> Option<String> {
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
pub(super) fn place(error: &ignore::Error) -> Option<&Path> {
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

/// Whether a link leads to a folder that it lies in.
pub(super) fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => is_loop(err),
        ignore::Error::Partial(errors) => errors.iter().any(is_loop),
        _ => false,
    }
}

pub(super) fn reason(error: &ignore::Error) -> String {
    match error.io_error() {
        Some(error) => format!("it cannot be read: {error}"),
        None => error.to_string(),
    }
}
