//! What is read: rows of the system database, in terms of the runtime.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::{Error, StoreError};
use crate::queue::Queue;
use crate::value::{self, format};

/// Where a workflow is in its life. The names are those in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Status {
    /// On a queue.
    Enqueued,
    /// On a queue, not to be taken before its time.
    Delayed,
    /// Running, or interrupted while it was running.
    Pending,
    /// Finished with an output.
    Success,
    /// Finished with an error.
    Error,
    /// Cancelled.
    Cancelled,
    /// Given up after too many recoveries.
    MaxRecoveryAttemptsExceeded,
}

impl Status {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "ENQUEUED",
            Self::Delayed => "DELAYED",
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::Error => "ERROR",
            Self::Cancelled => "CANCELLED",
            Self::MaxRecoveryAttemptsExceeded => "MAX_RECOVERY_ATTEMPTS_EXCEEDED",
        }
    }

    /// True when the workflow does nothing more of its own accord.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        !matches!(self, Self::Enqueued | Self::Delayed | Self::Pending)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [
            Self::Enqueued,
            Self::Delayed,
            Self::Pending,
            Self::Success,
            Self::Error,
            Self::Cancelled,
            Self::MaxRecoveryAttemptsExceeded,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| format!("`{text}` is not a workflow status"))
    }
}

/// The state of a workflow as the database has it. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkflowStatus {
    /// The workflow's id.
    pub workflow_id: String,
    /// Where it is in its life.
    pub status: Status,
    /// The name it is registered under.
    pub name: String,
    /// The class that the name belongs to, if any.
    pub class_name: Option<String>,
    /// The configured instance of the class, for workflows of other languages.
    pub config_name: Option<String>,
    /// The application that owns it; any may take one without an owner.
    pub application_name: Option<String>,
    /// The application version it is bound to.
    pub application_version: Option<String>,
    /// The queue it was put on, if any.
    pub queue_name: Option<String>,
    /// The partition of the queue.
    pub queue_partition_key: Option<String>,
    /// What keeps a second workflow off the queue.
    pub deduplication_id: Option<String>,
    /// Its priority on the queue: the lowest number goes first.
    pub priority: i32,
    /// The process that runs or ran it.
    pub executor_id: Option<String>,
    /// How often it was taken up.
    pub recovery_attempts: i64,
    /// The workflow that started it, if any.
    pub parent_workflow_id: Option<String>,
    /// The workflow it is a fork of, if any.
    pub forked_from: Option<String>,
    /// True when others are forks of it.
    pub was_forked_from: bool,
    /// The schedule that started it, if any.
    pub schedule_name: Option<String>,
    /// Who asked for it.
    pub authenticated_user: Option<String>,
    /// The role that allowed it.
    pub assumed_role: Option<String>,
    /// The roles of who asked for it, as a JSON array.
    pub authenticated_roles: Option<String>,
    /// When it was started or enqueued.
    pub created_at_ms: i64,
    /// When its row was changed last.
    pub updated_at_ms: i64,
    /// When it was taken off its queue last.
    pub dequeued_at_ms: Option<i64>,
    /// When it finished.
    pub completed_at_ms: Option<i64>,
    /// How long it may take from its start, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// When it is cancelled.
    pub deadline_ms: Option<i64>,
    /// When it leaves the state [`Status::Delayed`].
    pub delay_until_ms: Option<i64>,
    /// What was noted about it when it was started or since.
    pub attributes: Option<serde_json::Value>,
    /// The format of `input`, `output` and `error`.
    pub serialization: Option<String>,
    /// Its arguments, as recorded.
    pub input: Option<String>,
    /// Its result, as recorded.
    pub output: Option<String>,
    /// Its error, as recorded.
    pub error: Option<String>,
}

impl WorkflowStatus {
    /// Its arguments: `{"positionalArgs": [...], "namedArgs": {...}}`. What is in a format that cannot be read here is
    /// the text as recorded.
    #[must_use]
    pub fn input_value(&self) -> Option<Json> {
        let format = self.serialization.as_deref();
        let input = self.input.as_deref();
        input.map(|text| value::shown_arguments(format, text))
    }

