//! What can go wrong, and the form in which errors are checkpointed.

mod divergence;
mod saga;
mod store;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

pub use divergence::{CodeNow, Divergence, RecordedCode};
pub use saga::{NotUndone, SagaError, Undo};
pub use store::StoreError;

/// The result of an operation of the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as it is checkpointed: the error envelope of DBOS's portable JSON format.
///
/// An error that a step or workflow returns is written in this form and comes back from it, on the first
/// execution as well as on a replay, so that code which looks at errors takes the same way both times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// The type of the error, for programs.
    pub name: String,
    /// The text of the error, for people.
    pub message: String,
    /// A code (integer or string), where the error has one.
    #[serde(default)]
    pub code: Json,
    /// What else the error carries.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub data: Json,
}

impl ErrorRecord {
    /// An error with a name and a text.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
            code: Json::Null,
            data: Json::Null,
        }
    }

    /// Adds a code.
    #[must_use]
    pub fn code(mut self, code: impl Into<Json>) -> Self {
        self.code = code.into();
        self
    }

    /// Adds data.
    #[must_use]
    pub fn data(mut self, data: impl Into<Json>) -> Self {
        self.data = data.into();
        self
    }

    pub(crate) fn to_json(&self) -> String {
        // A record holds strings and JSON values only: both always serialize.
        serde_json::to_string(self).unwrap_or_else(|error| {
            format!(r#"{{"name":"Error","message":"{error}","code":null}}"#)
        })
    }

    /// Reads a recorded error. Text that is not an envelope becomes the message of a nameless error, so that an
    /// error written by another program is never lost.
    pub(crate) fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::new("Error", text))
    }
}

impl std::fmt::Display for ErrorRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ErrorRecord {}

