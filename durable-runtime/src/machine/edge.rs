use serde::{Deserialize, Serialize};

/// A way from one durable call of a workflow to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The site it comes from, by its place in the list; `None` is the start of the workflow.
    pub from: Option<u16>,
    /// The site it goes to, by its place in the list; `None` is the end of the workflow.
    pub to: Option<u16>,
    /// Why it is taken.
    pub way: Way,
}

/// Why an edge is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// One call after the other.
    Next,
}
