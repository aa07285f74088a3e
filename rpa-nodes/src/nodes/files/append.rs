use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{bytes, shown, was_there};
use crate::fault::Fault;
use crate::visit::Work;

/// Appends once. The length that the file had before is known: if the content stands behind it already, a crash came
/// after it was written; if a part of it does, in the middle.
pub(super) fn append(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    if !was_there(work, "file_path")
        && work.get("create_if_missing").is_some()
        && !work.flag("create_if_missing")
    {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(Fault::file("append to", &path, &missing));
    }
    let content = bytes(work)?;
    append_at(work, "file_path", &path, &content)?;
    work.give("file_path", shown(&path));
    work.give("bytes_written", content.len());
    work.give("success", true);
    Ok(())
}

/// Appends once, behind where a file ended when it was looked at.
pub(in crate::nodes) fn append_at(
    work: &Work,
    name: &str,
    path: &Path,
    content: &[u8],
) -> Result<(), Fault> {
    let start = work.found(name).and_then(serde_json::Value::as_u64);
    put(path, start.unwrap_or(0), content).map_err(|error| Fault::file("append to", path, &error))
}

fn put(path: &Path, start: u64, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let written = already_written(&mut file, start, content)?;
    file.write_all(content.get(written..).unwrap_or_default())?;
    file.sync_all()
}

/// How much of the content stands at the end of the file, from where it was to begin. If something else stands there,
/// somebody else wrote it, and nothing of the content is there.
fn already_written(file: &mut File, start: u64, content: &[u8]) -> std::io::Result<usize> {
    let length = file.metadata()?.len();
    let there = length.saturating_sub(start).min(content.len() as u64);
    let mut found = vec![0; usize::try_from(there).unwrap_or(0)];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut found)?;
    // A part counts only if nothing stands behind it.
    let is_last = found.len() == content.len() || start + there == length;
    match is_last && content.starts_with(&found) {
        true => Ok(found.len()),
        false => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(before: &[u8], since: &[u8], content: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        fs::write(&path, [before, since].concat()).unwrap();
        put(&path, before.len() as u64, content).unwrap();
        fs::read(&path).unwrap()
    }

    #[test]
    fn what_was_written_before_a_crash_is_not_written_again() {
        assert_eq!(appended(b"a\n", b"", b"b\n"), b"a\nb\n");
        assert_eq!(appended(b"a\n", b"b\n", b"b\n"), b"a\nb\n");
    }

    #[test]
    fn what_was_written_in_part_is_completed() {
        assert_eq!(appended(b"a\n", b"lon", b"longer\n"), b"a\nlonger\n");
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        assert_eq!(appended(b"a\n", b"x\n", b"b\n"), b"a\nx\nb\n");
        assert_eq!(appended(b"a\n", b"b\nx\n", b"b\n"), b"a\nb\nx\n");
    }

    #[test]
    fn a_line_that_was_there_before_is_written_again() {
        assert_eq!(appended(b"a\n", b"", b"a\n"), b"a\na\n");
    }
}