/// Everything that the runtime itself reports.
///
/// An error type of your own that steps or workflows return holds one as a variant:
/// `#[error(transparent)] Durable(#[from] durable_runtime::Error)`.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A step used up its attempts.
    #[error("step `{step}` failed {attempts} times; the last error was: {}", .errors.last().map_or("unknown", String::as_str))]
    StepRetriesExceeded {
        /// The step's name.
        step: String,
        /// How often its body ran.
        attempts: u32,
        /// The error of each attempt.
        errors: Vec<String>,
    },
    /// One attempt of a step took longer than its `timeout`.
    #[error("step `{step}` did not finish within {limit_ms} ms")]
    StepTimedOut {
        /// The step's name.
        step: String,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The body of a step panicked.
    #[error("step `{step}` panicked: {message}")]
    StepPanicked {
        /// The step's name.
        step: String,
        /// The text of the panic.
        message: String,
    },
    /// The body of a workflow panicked.
    #[error("workflow `{workflow}` panicked: {message}")]
    WorkflowPanicked {
        /// The workflow's name.
        workflow: String,
        /// The text of the panic.
        message: String,
    },
    /// A saga failed, and not everything that it had done could be undone.
    #[error("{saga}; the saga itself had failed with: {cause}", saga = .0, cause = .0.cause)]
    NotUndone(Box<SagaError<ErrorRecord>>),
    /// A workflow or step ended with an error that is known by its record only.
    #[error(transparent)]
    Failed(#[from] ErrorRecord),
    /// The awaited workflow was cancelled.
    #[error("workflow `{id}` was cancelled before it finished; resume it to let it go on")]
    AwaitedCancelled {
        /// The workflow's id.
        id: String,
    },
    /// The awaited workflow was recovered too often and given up.
    #[error(
        "workflow `{id}` was given up after too many recoveries; find out what stops it, then resume it"
    )]
    AwaitedDeadLetter {
        /// The workflow's id.
        id: String,
    },
    /// No workflow has this id.
    #[error("there is no workflow with the id `{id}`")]
    NoSuchWorkflow {
        /// The id looked for.
        id: String,
    },
    /// The id belongs to a workflow of another kind.
    #[error(
        "the id `{id}` belongs to a run of workflow `{existing}`; `{wanted}` cannot be started under it: choose another id"
    )]
    ConflictingWorkflow {
        /// The id.
        id: String,
        /// The workflow that has it.
        existing: String,
        /// The workflow that should have been started.
        wanted: String,
    },
    /// A workflow id that is empty, blank or holds a NUL character.
    #[error("`{id}` cannot be a workflow id: it is empty, blank or holds a NUL character")]
    InvalidWorkflowId {
        /// The id.
        id: String,
    },
    /// The id is in use, and the call was not to join an existing run.
    #[error(
        "a workflow with the id `{id}` exists already; choose another id, or leave `reject_existing` out"
    )]
    WorkflowIdInUse {
        /// The id.
        id: String,
    },
    /// The queue holds another workflow with the deduplication id.
    #[error(
        "workflow `{id}` was not enqueued: queue `{queue}` holds another one with the deduplication id `{deduplication_id}`"
    )]
    Deduplicated {
        /// The id of the workflow that was not enqueued.
        id: String,
        /// The queue.
        queue: String,
        /// The deduplication id.
        deduplication_id: String,
    },
    /// The workflow requires a role that its caller does not have.
    #[error(
        "workflow `{workflow}` may only be run with one of the roles {required}; {user} has {roles}"
    )]
    NotAuthorized {
        /// The workflow's name.
        workflow: String,
        /// The roles that allow it.
        required: String,
        /// Who asked for it.
        user: String,
        /// The roles of who asked for it.
        roles: String,
    },
    /// A stream has no value yet, or no more.
    #[error("stream `{key}` of workflow `{id}` gave no value at offset {offset} in time")]
    StreamTimedOut {
        /// The workflow that writes the stream.
        id: String,
        /// The stream.
        key: String,
        /// The place waited for, from 0.
        offset: i64,
    },
    /// A workflow reads two streams at once, so that the order of the values could not be replayed.
    #[error(
        "workflow `{id}` reads two streams at the same time; read one after the other, or in child workflows"
    )]
    StreamReadsRaced {
        /// The workflow that reads.
        id: String,
    },
    /// A listing took too long and was stopped.
    #[error(
        "the database was given {limit_ms} ms for a listing and did not finish; ask for less, with filters or a limit"
    )]
    QueryTimedOut {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// What was asked for makes no sense, or is not allowed in this state.
    #[error("{0}")]
    Misuse(String),
    /// A workflow was found in the database that this program does not register.
    #[error(
        "workflow `{name}` is not registered here (registered: {known}); add `.register::<its_function>()` where the runtime is opened"
    )]
    NotRegistered {
        /// The workflow's name, after its class if it has one: `class/name`.
        name: String,
        /// The names that are registered, in the same form.
        known: String,
    },
    /// The code of a workflow waited for something that is no durable call.
    #[error(
        "workflow `{workflow}` ({location}, id `{id}`) waits for something that no durable call explains: a timer, a socket, a channel, a lock, a task or \
         a thread. It does so {when}. Nothing of this wait is recorded, so after a crash the workflow may go another way. Put what it waits for into a \
         #[step], or use `ctx.sleep`, `ctx.recv`, `ctx.get_event`, `ctx.spawn`, `join!` or `select!`; then fork the run, which keeps what it recorded"
    )]
    ForeignWake {
        /// The workflow's id.
        id: String,
        /// The workflow's name.
        workflow: String,
        /// Where the workflow is written: `file:line`.
        location: String,
        /// Which durable call was done last, and which are pending, with their places.
        when: String,
    },
    /// On a replay the code made another call than the recorded one, or ended before it.
    #[error("{0}")]
    UnexpectedStep(Box<Divergence>),
    /// One position of a workflow was recorded twice, with different results.
    #[error(
        "workflow `{id}` recorded position {position} twice with different results: two calls share a position, or two processes run with one executor id"
    )]
    StepRecordedTwice {
        /// The workflow's id.
        id: String,
        /// The number of the call within the workflow, from 1.
        position: i32,
    },
    /// A value cannot be written as JSON, or a recorded one cannot be read as the type that the code has now.
    #[error("{what} cannot be {direction} as JSON: {reason}")]
    Format {
        /// What it is: `the output of step ...`.
        what: String,
        /// `written` or `read`.
        direction: &'static str,
        /// The serializer's explanation.
        reason: String,
    },
    /// The database refused or could not be reached.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// The runtime is shutting down; the workflow stays in the database and goes on at the next launch.
    #[error(
        "the runtime is shutting down; workflow `{id}` is in the database and goes on at the next launch"
    )]
    ShuttingDown {
        /// The workflow's id.
        id: String,
    },
    /// The runtime was set up in a way that cannot work.
    #[error("{0}")]
    Setup(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TimedOut { limit_ms } => Self::QueryTimedOut { limit_ms },
            error => Self::Store(Arc::new(error)),
        }
    }
}

