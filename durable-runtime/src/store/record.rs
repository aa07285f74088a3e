//! What is written: the records of the journal.

use std::borrow::Cow;

use super::row::Status;
use crate::error::StoreError;

/// Something that must survive. The journal commits records in batches; each gets an [`Outcome`] of its own.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A workflow exists from now on.
    Start(Box<StartRecord>),
    /// A call within a workflow has its result.
    Step(Box<StepRecord>),
    /// A workflow has its result.
    Completion(Box<CompletionRecord>),
}

impl Record {
    /// The workflow that the record is about.
    pub(crate) fn workflow_id(&self) -> &str {
        match self {
            Self::Start(start) => &start.workflow_id,
            Self::Step(step) => &step.workflow_id,
            Self::Completion(completion) => &completion.workflow_id,
        }
    }

    /// About how many bytes the record holds, for back-pressure.
    pub(crate) fn size(&self) -> usize {
        const FIXED: usize = 256;
        FIXED
            + match self {
                Self::Start(start) => start.input.len(),
                Self::Step(step) => {
                    step.output.as_ref().map_or(0, String::len)
                        + step.error.as_ref().map_or(0, String::len)
                }
                Self::Completion(completion) => completion
                    .result
                    .as_ref()
                    .map_or_else(String::len, String::len),
            }
    }
}

/// A new workflow: running here at once (`queue` is `None`), or waiting on a queue.
#[derive(Debug, Clone)]
pub(crate) struct StartRecord {
    pub(crate) workflow_id: String,
    pub(crate) name: &'static str,
    pub(crate) input: String,
    pub(crate) queue: Option<String>,
    pub(crate) priority: i32,
    pub(crate) executor_id: String,
    pub(crate) application_version: String,
    pub(crate) application_name: Option<String>,
    /// Becomes `creator_xid`, and `owner_xid` when it runs at once.
    pub(crate) token: String,
    pub(crate) parent: Option<Parent>,
}

/// The execution that starts a child: it must still own its workflow.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) workflow_id: String,
    pub(crate) token: String,
}

/// The result of one call within a workflow.
#[derive(Debug, Clone)]
pub(crate) struct StepRecord {
    pub(crate) workflow_id: String,
    pub(crate) token: String,
    pub(crate) position: i32,
    pub(crate) name: Cow<'static, str>,
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) child_workflow_id: Option<String>,
    /// For the start of a child: the record holds only if the child is a run of this workflow.
    pub(crate) child_name: Option<&'static str>,
    pub(crate) started_at: i64,
    pub(crate) completed_at: i64,
}

/// The result of a workflow: its output or its error, as JSON.
#[derive(Debug, Clone)]
pub(crate) struct CompletionRecord {
    pub(crate) workflow_id: String,
    pub(crate) token: String,
    pub(crate) result: Result<String, String>,
}

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is durable.
    Committed,
    /// A workflow with this id was there before.
    Exists(ExistingWorkflow),
    /// The position was recorded before, with another result.
    RecordedTwice,
    /// The execution no longer owns its workflow: it was cancelled, finished or taken over.
    Fenced,
    /// The database refuses this record.
    Refused(StoreError),
}

/// What stands in the database at the position of a [`StepRecord`] that was not inserted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// The record's execution owns the workflow.
    pub(crate) owned: bool,
    /// Something is recorded at the position.
    pub(crate) recorded: bool,
    /// What is recorded is the record itself, from an earlier attempt to commit it.
    pub(crate) same: bool,
}

impl Found {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self { owned: false, .. } => Outcome::Fenced,
            Self {
                recorded: true,
                same: false,
                ..
            } => Outcome::RecordedTwice,
            // Otherwise it is there, or it is the link to a child of another name: the start of that child is
            // answered with the conflict, and there is nothing to link.
            _ => Outcome::Committed,
        }
    }
}

/// The workflow that already has the id of a [`StartRecord`].
#[derive(Debug, Clone)]
pub(crate) struct ExistingWorkflow {
    pub(crate) name: Option<String>,
    pub(crate) status: Status,
}
