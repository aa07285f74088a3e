//! Jupyter notebooks: text, code and what the code printed.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Kind};

/// How much of one output is kept. Logs and tables that a cell printed are seldom what is looked for.
const MAX_OUTPUT_BYTES: usize = 4 << 10;

pub(super) struct Notebook;

impl Loader for Notebook {
    fn name(&self) -> &'static str {
        "a notebook"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["ipynb"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        // The version of the format is required, but may stand anywhere.
        let is_notebook = |text: &str| {
            text.trim_start().starts_with('{')
                && text.contains("\"nbformat\"")
                && serde_json::from_str::<Marked>(text).is_ok()
        };
        source.text().is_ok_and(|decoded| {
            source.has_extension(self.extensions())
                || source.has_extension(&["", "json", "txt"]) && is_notebook(&decoded.text)
        })
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        let text = decoded.text.trim_start_matches('\u{FEFF}');
        let file: File = serde_json::from_str(text).map_err(|error| {
            if error.is_eof() {
                source.truncated("notebook")
            } else {
                source.corrupt("notebook", error)
            }
        })?;
        let language = file.language();
        let mut warnings = Vec::new();
        // Before version 4 the cells stood in sheets.
        let cells = file.cells.iter();
        let cells = cells.chain(file.worksheets.iter().flat_map(|sheet| &sheet.cells));
        let pages: Vec<_> = (1..)
            .zip(cells)
            .map(|(number, cell)| (number, cell.markdown(&language, number, &mut warnings)))
            .collect();
        let mut document = Document::of_pages(Kind::Notebook, pages);
        document.title = document.headings.first().map(|it| it.title.clone());
        document.language = Some(language);
        document.warnings = warnings;
        Ok(decoded.describe(document).into())
    }
}

/// What tells a notebook from other JSON.
#[derive(Deserialize)]
struct Marked {
    #[serde(rename = "nbformat")]
    _version: u32,
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    cells: Vec<Cell>,
    #[serde(default)]
    worksheets: Vec<Sheet>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Sheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    kernelspec: Named,
    #[serde(default)]
    language_info: Named,
}

#[derive(Default, Deserialize)]
struct Named {
    language: Option<String>,
    name: Option<String>,
}

impl File {
    fn language(&self) -> String {
        let Metadata {
            kernelspec,
            language_info,
        } = &self.metadata;
        let language = language_info.name.as_ref().or(kernelspec.language.as_ref());
        language.map_or_else(|| "python".to_owned(), |name| name.to_lowercase())
    }
}

/// Text as one string or as a list of its lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Lines(Vec<String>),
}

impl Text {
    fn joined(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Lines(lines) => lines.concat(),
        }
    }
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    #[serde(alias = "input")]
    source: Option<Text>,
    level: Option<u8>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    text: Option<Text>,
    #[serde(default)]
    data: Data,
    ename: Option<String>,
    evalue: Option<String>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(rename = "text/plain")]
    plain: Option<Text>,
    #[serde(rename = "text/markdown")]
    markdown: Option<Text>,
}

impl Cell {
    fn markdown(&self, language: &str, number: u32, warnings: &mut Vec<String>) -> String {
        let source = self.source.as_ref().map(Text::joined).unwrap_or_default();
        let source = source.trim();
        let mut markdown = match (self.cell_type.as_str(), self.level) {
            (_, _) if source.is_empty() => String::new(),
            ("heading", level) => {
                let level = usize::from(level.unwrap_or(1).clamp(1, 6));
                format!("{} {source}", "#".repeat(level))
            }
            ("code", _) => fenced(language, source),
            _ => source.to_owned(),
        };
        for output in &self.outputs {
            let (text, cut) = output.shown();
            if cut {
                warnings.push(format!(
                    "cell {number} printed more than {MAX_OUTPUT_BYTES} bytes, only the first are kept"
                ));
            }
            if !text.is_empty() {
                markdown.push_str("\n\n");
                markdown.push_str(&fenced("text", &text));
            }
        }
        markdown
    }
}

impl Output {
    /// What the output says, and whether it is not all of it.
    fn shown(&self) -> (String, bool) {
        let text = match (&self.ename, &self.evalue) {
            (Some(name), value) => {
                format!("{name}: {}", value.as_deref().unwrap_or_default())
            }
            _ => {
                let data = self.data.markdown.as_ref().or(self.data.plain.as_ref());
                let text = self.text.as_ref().or(data);
                text.map(Text::joined).unwrap_or_default()
            }
        };
        let text = text.trim_end();
        let kept = text.floor_char_boundary(MAX_OUTPUT_BYTES);
        let shown = text.get(..kept).unwrap_or_default();
        (shown.to_owned(), kept < text.len())
    }
}

/// Text between fences that are longer than any in it.
fn fenced(language: &str, text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}{language}\n{text}\n{fence}")
}

#[cfg(test)]
pub(super) mod tests;
