use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A place in the source of a workflow where it makes a durable call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Where it stands in the structure of the body, stable when lines move: `for#1/embed#2`.
    pub label: Cow<'static, str>,
    /// What is called there.
    pub callee: Cow<'static, str>,
    /// What kind of call it is, as far as the source tells.
    pub kind: SiteKind,
    /// The file, as the compiler names it.
    pub file: Cow<'static, str>,
    /// The line in the file, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The part it stands in, by its place in the list of parts; `None` is the workflow itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<u16>,
}

/// A site as the macros write it down.
#[doc(hidden)]
#[must_use]
pub const fn site(
    label: &'static str,
    callee: &'static str,
    kind: SiteKind,
    file: &'static str,
    line: u32,
    column: u32,
) -> Site {
    Site {
        label: Cow::Borrowed(label),
        callee: Cow::Borrowed(callee),
        kind,
        file: Cow::Borrowed(file),
        line,
        column,
        within: None,
    }
}

/// What kind of call a site is, as far as its source tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SiteKind {
    /// A function that is given the context: a step, a transaction, a child workflow that is awaited, or a function
    /// that makes such calls itself.
    Call,
    /// A child workflow, by what is done with the call: it is started, queued or given an id.
    Child,
    /// A method of the context: a sleep, a message, an event.
    Operation,
}
