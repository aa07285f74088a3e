//! Text without markup, or with markup that nothing here knows.

use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::Document;

pub(super) struct Text;

impl Loader for Text {
    fn name(&self) -> &'static str {
        "plain text"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["log", "text", "txt"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.text().is_ok()
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        Ok(decoded.describe(Document::plain(&decoded.text)).into())
    }
}
