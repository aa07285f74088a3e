//! The tables that DBOS does not have. They stand beside its own, their names begin with `durable_`, and they have a
//! version of their own.

use super::sql::{first, params};
use super::{Isolation, Store, StoreResult};
use crate::error::StoreError;

/// What each version adds; a released one never changes.
const STEPS: &[&[&str]] = &[
    &[
        "CREATE TABLE dbos.durable_migrations (version BIGINT NOT NULL PRIMARY KEY)",
        "INSERT INTO dbos.durable_migrations (version) VALUES (0)",
        // A nameless application is the empty name: a key holds no NULL.
        "CREATE TABLE dbos.durable_executors (
            executor_id TEXT NOT NULL,
            application_name TEXT NOT NULL,
            application_version TEXT NOT NULL,
            lease_token TEXT NOT NULL,
            lease_until_epoch_ms BIGINT NOT NULL,
            started_at_epoch_ms BIGINT NOT NULL,
            PRIMARY KEY (executor_id, application_name, application_version)
        )",
    ],
    &[
        // No class is the empty name. The machine is JSON, as this library writes it.
        "CREATE TABLE dbos.durable_machines (
            application_version TEXT NOT NULL,
            class_name TEXT NOT NULL,
            workflow_name TEXT NOT NULL,
            code_hash TEXT NOT NULL,
            machine TEXT NOT NULL,
            recorded_at_epoch_ms BIGINT NOT NULL,
            PRIMARY KEY (application_version, class_name, workflow_name, code_hash)
        )",
    ],
];

const EXISTS: &str = "
    {pg:SELECT 1 FROM pg_tables WHERE schemaname = 'dbos' AND tablename = 'durable_migrations'}
    {lite:SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'durable_migrations'}";

const VERSION: &str = "SELECT max(version) FROM dbos.durable_migrations";

/// Two processes that start on one database take turns. The number is that of `durable` in ASCII.
const LOCK: &str = "SELECT {pg:1 FROM pg_advisory_xact_lock(28276631791627365)}{lite:1}";

const RECORD: &str = "UPDATE dbos.durable_migrations SET version = $1";

const INTENT: &str = "create the tables of this library beside those of DBOS";

impl dyn Store {
    /// Creates what is missing. A database that has everything is only read.
    pub(crate) async fn create_own_tables(&self) -> StoreResult<()> {
        if self.own_version().await? >= newest() {
            return Ok(());
        }
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        transaction.query(INTENT, LOCK, params![]).await?;
        let exists = !transaction
            .query(INTENT, EXISTS, params![])
            .await?
            .is_empty();
        let mut found = 0;
        if exists {
            let rows = transaction.query(INTENT, VERSION, params![]).await?;
            found = first::<Option<i64>>(rows)?.flatten().unwrap_or_default();
        }
        let known = usize::try_from(found).unwrap_or_default();
        let missing: Vec<&str> = STEPS
            .iter()
            .skip(known)
            .copied()
            .flatten()
            .copied()
            .collect();
        for statement in missing {
            transaction.query(INTENT, statement, params![]).await?;
        }
        transaction
            .query(INTENT, RECORD, params![found.max(newest())])
            .await?;
        transaction.commit(&[]).await?;
        Ok(())
    }

    /// Checks that nothing is missing, and changes nothing.
    pub(crate) async fn check_own_tables(&self) -> StoreResult<()> {
        let found = self.own_version().await?;
        if found < newest() {
            let wanted = newest();
            return Err(StoreError::MissingTables { found, wanted });
        }
        Ok(())
    }

    async fn own_version(&self) -> StoreResult<i64> {
        let intent = "look for the tables of this library";
        if self.read(intent, EXISTS, params![]).await?.is_empty() {
            return Ok(0);
        }
        let rows = self.read(intent, VERSION, params![]).await?;
        Ok(first::<Option<i64>>(rows)?.flatten().unwrap_or_default())
    }
}

fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}
