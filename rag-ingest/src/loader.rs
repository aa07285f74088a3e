//! From a file to a [`Document`], or to several: an archive or a message holds other files.
//!
//! What a file holds decides how it is read; its name only breaks ties. A `Loader` reads one format; all of them
//! stand in one table, in `formats`. Every refusal is a [`LoadError`] that says what to do about it.

mod archive;
mod code;
mod compat;
mod container;
mod csv;
mod decode;
mod email;
mod epub;
mod failure;
mod formats;
mod guard;
mod html;
mod json;
mod limits;
mod loaded;
mod markdown;
mod notebook;
mod office;
mod package;
pub mod parsers;
mod pdf;
mod rst;
mod rtf;
mod source;
mod text;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use self::container::Budget;
pub use self::failure::{IoKind, LoadError};
pub use self::formats::is_candidate;
pub use self::limits::Limits;
pub use self::loaded::{Loaded, Member};
pub(crate) use self::markdown::headings;
use self::source::Source;
#[cfg(doc)]
use crate::document::Document;
use crate::profile::Profile;

/// Changes whenever the same file may give another document: documents are then read again.
pub const LOADER_VERSION: u32 = 3;

/// Reads one format.
trait Loader: Sync {
    /// What a file of this format is, for messages: `a PDF`.
    fn name(&self) -> &'static str;

    /// How the names of its files end, in lower case.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether the file is of this format. Loaders are asked in the order of the table.
    fn recognises(&self, source: &Source<'_>) -> bool;

    /// Whether its parser is so large, or so much at the mercy of its input, that it runs in a process of its own.
    fn is_risky(&self) -> bool {
        false
    }

    /// Reads the file.
    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError>;
}

/// Reads a file; gives what is in it and the BLAKE3 hash of the file's bytes, in hexadecimal.
///
/// The parser runs in this process: its panics are caught, its appetite is not. See [`parsers::Parsers`] for a process of
/// its own.
///
/// # Errors
///
/// A [`LoadError`] that names the file, the reason and the remedy.
pub fn load(path: &Path, limits: &Limits) -> Result<(Loaded, String), LoadError> {
    let bytes = read(path, limits)?;
    let loaded = parse(path, &bytes, limits)?;
    Ok((loaded, hash(&bytes)))
}

/// Makes documents of a file's bytes; the path serves for its extension and for messages.
///
/// # Errors
///
/// As [`load`], but for reading the file.
pub fn parse(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Loaded, LoadError> {
    guard::with_room(path, || {
        let budget = Budget::new(limits);
        take(&Source::of_file(path, bytes, limits, &budget))
    })
}

/// As [`parse`], but a file of a risky format is left alone: then there is nothing.
fn parse_harmless(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Option<Loaded>, LoadError> {
    // Even the list of its parts can be made to take a lot of memory.
    if bytes.starts_with(b"PK") {
        return Ok(None);
    }
    guard::with_room(path, || {
        let budget = Budget::new(limits);
        let source = Source::of_file(path, bytes, limits, &budget);
        if !bytes.is_empty() && formats::recognise(&source)?.is_risky() {
            return Ok(None);
        }
        take(&source).map(Some)
    })
}

/// Reads a file or a member of a container.
fn take(source: &Source<'_>) -> Result<Loaded, LoadError> {
    let path = || source.name().to_owned();
    if source.bytes().is_empty() {
        return Err(LoadError::Empty { path: path() });
    }
    let loader = guard::caught(source.name(), || formats::recognise(source))?;
    let mut loaded = guard::caught(source.name(), || loader.load(source))?;
    if source.limits().profile == Profile::Compat {
        compat::respell(&mut loaded.document, source);
    }
    if loaded.document.text.is_empty() && loaded.members.is_empty() {
        return Err(LoadError::Empty { path: path() });
    }
    source.budget().text(source, loaded.document.text.len())?;
    let warnings = &mut loaded.document.warnings;
    if let Some(odd) = formats::misnamed(source, loader) {
        warnings.insert(0, odd);
    }
    Ok(loaded)
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, LoadError> {
    let refuse = |error: std::io::Error| LoadError::io(path, &error);
    // Asked before opening: opening a named pipe would wait for somebody to write into it.
    let status = fs::metadata(path).map_err(refuse)?;
    if !status.is_file() {
        return Err(LoadError::Unsupported {
            path: path.display().to_string(),
            why: "it is not a regular file".to_owned(),
        });
    }
    let too_large = |size| LoadError::TooLarge {
        path: path.display().to_string(),
        size,
        limit: limits.max_file_bytes,
    };
    if status.len() > limits.max_file_bytes {
        return Err(too_large(status.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(status.len()).unwrap_or(0) + 1);
    // A file may grow between the question and the answer.
    File::open(path)
        .map_err(refuse)?
        .take(limits.max_file_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(refuse)?;
    if bytes.len() as u64 > limits.max_file_bytes {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
