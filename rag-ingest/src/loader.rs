//! From a file to a [`Document`].
//!
//! What a file holds decides how it is read; its name only breaks ties. Every refusal is a [`LoadError`] that
//! says what to do about it.

mod content;
mod decode;
mod failure;
mod html;
mod markdown;
mod pdf;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::content::Content;
pub use self::failure::{IoKind, LoadError};
pub(crate) use self::markdown::headings;
use crate::document::{Document, Kind};
use crate::normalise::normalise;

/// Changes whenever the same file may give another document: documents are then read again.
pub const LOADER_VERSION: u32 = 1;

/// How much a single file may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// The most text that is taken out of one file, in bytes. Small PDF files can unfold into a lot of it.
    pub max_text_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
            max_text_bytes: 128 << 20,
        }
    }
}

/// Reads a file; gives the document and the BLAKE3 hash of the file's bytes, in hexadecimal.
///
/// # Errors
///
/// A [`LoadError`] that names the file, the reason and the remedy.
pub fn load(path: &Path, limits: &Limits) -> Result<(Document, String), LoadError> {
    let bytes = read(path, limits)?;
    let document = parse(path, &bytes, limits)?;
    Ok((document, blake3::hash(&bytes).to_hex().to_string()))
}

/// Makes a document of a file's bytes; the path serves for its extension and for messages.
///
/// # Errors
///
/// As [`load`], but for reading the file.
pub fn parse(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Document, LoadError> {
    let name = || path.display().to_string();
    if bytes.is_empty() {
        return Err(LoadError::Empty { path: name() });
    }
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let (content, mut warnings) =
        content::recognise(bytes, &extension).map_err(|why| LoadError::Binary {
            path: name(),
            why: why.to_owned(),
        })?;
    let mut document = match content {
        Content::Pdf => pdf::read(path, bytes, limits)?,
        Content::Html(decoded) => {
            let page = html::convert(&decoded.text);
            Document {
                kind: Kind::Html,
                title: page.title,
                text: page.text,
                headings: page.headings,
                encoding: decoded.encoding,
                ..Document::plain("")
            }
        }
        Content::Markdown(decoded) => Document {
            encoding: decoded.encoding,
            ..Document::markdown(&decoded.text)
        },
        Content::Text(decoded) => Document {
            text: normalise(&decoded.text),
            encoding: decoded.encoding,
            ..Document::plain("")
        },
    };
    if document.text.is_empty() {
        return Err(LoadError::Empty { path: name() });
    }
    let size = document.text.len() as u64;
    if size > limits.max_text_bytes {
        return Err(LoadError::TooLarge {
            path: name(),
            size,
            limit: limits.max_text_bytes,
        });
    }
    warnings.append(&mut document.warnings);
    document.warnings = warnings;
    Ok(document)
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
