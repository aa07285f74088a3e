//! What becomes of dialogs where nobody sits at a desktop.
//!
//! They are refused before a run. A workflow whose settings say `headless_policy: answer` is run: its dialogs answer themselves
//! with their defaults, or with what their `headless_answer` says. The policy is part of the workflow that a run records, so
//! whoever goes on with the run keeps to it.

use crate::document::{Loaded, Workflow};

const KEY: &str = "headless_policy";
const ANSWER: &str = "answer";

/// Lets the dialogs of a workflow answer themselves.
pub fn answer(loaded: &mut Loaded) {
    let settings = &mut loaded.workflow.settings.extra;
    settings.insert(KEY.to_owned(), ANSWER.into());
}

/// Whether the dialogs of a workflow answer themselves.
pub(crate) fn answers(workflow: &Workflow) -> bool {
    let policy = workflow.settings.extra.get(KEY);
    policy.and_then(|policy| policy.as_str()) == Some(ANSWER)
}
