//! Nodes that read and change files.
//!
//! **Exactly once.** A node that changes something looks first, and what it found is durable before it begins. When it
//! begins again after a crash it still has what it found the first time: where the text to append began, whether the target
//! was there. From that and from what is there now it knows what is left to do.

mod append;
mod encoding;
mod look;
mod replace;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use self::append::append;
pub(super) use self::append::append_at;
pub(super) use self::encoding::{decode, encode};
use self::look::{info, list, size};
pub(super) use self::replace::write_from;
pub(crate) use self::replace::write_whole;
use self::replace::{copy, create_directory, delete, move_file, write};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::visit::Work;

const ACTIONS: &[&str] = &[
    "Read File",
    "Write File",
    "Append File",
    "Delete File",
    "Copy File",
    "Move File",
    "File Exists",
    "Get File Size",
    "Get File Info",
    "Create Directory",
    "List Files",
    "List Directory",
];
const ERRORS: &[&str] = &[
    "strict",
    "ignore",
    "replace",
    "backslashreplace",
    "xmlcharrefreplace",
];
const KINDS: &[&str] = &["any", "file", "directory"];

pub(super) fn types() -> Vec<NodeType> {
    let reads = |name, summary, body| NodeType::work(name, Effect::Reads, summary, body);
    let writes =
        |name, summary, body| NodeType::work(name, Effect::Writes, summary, body).intends(found);
    let once =
        |name, summary, body| NodeType::work(name, Effect::Once, summary, body).intends(found);
    let file = |node_type: NodeType| {
        node_type
            .needs("file_path", Kind::Text)
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .key("path", "file_path")
    };
    let two = |node_type: NodeType| {
        node_type
            .needs("source_path", Kind::Text)
            .needs("dest_path", Kind::Text)
            .property("overwrite", Kind::Boolean, false)
            .property("create_dirs", Kind::Boolean, true)
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .key("source", "source_path")
            .key("destination", "dest_path")
            .key("on_conflict", "overwrite")
            .output("dest_path", Kind::Text)
    };
    vec![
        file(reads("ReadFileNode", "Reads a file: as text, or as base64 with `binary_mode`.", read))
            .property("encoding", Kind::Text, "utf-8")
            .property("binary_mode", Kind::Boolean, false)
            .property("errors", Kind::Choice(ERRORS), "strict")
            .property("max_size", Kind::Integer, 0)
            .output("content", Kind::Text)
            .output("size", Kind::Integer)
            .output("success", Kind::Boolean),
        file(writes("WriteFileNode", "Writes a file anew: it is there as a whole, or as it was. With `append_mode` as AppendFileNode.", write))
            .input_or("content", Kind::Any, "")
            .property("encoding", Kind::Text, "utf-8")
            .property("binary_mode", Kind::Boolean, false)
            .property("create_dirs", Kind::Boolean, true)
            .property("append_mode", Kind::Boolean, false)
            .property("errors", Kind::Choice(ERRORS), "strict")
            .output("file_path", Kind::Text)
            .output("attachment_file", Kind::List)
            .output("bytes_written", Kind::Integer)
            .output("success", Kind::Boolean),
        file(once("AppendFileNode", "Writes behind the end of a file, once, whatever crashes.", append))
            .input_or("content", Kind::Any, "")
            .property("encoding", Kind::Text, "utf-8")
            .property("create_if_missing", Kind::Boolean, true)
            .output("file_path", Kind::Text)
            .output("bytes_written", Kind::Integer)
            .output("success", Kind::Boolean),
        file(once("DeleteFileNode", "Deletes a file.", delete))
            .property("ignore_missing", Kind::Boolean, false)
            .output("deleted_path", Kind::Text)
            .output("success", Kind::Boolean),
        two(writes("CopyFileNode", "Copies a file.", copy))
            .output("bytes_copied", Kind::Integer)
            .output("success", Kind::Boolean),
        two(once("MoveFileNode", "Moves a file, also to another disk.", move_file)).output("success", Kind::Boolean),
        writes("CreateDirectoryNode", "Creates a folder.", create_directory)
            .alias("CreateFolderNode")
            .needs("directory_path", Kind::Text)
            .property("parents", Kind::Boolean, true)
            .property("exist_ok", Kind::Boolean, true)
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .key("path", "directory_path")
            .key("folder", "directory_path")
            .output("dir_path", Kind::Text)
            .output("success", Kind::Boolean),
        reads("ListDirectoryNode", "Lists what is in a folder, sorted by name.", |work| list(work, "dir_path", "items"))
            .needs("dir_path", Kind::Text)
            .property("pattern", Kind::Text, "*")
            .property("recursive", Kind::Boolean, false)
            .property("files_only", Kind::Boolean, false)
            .property("dirs_only", Kind::Boolean, false)
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .key("directory_path", "dir_path")
            .key("folder", "dir_path")
            .output("items", Kind::List)
            .output("count", Kind::Integer)
            .output("success", Kind::Boolean),
        reads("ListFilesNode", "Lists the files in a folder, sorted by name.", |work| list(work, "directory_path", "files"))
            .needs("directory_path", Kind::Text)
            .property("pattern", Kind::Text, "*")
            .property("recursive", Kind::Boolean, false)
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .key("folder", "directory_path")
            .key("directory", "directory_path")
            .output("files", Kind::List)
            .output("count", Kind::Integer)
            .output("success", Kind::Boolean),
        reads("FileExistsNode", "Whether there is a file or a folder.", exists)
            .needs("path", Kind::Text)
            .property("check_type", Kind::Choice(KINDS), "any")
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .key("file_path", "path")
            .output("exists", Kind::Boolean)
            .output("is_file", Kind::Boolean)
            .output("is_dir", Kind::Boolean)
            .port("result", "exists"),
        file(reads("GetFileSizeNode", "The size of a file in bytes.", size))
            .output("size", Kind::Integer)
            .output("success", Kind::Boolean),
        file(reads("GetFileInfoNode", "What is known of a file.", info))
            .output("size", Kind::Integer)
            .output("created", Kind::Text)
            .output("modified", Kind::Text)
            .output("extension", Kind::Text)
            .output("name", Kind::Text)
            .output("parent", Kind::Text)
            .output("success", Kind::Boolean),
        once("FileSystemSuperNode", "All of the file nodes in one: `action` says which.", act)
            .property("action", Kind::Choice(ACTIONS), "Read File")
            .input("file_path", Kind::Text)
            .input("path", Kind::Text)
            .input("source_path", Kind::Text)
            .input("dest_path", Kind::Text)
            .input("directory_path", Kind::Text)
            .input("dir_path", Kind::Text)
            .input("content", Kind::Any)
            .property("encoding", Kind::Text, "utf-8")
            .property("binary_mode", Kind::Boolean, false)
            .property("errors", Kind::Choice(ERRORS), "strict")
            .property("max_size", Kind::Integer, 0)
            .property("create_dirs", Kind::Boolean, true)
            .property("create_if_missing", Kind::Boolean, true)
            .property("append_mode", Kind::Boolean, false)
            .property("ignore_missing", Kind::Boolean, false)
            .property("overwrite", Kind::Boolean, false)
            .property("check_type", Kind::Choice(KINDS), "any")
            .property("parents", Kind::Boolean, true)
            .property("exist_ok", Kind::Boolean, true)
            .property("pattern", Kind::Text, "*")
            .property("recursive", Kind::Boolean, false)
            .property("files_only", Kind::Boolean, false)
            .property("dirs_only", Kind::Boolean, false)
            .property("allow_dangerous_paths", Kind::Boolean, false)
            .output("content", Kind::Text)
            .output("size", Kind::Integer)
            .output("file_path", Kind::Text)
            .output("attachment_file", Kind::List)
            .output("bytes_written", Kind::Integer)
            .output("deleted_path", Kind::Text)
            .output("dest_path", Kind::Text)
            .output("bytes_copied", Kind::Integer)
            .output("exists", Kind::Boolean)
            .output("is_file", Kind::Boolean)
            .output("is_dir", Kind::Boolean)
            .output("created", Kind::Text)
            .output("modified", Kind::Text)
            .output("extension", Kind::Text)
            .output("name", Kind::Text)
            .output("parent", Kind::Text)
            .output("dir_path", Kind::Text)
            .output("files", Kind::List)
            .output("items", Kind::List)
            .output("count", Kind::Integer)
            .output("success", Kind::Boolean),
    ]
}

