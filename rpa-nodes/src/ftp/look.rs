//! What there is on an FTP server.

use std::time::SystemTime;

use suppaftp::list::ListParser;
use suppaftp::{FtpError, FtpResult, RustlsFtpStream, Status};

use super::open::{Connection, is_refused};
use crate::fault::Fault;

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_folder: bool,
    pub(crate) size: usize,
    pub(crate) modified: Option<SystemTime>,
}

impl Connection {
    /// Whether there is a file or a folder.
    pub(crate) fn exists(&mut self, path: &str) -> Result<bool, Fault> {
        self.ask_about("look at", path, |stream| exists(stream, path))
    }

    /// The size of a file; nothing if there is none.
    pub(crate) fn size(&mut self, path: &str) -> Result<Option<usize>, Fault> {
        self.ask_about("look at", path, |stream| match stream.size(path) {
            Ok(size) => Ok(Some(size)),
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// What is in a folder, sorted by name. Not every server tells more than the names.
    pub(crate) fn list(&mut self, path: &str) -> Result<Vec<Entry>, Fault> {
        let mut entries = self.ask_about("list", path, |stream| entries(stream, path))?;
        entries.retain(|entry| !matches!(entry.name.as_str(), "" | "." | ".."));
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }
}

/// Whether a server does not know a command.
fn is_unknown(error: &FtpError) -> bool {
    matches!(error, FtpError::UnexpectedResponse(answer) if matches!(
        answer.status,
        Status::BadCommand
            | Status::BadArguments
            | Status::NotImplemented
            | Status::NotImplementedParameter
    ))
}

fn exists(stream: &mut RustlsFtpStream, path: &str) -> FtpResult<bool> {
    match stream.mlst(Some(path)) {
        Ok(_) => return Ok(true),
        Err(error) if is_refused(&error) => return Ok(false),
        Err(error) if is_unknown(&error) => {}
        Err(error) => return Err(error),
    }
    // Older servers tell it of files, and let nobody into a folder that is not there.
    match stream.size(path) {
        Ok(_) => return Ok(true),
        Err(error) if is_refused(&error) || is_unknown(&error) => {}
        Err(error) => return Err(error),
    }
    let home = stream.pwd()?;
    match stream.cwd(path) {
        Ok(()) => stream.cwd(home).map(|()| true),
        Err(error) if is_refused(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn entries(stream: &mut RustlsFtpStream, path: &str) -> FtpResult<Vec<Entry>> {
    let lines = match stream.mlsd(Some(path)) {
        Ok(lines) => return Ok(lines.iter().filter_map(|line| told(line)).collect()),
        Err(error) if is_unknown(&error) => stream.list(Some(path))?,
        Err(error) => return Err(error),
    };
    let read = |line: &String| {
        let parsed = ListParser::parse_posix(line).or_else(|_| ListParser::parse_dos(line));
        // `total 8`
        parsed.ok().map(|file| entry(&file))
    };
    Ok(lines.iter().filter_map(read).collect())
}

/// An entry of a listing for programs.
fn told(line: &str) -> Option<Entry> {
    let file = ListParser::parse_mlsd(line).ok()?;
    let mut entry = entry(&file);
    let facts = line.split(' ').next().unwrap_or_default().to_lowercase();
    entry.is_folder |= facts.contains("type=dir");
    // The folder itself and the one around it.
    let is_own = facts.contains("type=cdir") || facts.contains("type=pdir");
    (!is_own).then_some(entry)
}

fn entry(file: &suppaftp::list::File) -> Entry {
    let modified = file.modified();
    Entry {
        name: file.name().to_owned(),
        is_folder: file.is_directory(),
        size: file.size(),
        modified: (modified > SystemTime::UNIX_EPOCH).then_some(modified),
    }
}
