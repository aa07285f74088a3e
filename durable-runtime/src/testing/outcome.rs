use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::engine::{DryEnd, OpenCall};
use crate::error::{Error, ErrorRecord};
use crate::store::{Status, WorkflowStatus};
use crate::value::format;

/// What became of a run when the code of this program followed its records.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReplayOutcome {
    /// The code made the recorded calls up to its end, and where an outcome is recorded, it came to the same.
    Agrees,
    /// The code made the recorded calls, and would go on with one that has no record. For a run that has not finished
    /// this is what one expects.
    Continues {
        /// The call that it would go on with.
        call: OpenCall,
        /// How many records are behind the last call that the code made: they could not be compared.
        unread: usize,
    },
    /// The code makes another call than the recorded one, or ends before it: such a run would end with this error.
    Diverges {
        /// The error.
        error: Error,
    },
    /// The code made the recorded calls and came to another outcome: `{"output": ...}` or `{"error": ...}`.
    OutcomeDiffers {
        /// What is recorded.
        recorded: Json,
        /// What the code came to.
        now: Json,
    },
    /// The arguments, a recorded result or the outcome do not fit the types that the code has now.
    Unreadable {
        /// Which, and why.
        error: Error,
    },
    /// This program has no such workflow.
    NotRegistered {
        /// Its name, and those that there are.
        error: Error,
    },
    /// The run would not be begun: its arguments are missing, or its caller lacks a role.
    Refused {
        /// Why.
        error: Error,
    },
    /// The code panicked.
    Panicked {
        /// The text of the panic.
        message: String,
    },
    /// The code waits for something that is no durable call, and that did not happen within 5 s.
    Stuck,
}

impl ReplayOutcome {
    /// True when the run fits the code.
    pub(super) fn is_clean(&self, status: Status) -> bool {
        match self {
            Self::Agrees => true,
            Self::Continues { .. } => !has_outcome(status),
            // Nobody needs the code of a run that is over.
            Self::NotRegistered { .. } => has_outcome(status),
            _ => false,
        }
    }

    pub(super) fn of(end: DryEnd, run: &WorkflowStatus) -> Self {
        match end {
            DryEnd::Open { call, unread } => Self::Continues { call, unread },
            DryEnd::Ended(result) => compared(result, run),
            DryEnd::Panicked(message) => {
                let panic = Error::WorkflowPanicked {
                    workflow: run.name.clone(),
                    message: message.clone(),
                };
                // Where the panic is the recorded outcome, all is as it was.
                match compared(Err(panic.to_record()), run) {
                    Self::Agrees if has_outcome(run.status) => Self::Agrees,
                    _ => Self::Panicked { message },
                }
            }
            DryEnd::Failed(error) => match &error {
                Error::UnexpectedStep(_) => Self::Diverges { error },
                Error::Format { .. } => Self::Unreadable { error },
                Error::NotRegistered { .. } => Self::NotRegistered { error },
                _ => match compared(Err(error.to_record()), run) {
                    Self::Agrees if has_outcome(run.status) => Self::Agrees,
                    _ => Self::Refused { error },
                },
            },
            DryEnd::Stuck => Self::Stuck,
        }
    }
}

/// True when the run came to an outcome of its own: what was cancelled or given up may be taken up again.
pub(super) fn has_outcome(status: Status) -> bool {
    matches!(status, Status::Success | Status::Error)
}

/// Compares what the code came to with what is recorded. A run without an outcome agrees with all.
fn compared(now: Result<String, ErrorRecord>, run: &WorkflowStatus) -> ReplayOutcome {
    let unreadable = |reason: &dyn std::fmt::Display| {
        let what = format!("the recorded outcome of workflow `{}`", run.workflow_id);
        let error = Error::unreadable(what, &reason);
        ReplayOutcome::Unreadable { error }
    };
    let format = run.serialization.as_deref();
    let json = |text: &str| serde_json::from_str::<Json>(text);
    let (recorded, same) = match run.status {
        Status::Success => {
            let text = format::read_value(format, run.output.as_deref().unwrap_or("null"));
            let value = match text.as_deref().map(json) {
                Ok(Ok(value)) => value,
                Ok(Err(reason)) => return unreadable(&reason),
                Err(reason) => return unreadable(reason),
            };
            let same = matches!(&now, Ok(text) if json(text).is_ok_and(|now| now == value));
            (json!({ "output": value }), same)
        }
        Status::Error => {
            let error = format::read_error(format, run.error.as_deref().unwrap_or_default());
            // Errors in Python's format have a text and no more.
            let same = matches!(&now, Err(now) if now.message == error.message);
            (json!({ "error": error }), same)
        }
        _ => return ReplayOutcome::Agrees,
    };
    if same {
        return ReplayOutcome::Agrees;
    }
    let now = match now {
        Ok(text) => json!({ "output": json(&text).unwrap_or(Json::String(text)) }),
        Err(error) => json!({ "error": error }),
    };
    ReplayOutcome::OutcomeDiffers { recorded, now }
}