/// Does what `action` says.
fn act(work: &mut Work) -> Result<(), Fault> {
    match work.text("action").as_str() {
        "Write File" => write(work),
        "Append File" => append(work),
        "Delete File" => delete(work),
        "Copy File" => copy(work),
        "Move File" => move_file(work),
        "File Exists" => exists(work),
        "Get File Size" => size(work),
        "Get File Info" => info(work),
        "Create Directory" => create_directory(work),
        "List Files" => list(work, "directory_path", "files"),
        "List Directory" => list(work, "dir_path", "items"),
        _ => read(work),
    }
}

/// What is there before anything is changed: of each path, whether it is there, and how long the file is.
fn found(work: &Work) -> Result<Value, Fault> {
    let mut found = json!({});
    for name in ["file_path", "source_path", "dest_path", "directory_path"] {
        if work.path(name).is_ok()
            && let (Value::Object(map), Value::Object(one)) = (&mut found, length(work, name)?)
        {
            map.extend(one);
        }
    }
    Ok(found)
}

/// How long a file is before anything is changed; null if it is not there.
pub(super) fn length(work: &Work, name: &str) -> Result<Value, Fault> {
    let path = work.path(name)?;
    let length = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => json!(metadata.len()),
        Ok(_) => json!(0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Value::Null,
        Err(error) => return Err(Fault::file("look at", &path, &error)),
    };
    Ok(json!({ name: length }))
}