    /// Its result, likewise.
    #[must_use]
    pub fn output_value(&self) -> Option<Json> {
        let format = self.serialization.as_deref();
        self.output
            .as_deref()
            .map(|text| value::shown(format, text))
    }

    /// Its error, likewise.
    #[must_use]
    pub fn error_value(&self) -> Option<Json> {
        let format = self.serialization.as_deref();
        let error = self.error.as_deref();
        error.map(|text| value::shown_error(format, text))
    }
}

/// Who this process is to the others that share the database.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) executor_id: String,
    pub(crate) application_version: String,
    pub(crate) application_name: Option<String>,
}

impl Identity {
    /// Checks that a name belongs to this application or to none.
    pub(crate) fn check_owner(
        &self,
        kind: &'static str,
        name: &str,
        owner: Option<String>,
    ) -> Result<(), StoreError> {
        match owner {
            Some(owner) if self.application_name.as_ref() != Some(&owner) => {
                Err(StoreError::Owned {
                    kind,
                    name: name.to_owned(),
                    owner,
                })
            }
            _ => Ok(()),
        }
    }
}

/// A request for work.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) queue: &'a Queue,
    /// The partition, of a partitioned queue.
    pub(crate) partition: Option<&'a str>,
    /// How many at most: what the limits of this process leave.
    pub(crate) limit: i64,
    pub(crate) identity: &'a Identity,
    /// Becomes the `owner_xid` of everything claimed.
    pub(crate) token: &'a str,
}

/// What a claim took.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) workflows: Vec<ClaimedWorkflow>,
    /// What kept it from taking more; `None` when there was no more.
    pub(crate) reached: Option<Reached>,
}

/// The limit that a claim reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// How many it asked for.
    Asked,
    /// A limit that processes share.
    Queue,
    /// A limit of the partition that processes share.
    Partition,
}

/// A workflow that is ours to run.
#[derive(Debug)]
pub(crate) struct ClaimedWorkflow {
    pub(crate) workflow_id: String,
    pub(crate) name: String,
    pub(crate) class: Option<String>,
    pub(crate) config: Option<String>,
    pub(crate) input: Option<String>,
    pub(crate) serialization: Option<String>,
    pub(crate) recovery_attempts: i64,
    /// When it is cancelled.
    pub(crate) deadline: Option<i64>,
    pub(crate) authenticated_user: Option<String>,
    pub(crate) authenticated_roles: Option<String>,
    pub(crate) assumed_role: Option<String>,
    pub(crate) partition_key: Option<String>,
    pub(crate) history: Vec<StepRow>,
}

/// One recorded call of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct StepRow {
    pub(crate) position: i32,
    pub(crate) name: String,
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) child_workflow_id: Option<String>,
    /// The format of output and error.
    pub(crate) serialization: Option<String>,
}

impl StepRow {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let texts = [&self.output, &self.error];
        self.name.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// How a workflow ended.
#[derive(Debug, Clone)]
pub(crate) enum Finished {
    Output(String),
    Error(String),
    Cancelled,
    DeadLetter,
    /// It was deleted.
    Gone,
}

impl Finished {
    /// From the columns of a finished workflow.
    pub(crate) fn from_row(
        workflow_id: &str,
        status: &str,
        output: Option<String>,
        error: Option<String>,
        serialization: Option<&str>,
    ) -> Result<Self, StoreError> {
        match status.parse() {
            Ok(Status::Success) => {
                let output = output.unwrap_or_else(|| "null".to_owned());
                Ok(match format::read_value(serialization, &output) {
                    Ok(output) => Self::Output(output),
                    Err(reason) => {
                        let what = format!("the result of workflow `{workflow_id}`");
                        Self::Error(Error::unreadable(what, &reason).to_record().to_json())
                    }
                })
            }
            Ok(Status::Error) => {
                let error = error.unwrap_or_default();
                Ok(Self::Error(
                    format::read_error(serialization, &error).to_json(),
                ))
            }
            Ok(Status::Cancelled) => Ok(Self::Cancelled),
            Ok(Status::MaxRecoveryAttemptsExceeded) => Ok(Self::DeadLetter),
            _ => Err(StoreError::Corrupt {
                workflow_id: workflow_id.to_owned(),
                reason: format!("`{status}` is not the status of a finished workflow"),
            }),
        }
    }
}
