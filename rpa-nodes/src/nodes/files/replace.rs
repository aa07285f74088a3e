use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{append, bytes, shown, was_there};
use crate::fault::Fault;
use crate::visit::Work;

pub(super) fn write(work: &mut Work) -> Result<(), Fault> {
    if work.flag("append_mode") {
        append(work)?;
    } else {
        let path = work.path("file_path")?;
        let content = bytes(work)?;
        write_whole(&path, &content, work.flag("create_dirs"))?;
        work.give("file_path", shown(&path));
        work.give("bytes_written", content.len());
        work.give("success", true);
    }
    let path = shown(&work.path("file_path")?);
    work.give("attachment_file", vec![path]);
    Ok(())
}

/// Writes a file under another name, and gives it its own when it is on the disk: it is never there in part.
pub(crate) fn write_whole(path: &Path, content: &[u8], create_dirs: bool) -> Result<(), Fault> {
    write_from(path, &mut &*content, create_dirs).map(drop)
}

/// The same with what is read from somewhere; gives its length.
pub(crate) fn write_from(
    path: &Path,
    content: &mut dyn Read,
    create_dirs: bool,
) -> Result<u64, Fault> {
    let failed = |error: std::io::Error| Fault::file("write", path, &error);
    let folder = parent(path);
    if create_dirs {
        fs::create_dir_all(&folder).map_err(failed)?;
    }
    // What is no ordinary file cannot be replaced by one.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(failed)?;
        return std::io::copy(content, &mut file).map_err(failed);
    }
    let place = beside(path);
    let written = (|| {
        let mut file = fs::File::create(&place)?;
        let length = std::io::copy(content, &mut file)?;
        file.sync_all()?;
        if let Ok(metadata) = fs::metadata(path) {
            fs::set_permissions(&place, metadata.permissions())?;
        }
        // A link stays one: what it leads to is replaced.
        fs::rename(
            &place,
            fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        )?;
        Ok(length)
    })();
    if written.is_err() {
        // It is in nobody's way if it cannot be removed; the failure that counts is the first.
        let _ = fs::remove_file(&place);
    }
    written.map_err(failed)
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The name under which a file is written: always the same, so that a crash leaves one file at most.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".rpa-new");
    parent(path).join(name)
}

pub(super) fn delete(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // It was there when this began: deleted before a crash.
            if !was_there(work, "file_path") && !work.flag("ignore_missing") {
                return Err(Fault::file("delete", &path, &error));
            }
        }
        Err(error) => return Err(Fault::file("delete", &path, &error)),
    }
    work.give("deleted_path", shown(&path));
    work.give("success", true);
    Ok(())
}

/// The target of a copy or a move: a folder takes the file under its own name.
fn target(work: &Work, source: &Path) -> Result<PathBuf, Fault> {
    let target = work.path("dest_path")?;
    match source.file_name() {
        Some(name) if target.is_dir() => Ok(target.join(name)),
        _ => Ok(target),
    }
}

/// Refuses a target that was there before this began.
fn is_free(work: &Work, target: &Path, what: &str) -> Result<(), Fault> {
    if work.flag("overwrite") {
        return Ok(());
    }
    let is_named = work.path("dest_path").is_ok_and(|named| named == target);
    let was_taken = match is_named {
        true => was_there(work, "dest_path"),
        false => target.exists(),
    };
    if was_taken {
        let exists = std::io::Error::from(ErrorKind::AlreadyExists);
        return Err(Fault::file(what, target, &exists));
    }
    Ok(())
}

pub(super) fn copy(work: &mut Work) -> Result<(), Fault> {
    let source = work.path("source_path")?;
    let target = target(work, &source)?;
    is_free(work, &target, "copy to")?;
    let content = fs::read(&source).map_err(|error| Fault::file("copy", &source, &error))?;
    write_whole(&target, &content, work.flag("create_dirs"))?;
    let permissions = fs::metadata(&source).map(|metadata| metadata.permissions());
    permissions
        .and_then(|permissions| fs::set_permissions(&target, permissions))
        .map_err(|error| Fault::file("copy to", &target, &error))?;
    work.give("dest_path", shown(&target));
    work.give("bytes_copied", content.len());
    work.give("success", true);
    Ok(())
}

pub(super) fn move_file(work: &mut Work) -> Result<(), Fault> {
    let source = work.path("source_path")?;
    let target = target(work, &source)?;
    let is_moved = was_there(work, "source_path") && !source.exists() && target.exists();
    if !is_moved {
        is_free(work, &target, "move to")?;
        if work.flag("create_dirs") {
            fs::create_dir_all(parent(&target))
                .map_err(|error| Fault::file("move to", &target, &error))?;
        }
        match fs::rename(&source, &target) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let content =
                    fs::read(&source).map_err(|error| Fault::file("move", &source, &error))?;
                write_whole(&target, &content, true)?;
                fs::remove_file(&source).map_err(|error| Fault::file("move", &source, &error))?;
            }
            moved => moved.map_err(|error| Fault::file("move", &source, &error))?,
        }
    }
    work.give("dest_path", shown(&target));
    work.give("success", true);
    Ok(())
}

pub(super) fn create_directory(work: &mut Work) -> Result<(), Fault> {
    let name = if work.get("directory_path").is_some() {
        "directory_path"
    } else {
        "dir_path"
    };
    let path = work.path(name)?;
    let created = match work.flag("parents") {
        true => fs::create_dir_all(&path),
        false => fs::create_dir(&path),
    };
    let exists_by_us = path.is_dir() && !was_there(work, name);
    if path.is_dir() && was_there(work, name) && !work.flag("exist_ok") {
        let exists = std::io::Error::from(ErrorKind::AlreadyExists);
        return Err(Fault::file("create", &path, &exists));
    }
    match created {
        Err(error)
            if error.kind() == ErrorKind::AlreadyExists && (exists_by_us || path.is_dir()) => {}
        created => created.map_err(|error| Fault::file("create", &path, &error))?,
    }
    work.give("dir_path", shown(&path));
    work.give("success", true);
    Ok(())
}
