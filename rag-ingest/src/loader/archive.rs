//! Archives: folders in one file. What lies in them is read like any other file.

use std::io;

use flate2::read::MultiGzDecoder;

use super::container::Members;
use super::formats;
use super::package::{Broken, Package};
use super::source::Source;
use super::{LoadError, Loaded, Loader};

pub(super) struct Zip;

impl Loader for Zip {
    fn name(&self) -> &'static str {
        "a ZIP archive"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["zip"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.parts().is_some()
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        const WHAT: &str = "ZIP archive";
        let refuse = |broken: Broken| broken.refuse(source, WHAT);
        let mut members = Members::of(source)?;
        let mut package = Package::open(source).map_err(refuse)?;
        let mut locked = 0;
        for index in 0..package.len() {
            let part = package.part(index).map_err(refuse)?;
            if !part.is_file {
                continue;
            }
            let Some(path) = members.admit(&part.name)? else {
                continue;
            };
            match package.unpack(index, source) {
                Ok(bytes) => members.read(path, &bytes)?,
                Err(broken @ Broken::Bomb(_)) => return Err(refuse(broken)),
                Err(broken) => {
                    locked += usize::from(broken == Broken::Encrypted);
                    let name = format!("{}!/{path}", source.name());
                    let inner = source.member(name, &[]);
                    members.fail(path, broken.refuse(&inner, "member of a ZIP archive"));
                }
            }
        }
        let loaded = members.finish_archive();
        // One error says it for all of them.
        if locked > 0 && locked == loaded.members.len() {
            return Err(source.encrypted());
        }
        Ok(loaded)
    }
}

pub(super) struct Tar;

impl Loader for Tar {
    fn name(&self) -> &'static str {
        "a tar archive"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["tar"]
    }

    /// The mark stands behind the first name, in the first block of 512 bytes.
    fn recognises(&self, source: &Source<'_>) -> bool {
        source.bytes().get(257..262) == Some(b"ustar")
            // Archives from before the mark; what is known to be something else is none.
            || source.extension() == "tar"
                && formats::binary_signature(source.bytes()).is_none()
                && source.text().is_err()
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        const WHAT: &str = "tar archive";
        let mut members = Members::of(source)?;
        let mut archive = tar::Archive::new(source.bytes());
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::QuotaExceeded => source.bomb(error.to_string()),
            io::ErrorKind::UnexpectedEof => source.truncated(WHAT),
            _ => source.corrupt(WHAT, error),
        };
        for entry in archive.entries().map_err(fault)? {
            let mut entry = entry.map_err(fault)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let Some(path) = members.admit(&name)? else {
                continue;
            };
            let size = entry.size();
            let bytes = source.budget().unpack(&mut entry).map_err(fault)?;
            if (bytes.len() as u64) < size {
                return Err(source.truncated(WHAT));
            }
            members.read(path, &bytes)?;
        }
        Ok(members.finish_archive())
    }
}

pub(super) struct Gzip;

impl Loader for Gzip {
    fn name(&self) -> &'static str {
        "a file compressed with gzip"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["gz", "tgz"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.bytes().starts_with(b"\x1f\x8b")
    }

    fn is_risky(&self) -> bool {
        true
    }

    /// A compressed archive counts as one container, not as two.
    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        const WHAT: &str = "gzip file";
        let mut members = Members::of(source)?;
        let bytes = source
            .budget()
            .unpack(MultiGzDecoder::new(source.bytes()))
            .map_err(|error| match error.kind() {
                io::ErrorKind::QuotaExceeded => source.bomb(error.to_string()),
                io::ErrorKind::UnexpectedEof => source.truncated(WHAT),
                _ => source.corrupt(WHAT, error),
            })?;
        let inner = source.unwrapped(&bytes);
        if Tar.recognises(&inner) {
            return Tar.load(&inner);
        }
        let name = inner.file_name().to_owned();
        let path = members.admit_only(&name)?;
        members.read(path, &bytes)?;
        Ok(members.finish_archive())
    }
}

#[cfg(test)]
pub(super) mod tests;
