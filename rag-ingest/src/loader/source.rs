//! The bytes that are to be read, and what has been found out about them.

use std::cell::OnceCell;
use std::path::Path;

use super::LoadError;
use super::container::Budget;
use super::decode::{self, Decoded};
use super::formats;
use super::html;
use super::limits::Limits;
use super::package::{Broken, Package};

/// A file, or a member of one.
#[derive(Debug)]
pub(super) struct Source<'a> {
    name: String,
    file_name: String,
    extension: String,
    bytes: &'a [u8],
    limits: &'a Limits,
    budget: &'a Budget,
    depth: u32,
    decoded: OnceCell<Result<Decoded, &'static str>>,
    parts: OnceCell<Result<Vec<String>, Broken>>,
}

impl<'a> Source<'a> {
    pub(super) fn of_file(
        path: &Path,
        bytes: &'a [u8],
        limits: &'a Limits,
        budget: &'a Budget,
    ) -> Self {
        Self::new(path.display().to_string(), bytes, limits, budget, 0)
    }

    /// A file that lies in this one; `name` is its whole path.
    pub(super) fn member<'m>(&self, name: String, bytes: &'m [u8]) -> Source<'m>
    where
        'a: 'm,
    {
        Source::new(name, bytes, self.limits, self.budget, self.depth + 1)
    }

    /// The same file without its compression: `notes.txt.gz` keeps its name for messages and is a `txt`.
    pub(super) fn unwrapped<'m>(&self, bytes: &'m [u8]) -> Source<'m>
    where
        'a: 'm,
    {
        let mut inner = Source::new(
            self.name.clone(),
            bytes,
            self.limits,
            self.budget,
            self.depth,
        );
        let name = self.file_name();
        let lower = name.to_lowercase();
        inner.file_name = if let Some(stem) = lower.strip_suffix(".gz") {
            name.get(..stem.len()).unwrap_or(name).to_owned()
        } else if let Some(stem) = lower.strip_suffix(".tgz") {
            format!("{}.tar", name.get(..stem.len()).unwrap_or(name))
        } else {
            name.to_owned()
        };
        inner.extension = formats::extension(&inner.file_name);
        inner
    }

    fn new(
        name: String,
        bytes: &'a [u8],
        limits: &'a Limits,
        budget: &'a Budget,
        depth: u32,
    ) -> Self {
        let file_name = name.rsplit('/').next().unwrap_or(&name).to_owned();
        Self {
            extension: formats::extension(&file_name),
            name,
            file_name,
            bytes,
            limits,
            budget,
            depth,
            decoded: OnceCell::new(),
            parts: OnceCell::new(),
        }
    }

    /// The path for messages, with the containers it lies in.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The last part of the path.
    pub(super) fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The extension, in lower case; empty if there is none.
    pub(super) fn extension(&self) -> &str {
        &self.extension
    }

    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        extensions.contains(&self.extension.as_str())
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first bytes, at most `length`.
    pub(super) fn head(&self, length: usize) -> &'a [u8] {
        self.bytes
            .get(..self.bytes.len().min(length))
            .unwrap_or_default()
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    pub(super) fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// How many containers it lies in.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// The file as text; an error says why it is none.
    pub(super) fn text(&self) -> Result<&Decoded, &'static str> {
        let decoded = self.decoded.get_or_init(|| {
            if let Some(why) = formats::binary_signature(self.bytes) {
                return Err(why);
            }
            decode::decode(self.bytes, html::is_named_or_starts_so(self))
        });
        match decoded {
            Ok(decoded) => Ok(decoded),
            Err(why) => Err(why),
        }
    }

    /// The file as text, for a loader that has recognised it as such.
    pub(super) fn decoded(&self) -> Result<&Decoded, LoadError> {
        self.text().map_err(|why| LoadError::Binary {
            path: self.name.clone(),
            why: why.to_owned(),
        })
    }

    /// The names of the parts if it is a ZIP archive, whatever else it is; `None` if it does not start like one.
    pub(super) fn parts(&self) -> Option<Result<&[String], &Broken>> {
        if !self.bytes.starts_with(b"PK\x03\x04") && !self.bytes.starts_with(b"PK\x05\x06") {
            return None;
        }
        let parts = self
            .parts
            .get_or_init(|| Package::open(self).map(|package| package.names()));
        Some(parts.as_ref().map(Vec::as_slice))
    }

    /// An error about this file as a damaged one.
    pub(super) fn corrupt(&self, what: &str, why: impl std::fmt::Display) -> LoadError {
        LoadError::Corrupt {
            path: self.name.clone(),
            what: what.to_owned(),
            why: why.to_string(),
        }
    }

    pub(super) fn truncated(&self, what: &str) -> LoadError {
        LoadError::Truncated {
            path: self.name.clone(),
            what: what.to_owned(),
            size: self.bytes.len() as u64,
        }
    }

    pub(super) fn encrypted(&self) -> LoadError {
        LoadError::Encrypted {
            path: self.name.clone(),
        }
    }

    pub(super) fn unsupported(&self, why: impl Into<String>) -> LoadError {
        LoadError::Unsupported {
            path: self.name.clone(),
            why: why.into(),
        }
    }

    pub(super) fn bomb(&self, why: impl Into<String>) -> LoadError {
        LoadError::Bomb {
            path: self.name.clone(),
            why: why.into(),
        }
    }
}
