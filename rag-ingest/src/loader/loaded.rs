//! What a file gives.

use serde::{Deserialize, Serialize};

use super::LoadError;
use crate::document::Document;

/// What a file gives: a document, and more of them if other files lie in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// The file itself. An archive has no text of its own; a message has.
    pub document: Document,
    /// What lies in it, in the order of the container, the members of members included.
    pub members: Vec<Member>,
}

/// A file inside a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Where it lies in the outermost file: `reports/may.txt`, or `inner.zip!/may.txt`. No part of it is empty, `.` or
    /// `..`, and no two members of a file have the same.
    pub path: String,
    /// What it gave. One that cannot be read does not stop the others.
    pub outcome: Result<Document, LoadError>,
}

impl Loaded {
    /// The documents with text, each with where it lies in the file; none for the file itself.
    pub fn documents(&self) -> impl Iterator<Item = (Option<&str>, &Document)> {
        let own = Some((None, &self.document));
        let inner = self.members.iter().filter_map(|member| {
            let document = member.outcome.as_ref().ok()?;
            Some((Some(member.path.as_str()), document))
        });
        own.into_iter()
            .chain(inner)
            .filter(|(_, document)| !document.text.is_empty())
    }

    /// How many bytes of text it gave.
    pub fn size(&self) -> usize {
        self.documents()
            .map(|(_, document)| document.text.len())
            .sum()
    }

    /// The members that could not be read, with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &LoadError)> {
        self.members
            .iter()
            .filter_map(|member| Some((member.path.as_str(), member.outcome.as_ref().err()?)))
    }
}

impl From<Document> for Loaded {
    fn from(document: Document) -> Self {
        Self {
            document,
            members: Vec::new(),
        }
    }
}
