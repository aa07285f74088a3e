use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::{GlobBuilder, GlobMatcher};

use super::shown;
use crate::fault::Fault;
use crate::visit::Work;

pub(super) fn size(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let metadata = fs::metadata(&path).map_err(|error| Fault::file("look at", &path, &error))?;
    work.give("size", metadata.len());
    work.give("success", true);
    Ok(())
}

pub(super) fn info(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let metadata = fs::metadata(&path).map_err(|error| Fault::file("look at", &path, &error))?;
    let part = |part: Option<&std::ffi::OsStr>| part.map(|it| it.to_string_lossy().into_owned());
    let whole = PathBuf::from(shown(&path));
    let extension = part(whole.extension()).map(|extension| format!(".{extension}"));
    let modified = moment(metadata.modified().ok());
    // Not every file system knows when a file was created.
    let created = moment(metadata.created().ok());
    work.give("size", metadata.len());
    work.give(
        "created",
        if created.is_empty() {
            modified.clone()
        } else {
            created
        },
    );
    work.give("modified", modified);
    work.give("extension", extension.unwrap_or_default());
    work.give("name", part(whole.file_name()).unwrap_or_default());
    work.give(
        "parent",
        part(whole.parent().map(Path::as_os_str)).unwrap_or_default(),
    );
    work.give("success", true);
    Ok(())
}

fn moment(time: Option<SystemTime>) -> String {
    let moment = time.and_then(|time| jiff::Timestamp::try_from(time).ok());
    let zoned = moment.map(|moment| moment.to_zoned(jiff::tz::TimeZone::system()));
    zoned
        .map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        .unwrap_or_default()
}

/// Lists a folder, sorted, so that it reads the same whatever the file system does.
pub(super) fn list(work: &mut Work, folder: &str, output: &str) -> Result<(), Fault> {
    let path = work.path(folder)?;
    let pattern = work.text("pattern");
    let pattern = if pattern.trim().is_empty() {
        "*"
    } else {
        pattern.trim()
    };
    let matcher = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| Fault::value(format!("the pattern `{pattern}` cannot be read: {error}")))?
        .compile_matcher();
    let listing = Listing {
        matcher,
        is_deep: work.flag("recursive"),
        files: !work.flag("dirs_only"),
        folders: output == "items" && !work.flag("files_only"),
    };
    let mut found = Vec::new();
    listing.walk(&path, &mut found)?;
    found.sort();
    let found: Vec<String> = found.iter().map(|path| shown(path)).collect();
    work.give("count", found.len());
    work.give(output, found);
    work.give("success", true);
    Ok(())
}

struct Listing {
    matcher: GlobMatcher,
    is_deep: bool,
    files: bool,
    folders: bool,
}

impl Listing {
    fn walk(&self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Fault> {
        let failed = |error: std::io::Error| Fault::file("list", folder, &error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let is_folder = path.is_dir();
            let wanted = if is_folder { self.folders } else { self.files };
            if wanted && self.matcher.is_match(Path::new(&entry.file_name())) {
                found.push(path.clone());
            }
            // Links to folders are not followed: they may lead in a circle.
            if self.is_deep && entry.file_type().map_err(failed)?.is_dir() {
                self.walk(&path, found)?;
            }
        }
        Ok(())
    }
}
