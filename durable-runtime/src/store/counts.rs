//! Counts workflows and steps by what they have in common.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::composed::Composed;
use super::filter::{WorkflowFilter, epoch_ms};
use super::sql::Row;
use super::{Store, StoreResult};

/// What workflows may be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupBy {
    /// Where they are in their life.
    Status,
    /// The name they are registered under.
    Name,
    /// The queue they were put on.
    Queue,
    /// The process that runs or ran them.
    Executor,
    /// The application version they are bound to.
    Version,
    /// The application that owns them.
    Application,
    /// The schedule that started them.
    Schedule,
    /// On whose behalf they were started.
    User,
}

impl GroupBy {
    const fn column(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Name => "name",
            Self::Queue => "queue_name",
            Self::Executor => "executor_id",
            Self::Version => "application_version",
            Self::Application => "application_name",
            Self::Schedule => "schedule_name",
            Self::User => "authenticated_user",
        }
    }
}

/// How many workflows have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkflowCount {
    /// What they have in common; `None` where they have none of it.
    pub group: BTreeMap<GroupBy, Option<String>>,
    /// How many there are.
    pub count: u64,
}

/// Which steps to count.
#[derive(Debug, Clone, Default)]
#[must_use = "a filter counts nothing by itself"]
pub struct StepCountFilter {
    names: Vec<String>,
    times: Vec<(&'static str, i64)>,
    applications: Option<Vec<String>>,
}

impl StepCountFilter {
    /// All steps of the application.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of this name. Given more than once: of one of these.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Those recorded at this time or later.
    pub fn completed_after(mut self, time: SystemTime) -> Self {
        self.times.push((">=", epoch_ms(time)));
        self
    }

    /// Those recorded at this time or before.
    pub fn completed_before(mut self, time: SystemTime) -> Self {
        self.times.push(("<=", epoch_ms(time)));
        self
    }

    /// Those of this application, and those of none. Unset: the application of who asks; everything, when that has no
    /// name.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.applications.get_or_insert_default().push(name.into());
        self
    }

    pub(crate) fn within(mut self, application: Option<&str>) -> Self {
        if self.applications.is_none() {
            self.applications = application.map(|name| vec![name.to_owned()]);
        }
        self
    }
}

/// How many recorded steps have a name, and how they ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepCount {
    /// The name under which they are recorded.
    pub name: String,
    /// How many have a result, or none to tell.
    pub succeeded: u64,
    /// How many have an error.
    pub failed: u64,
    /// How long all of them took together, in milliseconds.
    pub total_ms: u64,
}

impl dyn Store {
    /// Counts workflows by some columns; the limits of the filter mean nothing here.
    pub(crate) async fn count_workflows(
        &self,
        filter: &WorkflowFilter,
        groups: &[GroupBy],
        limit: Duration,
    ) -> StoreResult<Vec<WorkflowCount>> {
        let mut sql = filter.conditions(!self.is_shared());
        let columns: Vec<_> = groups
            .iter()
            .map(|group| format!("s.{}", group.column()))
            .collect();
        let columns = columns.join(", ");
        sql.text = match groups {
            [] => format!(
                "SELECT count(*) FROM dbos.workflow_status s WHERE {}",
                sql.text
            ),
            _ => format!(
                "SELECT count(*), {columns} FROM dbos.workflow_status s WHERE {}
                 GROUP BY {columns} ORDER BY {columns}",
                sql.text
            ),
        };
        let rows = self.observe("count workflows", sql, limit).await?;
        let count = |mut row: Row| {
            let mut group = BTreeMap::new();
            for (column, by) in groups.iter().enumerate() {
                group.insert(*by, row.take(column + 1)?);
            }
            let count = unsigned(row.take(0)?);
            Ok(WorkflowCount { group, count })
        };
        rows.into_iter().map(count).collect()
    }

    /// Counts recorded steps by their name.
    pub(crate) async fn count_steps(
        &self,
        filter: &StepCountFilter,
        limit: Duration,
    ) -> StoreResult<Vec<StepCount>> {
        let mut sql = Composed::default();
        sql.push(
            "SELECT function_name, count(*), count(error),
                    CAST(COALESCE(sum(completed_at_epoch_ms - started_at_epoch_ms), 0) AS bigint)
             FROM dbos.operation_outputs WHERE TRUE",
        );
        if !filter.names.is_empty() {
            let names = sql.param(&filter.names);
            sql.push(&format!(" AND function_name IN {{each:{names}}}"));
        }
        for (operator, time) in &filter.times {
            let time = sql.param(*time);
            sql.push(&format!(" AND completed_at_epoch_ms {operator} {time}"));
        }
        let applications = filter.applications.as_ref();
        if let Some(names) = applications.filter(|names| !names.is_empty()) {
            let names = sql.param(names);
            sql.push(&format!(
                " AND (application_name IN {{each:{names}}} OR application_name IS NULL)"
            ));
        }
        sql.push(" GROUP BY function_name ORDER BY function_name");
        let rows = self.observe("count steps", sql, limit).await?;
        let count = |mut row: Row| {
            let (all, failed) = (unsigned(row.take(1)?), unsigned(row.take(2)?));
            Ok(StepCount {
                name: row.take(0)?,
                succeeded: all - failed,
                failed,
                total_ms: unsigned(row.take(3)?),
            })
        };
        rows.into_iter().map(count).collect()
    }
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
