use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::needed;
use crate::catalogue::catalogue;
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::Work;

/// Pictures that models can see, by the ends of their names.
const PICTURES: [(&str, &str); 5] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
];
/// A path is no longer than this, and stands on one line.
const LONGEST_PATH: usize = 4096;

/// A document as a model is shown it, behind a question: a picture as what it shows, a PDF and other files as their text.
/// `document` is a path, a picture as a data URL, or the text itself.
///
/// # Errors
/// There is none, or it cannot be read.
pub(super) fn shown(work: &mut Work, question: &str) -> Result<Value, Fault> {
    let said = needed(work, "document")?;
    let said = said.trim();
    let picture = |url: String| {
        Ok(json!([
            {"type": "text", "text": question},
            {"type": "image_url", "image_url": {"url": url}},
        ]))
    };
    let written = |text: &str| Ok(json!(format!("{question}\n\nThe document:\n{text}")));
    if said.starts_with("data:image/") {
        return picture(said.to_owned());
    }
    let Some(path) = file(work, said)? else {
        return written(said);
    };
    let end = path
        .extension()
        .map(|end| end.to_string_lossy().to_lowercase());
    let end = end.unwrap_or_default();
    if let Some((_, kind)) = PICTURES.iter().find(|(known, _)| *known == end) {
        let content = fs::read(&path).map_err(|error| Fault::file("read", &path, &error))?;
        return picture(format!("data:{kind};base64,{}", STANDARD.encode(content)));
    }
    if end == "pdf" {
        return written(&pdf(work, &path)?);
    }
    let text = fs::read_to_string(&path).map_err(|error| Fault::file("read", &path, &error))?;
    written(&text)
}

/// The file that a text names, if it names one.
fn file(work: &Work, said: &str) -> Result<Option<std::path::PathBuf>, Fault> {
    if said.contains('\n') || said.len() > LONGEST_PATH {
        return Ok(None);
    }
    let ends_as_file = Path::new(said).extension().is_some_and(|end| {
        let end = end.to_string_lossy().to_lowercase();
        end == "pdf" || end == "txt" || PICTURES.iter().any(|(known, _)| *known == end)
    });
    let path = work.file(said)?;
    match path.is_file() {
        true => Ok(Some(path)),
        // A path that leads nowhere is no document of three words.
        false if ends_as_file && !said.contains(' ') => Err(Fault::of(
            "FileNotFoundError",
            format!("there is no document {}; check the path", path.display()),
        )),
        false => Ok(None),
    }
}

/// The text of a PDF.
fn pdf(work: &mut Work, path: &Path) -> Result<String, Fault> {
    let Some(reader) = catalogue().get("ReadPDFTextNode") else {
        return Err(Fault::value(format!(
            "{} is a PDF, and this program is built without the feature `pdf`",
            path.display()
        )));
    };
    let mut inputs = Object::new();
    inputs.insert("file_path".to_owned(), path.display().to_string().into());
    let given = work.use_type(reader, "document", &inputs)?;
    let text = given
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match text.trim().is_empty() {
        false => Ok(text.to_owned()),
        true => Err(Fault::value(format!(
            "{} has no text, only pictures; make pictures of its pages with a PDFToImagesNode and give one of them",
            path.display()
        ))),
    }
}
