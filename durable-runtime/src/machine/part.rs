use serde::{Deserialize, Serialize};

use super::Code;

/// A function that makes durable calls on behalf of workflows: what `#[workflow_part]` puts beside the function, as a
/// type of the same name.
///
/// Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a part of a workflow",
    label = "no `#[workflow_part]`",
    note = "a part is an `async fn` that takes the context of its caller: `#[workflow_part] async fn name(ctx: &WorkflowContext, …)`",
    note = "steps, transactions and child workflows are durable calls of their own and need not be named: leave them out of `parts(…)`"
)]
pub trait WorkflowPart {
    /// What the macro read off its code.
    const CODE: &'static Code;
}

/// A part, as the code that calls it names it.
#[derive(Debug)]
pub struct PartCode {
    /// Its name.
    pub name: &'static str,
    /// What the macro read off its code.
    pub code: &'static Code,
    /// Which of the caller's sites call it, by their places in its list.
    pub calls: &'static [u16],
}

/// A part where it is called: the frame around its nodes in a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The name of the function.
    pub name: String,
    /// The file it is written in.
    pub file: String,
    /// The line it begins at.
    pub line: u32,
    /// The part that calls it, by its place in the list of parts; `None` is the workflow itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<u16>,
}

/// A part as the macros write it down.
#[doc(hidden)]
#[must_use]
pub const fn part(name: &'static str, code: &'static Code, calls: &'static [u16]) -> PartCode {
    PartCode { name, code, calls }
}
