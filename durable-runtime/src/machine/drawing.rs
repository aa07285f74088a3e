use serde::{Deserialize, Serialize};

use super::picture::Picture;
use super::splice::Splice;
use super::{Code, Edge, Joint, Part, Site, dot, mermaid};

/// A workflow as the machine that its source describes: the durable calls, and the ways between them. It can be drawn,
/// and written as JSON.
///
/// What is no durable call is not in it, with one exception: where ways part or meet there is a [`Joint`], if durable
/// calls are made on one of the ways, or the workflow ends on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The class that the name belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<String>,
    /// The workflow's name.
    pub name: String,
    /// The workflow's version: the hash of its code, or what its author pinned.
    pub version: String,
    /// The hash of its code and that of its parts, whether or not the version is pinned.
    pub code: String,
    /// The file it is written in.
    pub file: String,
    /// The line it begins at.
    pub line: u32,
    /// Its durable calls, then those of its parts.
    pub sites: Vec<Site>,
    /// Where its ways part and meet.
    #[serde(default)]
    pub joints: Vec<Joint>,
    /// The ways between sites and joints.
    pub edges: Vec<Edge>,
    /// Its parts, once for each place where they are called.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parts: Vec<Part>,
}

impl Machine {
    /// The machine that code describes.
    pub(crate) fn read(
        class: Option<&str>,
        name: &str,
        version: &str,
        code: &'static Code,
    ) -> Self {
        let Splice {
            sites,
            joints,
            edges,
            parts,
        } = Splice::of(code);
        Self {
            class: class.map(str::to_owned),
            name: name.to_owned(),
            version: version.to_owned(),
            code: code.hash.to_owned(),
            file: code.file.to_owned(),
            line: code.line,
            sites,
            joints,
            edges,
            parts,
        }
    }

    /// The machine as a flowchart in Mermaid's language, which GitHub and many editors draw.
    ///
    /// A call that is marked `?` may end the function it stands in with its error: no edge is drawn for that. A rectangle
    /// is a call, one with double sides a child workflow, a rounded one an operation of the context; a dotted edge leads
    /// to what undoes a call.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::write(&Picture::of(self))
    }

    /// The machine in the language of Graphviz: `dot -Tsvg` draws it. Shapes are as in [`Machine::to_mermaid`].
    #[must_use]
    pub fn to_dot(&self) -> String {
        dot::write(&Picture::of(self))
    }
}
