//! Gives the rows of one application to another.

use serde::Serialize;

use super::sql::{first, params};
use super::{Isolation, Store, StoreResult};

const INTENT: &str = "rename an application";

/// How many rows got a new owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RenamedRows {
    /// Queues.
    pub queues: u64,
    /// Schedules.
    pub schedules: u64,
    /// Application versions.
    pub versions: u64,
    /// Workflows.
    pub workflows: u64,
    /// Recorded steps.
    pub steps: u64,
}

/// Whose rows are meant.
#[derive(Debug, Clone)]
pub(crate) struct RenameRequest {
    /// Those of this application,
    pub(crate) from: Option<String>,
    /// and those of none.
    pub(crate) unclaimed: bool,
    pub(crate) to: String,
    /// How many rows of finished workflows change hands in one transaction.
    pub(crate) batch: i64,
}

macro_rules! of_the_application {
    () => {
        "(application_name = $2 OR ($3 AND application_name IS NULL))"
    };
}

macro_rules! rename {
    ($table:literal, $filter:literal) => {
        concat!(
            "UPDATE dbos.",
            $table,
            " SET application_name = $1 WHERE ",
            of_the_application!(),
            $filter,
            " RETURNING 1"
        )
    };
}

/// The key that ends a batch, counted from the last one.
macro_rules! end_of_batch {
    ($table:literal) => {
        concat!(
            "SELECT DISTINCT workflow_uuid FROM dbos.",
            $table,
            " WHERE $1 IS NOT NULL AND ",
            of_the_application!(),
            " AND workflow_uuid > $4 ORDER BY workflow_uuid LIMIT 1 OFFSET $5"
        )
    };
}

const QUEUES: &str = rename!("queues", "");
const SCHEDULES: &str = rename!("workflow_schedules", "");
const VERSIONS: &str = rename!("application_versions", "");
const IN_FLIGHT: &str = rename!(
    "workflow_status",
    " AND status IN ('PENDING', 'ENQUEUED', 'DELAYED')"
);

/// A table of which a long history may stand in the database: the end of a batch, a batch, and what is left.
type Batches = [&'static str; 3];

const WORKFLOWS: Batches = [
    end_of_batch!("workflow_status"),
    rename!(
        "workflow_status",
        " AND workflow_uuid > $4 AND workflow_uuid <= $5"
    ),
    rename!("workflow_status", ""),
];
const STEPS: Batches = [
    end_of_batch!("operation_outputs"),
    rename!(
        "operation_outputs",
        " AND workflow_uuid > $4 AND workflow_uuid <= $5"
    ),
    rename!("operation_outputs", ""),
];

impl dyn Store {
    /// Gives rows a new owner: in one transaction all that decides who runs what, then history, batch by batch.
    pub(crate) async fn rename_application(
        &self,
        rename: &RenameRequest,
    ) -> StoreResult<RenamedRows> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let mut moved = [0; 4];
        let statements = [QUEUES, SCHEDULES, VERSIONS, IN_FLIGHT];
        for (statement, moved) in statements.into_iter().zip(&mut moved) {
            let params = params![&rename.to, &rename.from, rename.unclaimed];
            *moved = count(&transaction.query(INTENT, statement, params).await?);
        }
        transaction.commit(&[]).await?;
        let [queues, schedules, versions, in_flight] = moved;
        Ok(RenamedRows {
            queues,
            schedules,
            versions,
            workflows: in_flight + self.rename_history(rename, WORKFLOWS).await?,
            steps: self.rename_history(rename, STEPS).await?,
        })
    }

    async fn rename_history(
        &self,
        rename: &RenameRequest,
        [end, batch, rest]: Batches,
    ) -> StoreResult<u64> {
        let (to, from, unclaimed) = (&rename.to, &rename.from, rename.unclaimed);
        let mut moved = 0;
        let mut last = String::new();
        loop {
            let params = params![to, from, unclaimed, &last, rename.batch - 1];
            let Some(next) = first::<String>(self.read(INTENT, end, params).await?)? else {
                // Also what appeared before the last batch meanwhile.
                let params = params![to, from, unclaimed];
                return Ok(moved + count(&self.write(INTENT, rest, params).await?));
            };
            let params = params![to, from, unclaimed, &last, &next];
            moved += count(&self.write(INTENT, batch, params).await?);
            last = next;
        }
    }
}

fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
