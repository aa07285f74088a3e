//! The table of formats, and which of them a file is of.

use std::path::Path;

use super::source::Source;
use super::{LoadError, Loader};
use super::{
    archive, code, csv, email, epub, html, json, markdown, notebook, office, pdf, rst, rtf, text,
};

/// Every format, in the order in which they are asked. Those that show in the bytes come first; those that only a name
/// tells come last.
const LOADERS: &[&dyn Loader] = &[
    &pdf::Pdf,
    &epub::Epub,
    &office::Office,
    &archive::Zip,
    &archive::Gzip,
    &archive::Tar,
    &rtf::Rtf,
    &notebook::Notebook,
    &json::Json,
    &json::JsonLines,
    &html::Html,
    &email::Email,
    &csv::Table,
    &markdown::Markdown,
    &rst::ReStructuredText,
    &code::Code,
    &text::Text,
];

/// Beginnings of files that are never text, with what they are.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x7fELF", "it is a program"),
    (b"MZ", "it is a program for Windows"),
    (
        b"\xca\xfe\xba\xbe",
        "it is a compiled Java class or a program",
    ),
    (b"\xfd7zXZ\0", "it is compressed with xz"),
    (b"(\xb5/\xfd", "it is compressed with zstd"),
    (b"BZh", "it is compressed with bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive"),
    (b"Rar!\x1a\x07", "it is a RAR archive"),
    (b"\x89PNG", "it is a PNG picture"),
    (b"\xff\xd8\xff", "it is a JPEG picture"),
    (b"GIF8", "it is a GIF picture"),
    (b"SQLite format 3\0", "it is a SQLite database"),
    (b"\0asm", "it is a WebAssembly program"),
    (b"OggS", "it is an Ogg recording"),
    (b"ID3", "it is an MP3 recording"),
];

/// What the bytes are, if they are of a kind that is never text.
pub(super) fn binary_signature(bytes: &[u8]) -> Option<&'static str> {
    let (_, why) = SIGNATURES.iter().find(|(signature, _)| {
        bytes.starts_with(signature) && !std::str::from_utf8(bytes).is_ok_and(is_prose)
    })?;
    Some(why)
}

/// Whether the text that happens to start like a signature ("BZh", "ID3") is text all the same.
fn is_prose(text: &str) -> bool {
    !text
        .chars()
        .take(512)
        .any(|character| character.is_control() && !character.is_whitespace())
}

/// The loader for a file.
pub(super) fn recognise(source: &Source<'_>) -> Result<&'static dyn Loader, LoadError> {
    let loader = LOADERS.iter().find(|loader| loader.recognises(source));
    match loader {
        Some(loader) => Ok(*loader),
        None => Err(LoadError::Binary {
            path: source.name().to_owned(),
            why: source.text().err().unwrap_or("nothing reads it").to_owned(),
        }),
    }
}

/// Says so if a file's name promises another format than it has.
pub(super) fn misnamed(source: &Source<'_>, loader: &dyn Loader) -> Option<String> {
    let extension = source.extension();
    let named = |loader: &dyn Loader| source.has_extension(loader.extensions());
    let promised = LOADERS.iter().any(|other| named(*other));
    (promised && !named(loader))
        .then(|| format!("it is {}, although it is named .{extension}", loader.name()))
}

/// Whether a file is of a kind that can be ingested, by its name alone.
pub fn is_candidate(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = extension(&name);
    LOADERS
        .iter()
        .any(|loader| loader.extensions().contains(&extension.as_str()))
        || code::is_named(&name)
}

/// A name's extension in lower case; empty if it has none.
pub(super) fn extension(name: &str) -> String {
    Path::new(name)
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}
