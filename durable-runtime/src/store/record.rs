//! What is written: the records of the journal.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::claim::Queued;
use super::effect::Effect;
use super::row::{Identity, Status};
use crate::error::StoreError;
use crate::queue::Queue;

/// Something that must survive. The journal commits records in batches; each gets an [`Outcome`] of its own. Who hands one
/// over keeps it until then, so that it is shared.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A workflow exists from now on.
    Start(Arc<StartRecord>),
    /// A call within a workflow has its result.
    Step(Arc<StepRecord>),
    /// A workflow has its result.
    Completion(Arc<CompletionRecord>),
    /// Another workflow of its queue takes the place of one that has its result.
    Succession(Arc<SuccessionRecord>),
}

impl Record {
    /// The workflow that the record is about.
    pub(crate) fn workflow_id(&self) -> &str {
        match self {
            Self::Start(start) => &start.workflow_id,
            Self::Step(step) => &step.workflow_id,
            Self::Completion(completion) => &completion.workflow_id,
            Self::Succession(succession) => &succession.workflow_id,
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
                        + step.effects.iter().map(Effect::size).sum::<usize>()
                }
                Self::Completion(completion) => completion
                    .result
                    .as_ref()
                    .map_or_else(String::len, String::len),
                Self::Succession(_) => 0,
            }
    }
}

/// A new workflow: running here at once (`queue` is `None`), or waiting on a queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct StartRecord {
    pub(crate) workflow_id: String,
    /// Nobody can have started it before: its id was made up for it, and it has no deduplication id.
    pub(crate) is_new: bool,
    pub(crate) name: String,
    pub(crate) class: Option<String>,
    /// The instance of the class, for workflows of other languages.
    pub(crate) config: Option<String>,
    /// The arguments, in the format `serialization`; an empty format is that of the application.
    pub(crate) input: String,
    pub(crate) serialization: Cow<'static, str>,
    pub(crate) queue: Option<String>,
    pub(crate) priority: i32,
    pub(crate) partition_key: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    /// Not before this time, in milliseconds since the Unix epoch.
    pub(crate) delay_until: Option<i64>,
    /// How long it may take from its (latest) start, in milliseconds.
    pub(crate) timeout_ms: Option<i64>,
    /// When it is cancelled, in milliseconds since the Unix epoch.
    pub(crate) deadline: Option<i64>,
    pub(crate) authenticated_user: Option<String>,
    pub(crate) assumed_role: Option<String>,
    /// A JSON array of strings.
    pub(crate) authenticated_roles: Option<String>,
    /// A JSON object.
    pub(crate) attributes: Option<String>,
    pub(crate) schedule_name: Option<String>,
    /// The latest time to which a debounced start may be put off.
    pub(crate) debounce_deadline: Option<i64>,
    pub(crate) is_debounced: bool,
    /// Who started it; a client is nobody.
    pub(crate) executor_id: Option<String>,
    /// `None`: whoever runs the latest version may take it.
    pub(crate) application_version: Option<String>,
    pub(crate) application_name: Option<String>,
    /// The empty text where a program starts it, nothing where a client does.
    pub(crate) application_id: Option<String>,
    /// Becomes `creator_xid`, and `owner_xid` when it runs at once.
    pub(crate) token: String,
    pub(crate) parent: Option<Parent>,
}

impl StartRecord {
    /// The format of the input; none where the format is that of the application.
    pub(super) fn serialization(&self) -> Option<&str> {
        Some(self.serialization.as_ref()).filter(|format| !format.is_empty())
    }

    /// What most starts have nothing of, as a JSON object; `None` when there is nothing.
    pub(super) fn extra(&self) -> Option<serde_json::Value> {
        let mut extra = serde_json::Map::new();
        let mut put = |key: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                extra.insert(key.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(serde_json::Value::from);
        put("class", text(&self.class));
        put("config", text(&self.config));
        put("partition", text(&self.partition_key));
        put("deduplication", text(&self.deduplication_id));
        put("delay", self.delay_until.map(Into::into));
        put("timeout", self.timeout_ms.map(Into::into));
        put("deadline", self.deadline.map(Into::into));
        put("user", text(&self.authenticated_user));
        put("role", text(&self.assumed_role));
        put("roles", text(&self.authenticated_roles));
        put("attributes", text(&self.attributes));
        put("schedule", text(&self.schedule_name));
        put("debounce", self.debounce_deadline.map(Into::into));
        put("debounced", self.is_debounced.then(|| 1.into()));
        (!extra.is_empty()).then_some(serde_json::Value::Object(extra))
    }
}

/// The execution that starts a child: it must still own its workflow.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) workflow_id: String,
    pub(crate) token: String,
}

/// The result of one call within a workflow.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepRecord {
    pub(crate) workflow_id: String,
    pub(crate) token: String,
    pub(crate) position: i32,
    pub(crate) name: Cow<'static, str>,
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    /// The format of output and error, when it is not portable JSON.
    pub(crate) serialization: Option<String>,
    pub(crate) child_workflow_id: Option<String>,
    /// For the start of a child: the record holds only if the child is a run of this workflow.
    pub(crate) child_name: Option<String>,
    pub(crate) started_at: i64,
    pub(crate) completed_at: i64,
    /// What is written with it, in the same transaction.
    pub(crate) effects: Vec<Effect>,
}

/// The result of a workflow: its output or its error, in the format of its row.
#[derive(Debug, Clone)]
pub(crate) struct CompletionRecord {
    pub(crate) workflow_id: String,
    pub(crate) token: String,
    pub(crate) result: Result<String, String>,
}

/// The end of a workflow leaves a place on its queue, which another one is to take in the same commit: between the two
/// the place is not empty for the length of a commit.
#[derive(Debug, Clone)]
pub(crate) struct SuccessionRecord {
    /// The workflow that ends.
    pub(crate) workflow_id: String,
    /// A queue without shared limits and partitions.
    pub(crate) queue: Queue,
    pub(crate) identity: Identity,
    /// Becomes the `owner_xid` of what is taken.
    pub(crate) token: String,
    /// It was sent to the database before, and the answer was lost: something may have been taken with its token.
    pub(crate) sent: Arc<AtomicBool>,
}

/// What was taken off a queue in the commit of other workflows' ends, without its history.
#[derive(Debug, Default)]
pub(crate) struct Successors {
    pub(crate) token: String,
    pub(super) workflows: Vec<Queued>,
}

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is durable.
    Committed,
    /// Who takes the place of a workflow that ended: nobody, one, or more where an answer was lost before.
    Succeeded(Successors),
    /// A workflow with this id was there before.
    Exists(ExistingWorkflow),
    /// Another workflow on the queue holds the deduplication id.
    Deduplicated {
        /// The workflow that holds it.
        holder: String,
    },
    /// The step is recorded, with an error: a message of it goes to a workflow that does not exist.
    NoDestination {
        /// The workflow that does not exist.
        id: String,
    },
    /// The position was recorded before, with another result.
    RecordedTwice,
    /// The execution no longer owns its workflow: it was cancelled, finished or taken over.
    Fenced,
    /// The database refuses this record.
    Refused(StoreError),
}

impl Outcome {
    /// True when the record, or what stands in its place, may be committed with others.
    pub(crate) fn is_accepted(&self) -> bool {
        !matches!(self, Self::RecordedTwice | Self::Fenced | Self::Refused(_))
    }
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
    pub(crate) class: Option<String>,
    pub(crate) config: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) status: Status,
}
