//! Schedules as a program sees them: what to run when, and what became of it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::value::{self, Value};

/// When to run a workflow: a cron expression, under a name.
///
/// The workflow takes two arguments: the time that the run was due at (a `String` in RFC 3339, UTC, to the
/// millisecond), and the context of the schedule (any [`Value`](crate::Value), `null` unless set).
///
/// ```
/// use durable_runtime::{Schedule, prelude::*};
///
/// #[workflow]
/// async fn report(ctx: WorkflowContext, due: String, region: String) -> anyhow::Result<()> {
///     Ok(())
/// }
///
/// # async fn example(durable: &Durable) -> durable_runtime::Result<()> {
/// let every_morning = Schedule::new("report-eu")
///     .cron("0 7 * * MON-FRI")
///     .time_zone("Europe/Berlin")
///     .workflow::<report>()
///     .context("EU".to_owned());
/// durable.client().create_schedule(every_morning).await
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a schedule does nothing before it is created"]
pub struct Schedule {
    pub(crate) name: String,
    pub(crate) cron: String,
    pub(crate) workflow_name: String,
    pub(crate) workflow_class: Option<String>,
    /// The workflow is one of this program.
    pub(crate) is_here: bool,
    pub(crate) time_zone: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) context: Result<String>,
    pub(crate) automatic_backfill: bool,
    pub(crate) application: Option<String>,
}

impl Schedule {
    /// A schedule of this name: one of each name is in a database.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cron: String::new(),
            workflow_name: String::new(),
            workflow_class: None,
            is_here: false,
            time_zone: None,
            queue: None,
            context: Ok("null".to_owned()),
            automatic_backfill: false,
            application: None,
        }
    }

    /// When: `minute hour day-of-month month day-of-week`, with a second in front of them where wanted. Lists, ranges,
    /// steps and names (`MON`, `JAN`) are understood, as are `L` (the last day of the month), `15W`, `MON#2` and `@daily`.
    /// When both days are restricted, either is enough.
    pub fn cron(mut self, expression: impl Into<String>) -> Self {
        self.cron = expression.into();
        self
    }

    /// What to run: a workflow that is known by its name only, of another program or another language.
    pub fn workflow_name(mut self, name: impl Into<String>) -> Self {
        self.workflow_name = name.into();
        self.is_here = false;
        self
    }

    /// The class that the workflow's name belongs to, for workflows of other languages.
    pub fn class(mut self, name: impl Into<String>) -> Self {
        self.workflow_class = Some(name.into());
        self
    }

    /// The time zone of the cron expression, by its IANA name; UTC unless set. A time of day that the clocks skip moves
    /// to the end of what they skip, unless the expression matches every hour; one that comes twice matches twice.
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = Some(name.into());
        self
    }

    /// The queue that the runs are put on. Unless set they are taken up at once.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// The second argument of each run.
    pub fn context<T: Value>(mut self, value: T) -> Self {
        self.context = value::encode(&value, || {
            format!("the context of schedule `{}`", self.name)
        });
        self
    }

    /// Catches up on the slots that no process was there for: when one begins to serve the schedule, it starts all that
    /// are due since the last one that was started.
    pub fn automatic_backfill(mut self, catch_up: bool) -> Self {
        self.automatic_backfill = catch_up;
        self
    }

    /// The application that owns the schedule and runs its workflows, where it is not that of the caller.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }
}

/// Whether a schedule starts runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ScheduleStatus {
    /// It does.
    Active,
    /// It does not, until it is resumed.
    Paused,
}

impl ScheduleStatus {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
        }
    }

    pub(crate) fn from_name(schedule: &str, name: &str) -> Result<Self> {
        match name {
            "ACTIVE" => Ok(Self::Active),
            "PAUSED" => Ok(Self::Paused),
            _ => Err(Error::Misuse(format!(
                "schedule `{schedule}` has the status `{name}`, which this program does not know"
            ))),
        }
    }
}

/// A schedule as the database has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduleState {
    /// Stays with the schedule when its definition changes.
    pub schedule_id: String,
    /// Its name.
    #[serde(rename = "schedule_name")]
    pub name: String,
    /// The workflow that it runs.
    pub workflow_name: String,
    /// The class that the workflow's name belongs to, if any.
    pub workflow_class_name: Option<String>,
    /// Its cron expression.
    #[serde(rename = "schedule")]
    pub cron: String,
    /// Whether it starts runs.
    pub status: ScheduleStatus,
    /// The second argument of each run; the text in the database where that cannot be read.
    pub context: Json,
    /// The last slot that a run was started for, in RFC 3339.
    pub last_fired_at: Option<String>,
    /// Whether it catches up on slots that no process was there for.
    pub automatic_backfill: bool,
    /// The time zone of the cron expression; UTC if there is none.
    #[serde(rename = "cron_timezone")]
    pub time_zone: Option<String>,
    /// The queue of its runs, if it is not the internal one.
    pub queue_name: Option<String>,
    /// The application that owns it; all run one without an owner.
    pub application_name: Option<String>,
}

/// Which schedules to list. What is given more than once chooses those that fit either.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ScheduleFilter {
    pub(crate) statuses: Vec<ScheduleStatus>,
    pub(crate) workflow_names: Vec<String>,
    pub(crate) prefixes: Vec<String>,
}

impl ScheduleFilter {
    /// All of the application and those that no application owns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of this status.
    pub fn status(mut self, status: ScheduleStatus) -> Self {
        self.statuses.push(status);
        self
    }

    /// Only those of this workflow.
    pub fn workflow_name(mut self, name: impl Into<String>) -> Self {
        self.workflow_names.push(name.into());
        self
    }

    /// Only those whose name begins so.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }
}
