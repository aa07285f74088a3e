use serde::{Deserialize, Serialize};

use super::{Code, Edge, Site};
use crate::workflow::Workflow;

/// A workflow as the machine that its source describes: the durable calls, and the ways between them. It can be drawn,
/// and written as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The class that the name belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<String>,
    /// The workflow's name.
    pub name: String,
    /// The workflow's version: the hash of its code, or what its author pinned.
    pub version: String,
    /// The hash of its code, whether or not the version is pinned.
    pub code: String,
    /// The file it is written in.
    pub file: String,
    /// The line it begins at.
    pub line: u32,
    /// Its durable calls.
    pub sites: Vec<Site>,
    /// The ways between them.
    pub edges: Vec<Edge>,
}

impl Machine {
    /// The machine of a workflow.
    #[must_use]
    pub fn of<W: Workflow>() -> Self {
        let code: &Code = W::CODE;
        Self {
            class: W::CLASS.map(str::to_owned),
            name: W::NAME.to_owned(),
            version: W::VERSION.to_owned(),
            code: code.hash.to_owned(),
            file: code.file.to_owned(),
            line: code.line,
            sites: code.sites.to_vec(),
            edges: code.edges.to_vec(),
        }
    }
}