impl Error {
    pub(crate) fn unwritable(what: impl Into<String>, reason: &impl std::fmt::Display) -> Self {
        Self::Format {
            what: what.into(),
            direction: "written",
            reason: reason.to_string(),
        }
    }

    pub(crate) fn unreadable(what: impl Into<String>, reason: &impl std::fmt::Display) -> Self {
        Self::Format {
            what: what.into(),
            direction: "read",
            reason: reason.to_string(),
        }
    }

    /// True when the same request may succeed later: the database was away, or busy.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    /// The name and code under which DBOS knows this error.
    fn dbos_name(&self) -> (&'static str, Option<u32>) {
        match self {
            Self::StepRetriesExceeded { .. } => ("DBOSMaxStepRetriesExceeded", Some(7)),
            Self::StepTimedOut { .. } => ("DBOSStepTimeoutError", Some(18)),
            Self::StepPanicked { .. } => ("StepPanicked", None),
            Self::ForeignWake { .. } => ("ForeignWake", None),
            Self::WorkflowPanicked { .. } => ("WorkflowPanicked", None),
            Self::NotUndone(_) => ("SagaNotUndone", None),
            Self::AwaitedCancelled { .. } => ("DBOSAwaitedWorkflowCancelledError", Some(13)),
            Self::AwaitedDeadLetter { .. } => {
                ("DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded", Some(14))
            }
            Self::NoSuchWorkflow { .. } => ("DBOSNonExistentWorkflowError", Some(5)),
            Self::ConflictingWorkflow { .. } => ("DBOSConflictingWorkflowError", Some(9)),
            Self::NotRegistered { .. } => ("DBOSWorkflowFunctionNotFoundError", Some(4)),
            Self::UnexpectedStep(_) => ("DBOSUnexpectedStepError", Some(11)),
            Self::StepRecordedTwice { .. } => ("DBOSStepNondeterminismError", Some(28)),
            Self::WorkflowIdInUse { .. } => ("DBOSWorkflowIDInUseError", Some(27)),
            Self::Deduplicated { .. } => ("DBOSQueueDeduplicatedError", Some(12)),
            Self::NotAuthorized { .. } => ("DBOSNotAuthorizedError", Some(8)),
            Self::StreamTimedOut { .. } => ("DBOSStreamTimeoutError", Some(16)),
            Self::StreamReadsRaced { .. } => ("DBOSStreamNondeterminismError", Some(17)),
            Self::QueryTimedOut { .. } => ("DBOSQueryTimeoutError", Some(26)),
            Self::Setup(_) => ("DBOSInitializationError", Some(3)),
            Self::Failed(_)
            | Self::InvalidWorkflowId { .. }
            | Self::Misuse(_)
            | Self::Format { .. }
            | Self::Store(_)
            | Self::ShuttingDown { .. } => ("DBOSException", None),
        }
    }

    /// The form in which this error is checkpointed.
    pub fn to_record(&self) -> ErrorRecord {
        if let Self::Failed(record) = self {
            return record.clone();
        }
        let (name, code) = self.dbos_name();
        let record =
            ErrorRecord::new(name, self.to_string()).code(code.map_or(Json::Null, Json::from));
        match self {
            Self::StepRetriesExceeded {
                step,
                attempts,
                errors,
            } => record
                .data(serde_json::json!({ "step": step, "attempts": attempts, "errors": errors })),
            Self::StepTimedOut { step, limit_ms } => {
                record.data(serde_json::json!({ "step": step, "limit_ms": limit_ms }))
            }
            Self::StepPanicked { step, message } => {
                record.data(serde_json::json!({ "step": step, "message": message }))
            }
            Self::NotUndone(saga) => record.data(saga.to_data()),
            Self::ForeignWake {
                id,
                workflow,
                location,
                when,
            } => record.data(serde_json::json!({ "id": id, "workflow": workflow, "location": location, "when": when })),
            Self::AwaitedCancelled { id }
            | Self::AwaitedDeadLetter { id }
            | Self::WorkflowIdInUse { id }
            | Self::StreamReadsRaced { id }
            | Self::NoSuchWorkflow { id } => record.data(serde_json::json!({ "id": id })),
            Self::Deduplicated {
                id,
                queue,
                deduplication_id,
            } => record.data(serde_json::json!({ "id": id, "queue": queue, "deduplication_id": deduplication_id })),
            Self::StreamTimedOut { id, key, offset } => {
                record.data(serde_json::json!({ "id": id, "key": key, "offset": offset }))
            }
            Self::NotAuthorized {
                workflow,
                required,
                user,
                roles,
            } => record.data(serde_json::json!({ "workflow": workflow, "required": required, "user": user, "roles": roles })),
            Self::ConflictingWorkflow {
                id,
                existing,
                wanted,
            } => {
                record.data(serde_json::json!({ "id": id, "existing": existing, "wanted": wanted }))
            }
            Self::UnexpectedStep(divergence) => record.data(serde_json::json!(divergence)),
            _ => record,
        }
    }