/// Whether a path was there before anything was changed.
fn was_there(work: &Work, name: &str) -> bool {
    work.found(name).is_some_and(|length| !length.is_null())
}

/// The path with which outputs name a file.
fn shown(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}

/// The bytes of a content: a text in the encoding, or what a text of base64 says.
fn bytes(work: &Work) -> Result<Vec<u8>, Fault> {
    use base64::Engine as _;

    let content = match work.get("content") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => super::dicts::Writing {
            indent: 2,
            sort_keys: false,
            ascii: false,
        }
        .write(other.clone())?,
    };
    if work.flag("binary_mode") {
        return base64::prelude::BASE64_STANDARD
            .decode(content.trim())
            .map_err(|error| {
                Fault::value(format!(
                    "`content` is not base64, as `binary_mode` wants: {error}"
                ))
            });
    }
    encode(&content, &work.text("encoding"), &work.text("errors"))
}

fn read(work: &mut Work) -> Result<(), Fault> {
    use base64::Engine as _;

    let path = work.path("file_path")?;
    let failed = |error: &std::io::Error| Fault::file("read", &path, error);
    let size = fs::metadata(&path).map_err(|error| failed(&error))?.len();
    let limit = work
        .integer("max_size")
        .and_then(|limit| u64::try_from(limit).ok());
    if let Some(limit) = limit.filter(|limit| *limit > 0 && size > *limit) {
        return Err(Fault::value(format!(
            "{} has {size} bytes, more than the {limit} of `max_size`",
            path.display()
        )));
    }
    let bytes = fs::read(&path).map_err(|error| failed(&error))?;
    work.give("size", bytes.len());
    let content = match work.flag("binary_mode") {
        true => base64::prelude::BASE64_STANDARD.encode(bytes),
        false => decode(bytes, &work.text("encoding"), &work.text("errors"))?,
    };
    work.give("content", content);
    work.give("success", true);
    Ok(())
}

fn exists(work: &mut Work) -> Result<(), Fault> {
    let name = if work.get("path").is_some() {
        "path"
    } else {
        "file_path"
    };
    let path = work.path(name)?;
    let (is_file, is_dir) = (path.is_file(), path.is_dir());
    let exists = match work.text("check_type").as_str() {
        "file" => is_file,
        "directory" => is_dir,
        _ => is_file || is_dir || path.exists(),
    };
    work.give("exists", exists);
    work.give("is_file", is_file);
    work.give("is_dir", is_dir);
    Ok(())
}
