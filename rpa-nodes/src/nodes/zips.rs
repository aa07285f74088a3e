//! Nodes that pack and unpack ZIP files.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::files::{write_from, write_whole};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::text;
use crate::visit::Work;

/// How files are packed.
pub(super) const METHODS: &[&str] = &["ZIP_STORED", "ZIP_DEFLATED"];

pub(super) fn types() -> Vec<NodeType> {
    vec![
        NodeType::work(
            "ZipFilesNode",
            Effect::Writes,
            "Packs files, or all that is in a folder, into a ZIP file: it is there as a whole, or as it was.",
            pack,
        )
        .needs("zip_path", Kind::Text)
        .input("source_path", Kind::Text)
        .input("files", Kind::List)
        .input("base_dir", Kind::Text)
        .property("compression", Kind::Choice(METHODS), "ZIP_DEFLATED")
        .output("zip_path", Kind::Text)
        .output("attachment_file", Kind::List)
        .output("file_count", Kind::Integer)
        .output("success", Kind::Boolean),
        NodeType::work(
            "UnzipFilesNode",
            Effect::Writes,
            "Unpacks a ZIP file. What would come to lie outside of the folder is refused before anything is written.",
            unpack,
        )
        .needs("zip_path", Kind::Text)
        .needs("extract_to", Kind::Text)
        .output("extract_to", Kind::Text)
        .output("files", Kind::List)
        .output("file_count", Kind::Integer)
        .output("success", Kind::Boolean),
    ]
}

fn failed(what: &str, path: &Path, error: &zip::result::ZipError) -> Fault {
    Fault::of(
        "ZipError",
        format!("cannot {what} {}: {error}", path.display()),
    )
}

/// The files below a path, sorted, so that the same files make the same archive.
fn files(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Fault> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| Fault::file("list", path, &error))?;
    let mut entries: Vec<_> = entries
        .collect::<Result<_, _>>()
        .map_err(|error| Fault::file("list", path, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        files(&entry.path(), found)?;
    }
    Ok(())
}

pub(super) fn pack(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("zip_path")?;
    let mut found = Vec::new();
    let source = match work.text("source_path").trim() {
        "" => None,
        _ => Some(work.path("source_path")?),
    };
    if let Some(source) = &source {
        files(source, &mut found)?;
    }
    for file in work.list("files") {
        files(&work.file(&text(&file))?, &mut found)?;
    }
    if found.is_empty() {
        return Err(Fault::value(
            "there is nothing to pack; set `source_path`, or `files`",
        ));
    }
    let base = match work.text("base_dir").trim() {
        "" => source.filter(|source| source.is_dir()),
        _ => Some(work.path("base_dir")?),
    };
    let method = match work.text("compression").as_str() {
        "ZIP_STORED" => CompressionMethod::Stored,
        _ => CompressionMethod::Deflated,
    };
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for file in &found {
        let inside = base
            .as_deref()
            .and_then(|base| file.strip_prefix(base).ok());
        let name = inside.unwrap_or_else(|| Path::new(file.file_name().unwrap_or_default()));
        writer
            .start_file(name.to_string_lossy(), options.large_file(true))
            .map_err(|error| failed("pack", file, &error))?;
        let mut content = File::open(file).map_err(|error| Fault::file("read", file, &error))?;
        std::io::copy(&mut content, &mut writer)
            .map_err(|error| Fault::file("pack", file, &error))?;
    }
    let packed = writer
        .finish()
        .map_err(|error| failed("write", &path, &error))?;
    write_whole(&path, packed.get_ref(), true)?;
    let shown = std::path::absolute(&path)
        .unwrap_or(path)
        .display()
        .to_string();
    work.give("attachment_file", vec![shown.clone()]);
    work.give("zip_path", shown);
    work.give("file_count", found.len());
    work.give("success", true);
    Ok(())
}

pub(super) fn unpack(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("zip_path")?;
    let target = work.path("extract_to")?;
    let file = File::open(&path).map_err(|error| Fault::file("read", &path, &error))?;
    let mut archive = ZipArchive::new(file).map_err(|error| failed("read", &path, &error))?;
    let mut inside = Vec::new();
    for place in 0..archive.len() {
        let entry = archive
            .by_index(place)
            .map_err(|error| failed("read", &path, &error))?;
        let Some(name) = entry.enclosed_name() else {
            return Err(Fault::of(
                "ZipError",
                format!(
                    "{} has a file outside of its folder: {}",
                    path.display(),
                    entry.name().unwrap_or_default()
                ),
            ));
        };
        inside.push((place, name, entry.is_dir()));
    }
    fs::create_dir_all(&target).map_err(|error| Fault::file("create", &target, &error))?;
    let mut written: Vec<Value> = Vec::new();
    for (place, name, is_folder) in inside {
        let to = work.file(&target.join(&name).display().to_string())?;
        if is_folder {
            fs::create_dir_all(&to).map_err(|error| Fault::file("create", &to, &error))?;
            continue;
        }
        let mut entry = archive
            .by_index(place)
            .map_err(|error| failed("read", &path, &error))?;
        write_from(&to, &mut entry, true)?;
        written.push(
            std::path::absolute(&to)
                .unwrap_or(to)
                .display()
                .to_string()
                .into(),
        );
    }
    let shown = std::path::absolute(&target).unwrap_or(target);
    work.give("extract_to", shown.display().to_string());
    work.give("file_count", written.len());
    work.give("files", written);
    work.give("success", true);
    Ok(())
}