    /// Reads a checkpointed error back. One that the runtime itself wrote becomes the same variant again, every
    /// other one [`Error::Failed`].
    pub fn from_record(record: ErrorRecord) -> Self {
        let text = |key: &str| {
            record
                .data
                .get(key)
                .and_then(Json::as_str)
                .map(str::to_owned)
        };
        let number = |key: &str| record.data.get(key).and_then(Json::as_u64);
        let known = match record.name.as_str() {
            "DBOSMaxStepRetriesExceeded" => (|| {
                let errors = record.data.get("errors")?.as_array()?;
                Some(Self::StepRetriesExceeded {
                    step: text("step")?,
                    attempts: u32::try_from(number("attempts")?).ok()?,
                    errors: errors
                        .iter()
                        .map(|error| error.as_str().unwrap_or_default().to_owned())
                        .collect(),
                })
            })(),
            "DBOSStepTimeoutError" => (|| {
                Some(Self::StepTimedOut {
                    step: text("step")?,
                    limit_ms: number("limit_ms")?,
                })
            })(),
            "StepPanicked" => (|| {
                Some(Self::StepPanicked {
                    step: text("step")?,
                    message: text("message")?,
                })
            })(),
            "SagaNotUndone" => {
                SagaError::from_data(&record.data).map(|saga| Self::NotUndone(Box::new(saga)))
            }
            "ForeignWake" => (|| {
                Some(Self::ForeignWake {
                    id: text("id")?,
                    workflow: text("workflow")?,
                    location: text("location")?,
                    when: text("when")?,
                })
            })(),
            "DBOSAwaitedWorkflowCancelledError" => {
                text("id").map(|id| Self::AwaitedCancelled { id })
            }
            "DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded" => {
                text("id").map(|id| Self::AwaitedDeadLetter { id })
            }
            "DBOSNonExistentWorkflowError" => text("id").map(|id| Self::NoSuchWorkflow { id }),
            "DBOSWorkflowIDInUseError" => text("id").map(|id| Self::WorkflowIdInUse { id }),
            "DBOSStreamNondeterminismError" => text("id").map(|id| Self::StreamReadsRaced { id }),
            "DBOSUnexpectedStepError" => {
                let divergence = serde_json::from_value(record.data.clone());
                divergence.ok().map(Self::UnexpectedStep)
            }
            "DBOSQueueDeduplicatedError" => (|| {
                Some(Self::Deduplicated {
                    id: text("id")?,
                    queue: text("queue")?,
                    deduplication_id: text("deduplication_id")?,
                })
            })(),
            "DBOSStreamTimeoutError" => (|| {
                Some(Self::StreamTimedOut {
                    id: text("id")?,
                    key: text("key")?,
                    offset: record.data.get("offset")?.as_i64()?,
                })
            })(),
            "DBOSNotAuthorizedError" => (|| {
                Some(Self::NotAuthorized {
                    workflow: text("workflow")?,
                    required: text("required")?,
                    user: text("user")?,
                    roles: text("roles")?,
                })
            })(),
            "DBOSConflictingWorkflowError" => (|| {
                Some(Self::ConflictingWorkflow {
                    id: text("id")?,
                    existing: text("existing")?,
                    wanted: text("wanted")?,
                })
            })(),
            _ => None,
        };
        known.unwrap_or(Self::Failed(record))
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.to_record().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        ErrorRecord::deserialize(deserializer).map(Self::from_record)
    }
}
