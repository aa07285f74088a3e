//! A ZIP archive as a set of named parts. Office documents and books are such archives, too.

use std::io::{self, Cursor, Read};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::LoadError;
use super::source::Source;

/// Why a ZIP archive, or a part of it, cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// Its end is missing.
    Truncated,
    /// It asks for a password.
    Encrypted,
    /// It is packed with a method that is not read.
    Method(String),
    /// The part unfolds into more than is left to the file.
    Bomb(String),
    /// There is no such part.
    Missing,
    /// Anything else.
    Damaged(String),
}

impl Broken {
    /// The error about a file; `what` is what the file should be.
    pub(super) fn refuse(&self, source: &Source<'_>, what: &str) -> LoadError {
        match self {
            Self::Truncated => source.truncated(what),
            Self::Encrypted => source.encrypted(),
            Self::Method(method) => source.unsupported(format!(
                "it is packed with {method}, which is not read; pack it with deflate"
            )),
            Self::Bomb(why) => source.bomb(why.clone()),
            Self::Missing => source.corrupt(what, "a part of it is missing"),
            Self::Damaged(why) => source.corrupt(what, why),
        }
    }
}

impl From<ZipError> for Broken {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::InvalidPassword
            | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Self::Encrypted,
            ZipError::FileNotFound => Self::Missing,
            ZipError::CompressionMethodNotSupported(number) => {
                Self::Method(format!("method {number}"))
            }
            error => Self::Damaged(error.to_string()),
        }
    }
}

/// What is known of a part before it is unpacked.
#[derive(Debug)]
pub(super) struct Part {
    /// Its name as it stands there; nothing about it can be trusted.
    pub(super) name: String,
    pub(super) is_file: bool,
}

/// An opened archive.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Package<'a> {
    pub(super) fn open(source: &Source<'a>) -> Result<Self, Broken> {
        let bytes = source.bytes();
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => Ok(Self { archive }),
            // The list of parts stands at the end, with a comment of at most 64 KiB behind it.
            Err(_) if !has_end(bytes) => Err(Broken::Truncated),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.archive.len()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.archive
            .file_names_raw()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    }

    /// What stands at a place in the list.
    pub(super) fn part(&self, index: usize) -> Result<Part, Broken> {
        let entry = self.archive.by_index_data(index)?;
        let name = match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
        };
        Ok(Part {
            name,
            is_file: !entry.is_dir() && !entry.is_symlink(),
        })
    }

    /// Unpacks the part at a place in the list.
    pub(super) fn unpack(&mut self, index: usize, source: &Source<'_>) -> Result<Vec<u8>, Broken> {
        let data = self.archive.by_index_data(index)?;
        if data.encrypted() {
            return Err(Broken::Encrypted);
        }
        let method = data.compression();
        if !matches!(
            method,
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return Err(Broken::Method(method.to_string()));
        }
        let file = self.archive.by_index(index)?;
        source.budget().unpack(file).map_err(|error| {
            if error.kind() == io::ErrorKind::QuotaExceeded {
                Broken::Bomb(error.to_string())
            } else {
                Broken::Damaged(error.to_string())
            }
        })
    }

    /// Unpacks the part with this name.
    pub(super) fn read(&mut self, name: &str, source: &Source<'_>) -> Result<Vec<u8>, Broken> {
        let index = self.archive.index_for_name(name).ok_or(Broken::Missing)?;
        self.unpack(index, source)
    }
}

/// Whether the mark of the list of parts stands where it may stand.
fn has_end(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub((64 << 10) + 22)..);
    tail.is_some_and(|tail| tail.windows(4).any(|window| window == b"PK\x05\x06"))
}

/// Reads to the end, but for what is over the limit: that is an error of its own kind.
pub(super) fn read_at_most(reader: impl Read, limit: u64, why: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::QuotaExceeded, why.to_owned()));
    }
    Ok(bytes)
}
