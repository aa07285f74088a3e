use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use lopdf::{Document, LoadOptions, ObjectId, PdfMetadata};

use crate::fault::Fault;

/// How far from its end a PDF has the mark that closes it.
const TAIL: usize = 2048;

/// A PDF that was read.
pub(super) struct Pdf {
    path: PathBuf,
    document: Document,
    pages: Vec<ObjectId>,
}

impl Pdf {
    /// Reads a PDF that needs no password.
    ///
    /// # Errors
    /// It is not there, broken, or locked.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let bytes = bytes(path)?;
        let options = LoadOptions {
            // Ours are no servers: a page of this size would not fit anywhere else either.
            max_decompressed_size: Some(1 << 30),
            ..LoadOptions::default()
        };
        let document = guarded(path, || {
            Document::load_mem_with_options(&bytes, options).map_err(|error| reason(path, &error))
        })?;
        let pages: Vec<ObjectId> = document.get_pages().into_values().collect();
        if pages.is_empty() {
            let is_locked = document.is_encrypted();
            return Err(if is_locked {
                locked(path)
            } else {
                broken(path, "it has no pages")
            });
        }
        Ok(Self {
            path: path.to_owned(),
            document,
            pages,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    /// The pages, in their order.
    pub(super) fn pages(&self) -> &[ObjectId] {
        &self.pages
    }

    pub(super) fn page_count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }
}

/// What a PDF says of itself.
///
/// # Errors
/// It is not there, or broken.
pub(super) fn metadata(path: &Path) -> Result<PdfMetadata, Fault> {
    let bytes = bytes(path)?;
    guarded(path, || {
        Document::load_metadata_mem(&bytes).map_err(|error| reason(path, &error))
    })
}

/// The content of a file that is a whole PDF.
///
/// # Errors
/// It cannot be read, is something else, or was cut off.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Fault> {
    let bytes = fs::read(path).map_err(|error| Fault::file("read", path, &error))?;
    let has = |part: Option<&[u8]>, mark: &[u8]| {
        part.is_some_and(|part| part.windows(mark.len()).any(|window| window == mark))
    };
    if !has(bytes.get(..bytes.len().min(1024)), b"%PDF-") {
        return Err(broken(path, "it is no PDF"));
    }
    // A parser would rescue some pages; half a document that looks whole is worse than none.
    if !has(bytes.get(bytes.len().saturating_sub(TAIL)..), b"%%EOF") {
        return Err(broken(path, "its end is missing"));
    }
    Ok(bytes)
}

/// Reads what nobody tested the parser with: its panics are findings about the file.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(read));
    outcome.unwrap_or_else(|_| Err(broken(path, "the parser gave up on it")))
}

pub(super) fn broken(path: &Path, why: &str) -> Fault {
    Fault::of("PDFError", format!("cannot read {}: {why}", path.display()))
}

pub(super) fn locked(path: &Path) -> Fault {
    Fault::of(
        "PDFEncryptedError",
        format!(
            "cannot read {}: it is encrypted, and opens only with its password",
            path.display()
        ),
    )
}

fn reason(path: &Path, error: &lopdf::Error) -> Fault {
    match error {
        lopdf::Error::InvalidPassword => locked(path),
        other => broken(path, &other.to_string()),
    }
}
