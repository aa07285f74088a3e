//! What a launch announces: its application version and its queues.

use super::migrations;
use super::row::{Identity, QueueRow};
use super::sql::{first, params};
use super::{Isolation, Store, StoreResult, Transaction};
use crate::error::StoreError;
use crate::ids;

const INTENT: &str = "register the application version and the queues";

const VERSION: &str = "
    INSERT INTO dbos.application_versions (version_id, version_name, application_name)
    VALUES ($1, $2, $3)
    ON CONFLICT (version_name) DO UPDATE SET application_name = excluded.application_name
    WHERE application_versions.application_name IS NULL";

const VERSION_OWNER: &str =
    "SELECT application_name FROM dbos.application_versions WHERE version_name = $1";

const QUEUE: &str = "
    INSERT INTO dbos.queues (name, concurrency, worker_concurrency, priority_enabled,
                             partition_queue, polling_interval_sec, application_name)
    VALUES ($1, $2, $3, TRUE, FALSE, $4, $5)
    ON CONFLICT (name) DO UPDATE
    SET concurrency = excluded.concurrency, worker_concurrency = excluded.worker_concurrency,
        polling_interval_sec = excluded.polling_interval_sec,
        application_name = excluded.application_name, updated_at = {now}
    WHERE queues.application_name IS NULL OR queues.application_name = excluded.application_name";

const QUEUE_OWNER: &str = "SELECT application_name FROM dbos.queues WHERE name = $1";

const SCHEMA_VERSION: &str = "SELECT max(version) FROM dbos.dbos_migrations";

impl dyn Store {
    /// Checks that the database holds the tables of this crate's version, or a later one, and changes nothing.
    pub(crate) async fn check_version(&self) -> StoreResult<()> {
        let intent =
            "read the schema version; has a program with workflows, or `dbos migrate`, run on it";
        let rows = self.read(intent, SCHEMA_VERSION, params![]).await?;
        let found = first::<Option<i64>>(rows)?.flatten().unwrap_or_default();
        if found < migrations::VERSION {
            return Err(StoreError::OldSchema {
                found,
                wanted: migrations::VERSION,
            });
        }
        Ok(())
    }

    /// Announces this application version and these queues.
    pub(crate) async fn register(
        &self,
        identity: &Identity,
        queues: &[QueueRow],
    ) -> StoreResult<()> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let application = &identity.application_name;
        let version = &identity.application_version;
        let params = params![ids::token(), version, application];
        transaction.query(INTENT, VERSION, params).await?;
        owned(
            &mut transaction,
            VERSION_OWNER,
            "application version",
            version,
            identity,
        )
        .await?;
        for queue in queues {
            let params = params![
                &queue.name,
                queue.concurrency,
                queue.worker_concurrency,
                queue.polling_interval.as_secs_f64(),
                application,
            ];
            transaction.query(INTENT, QUEUE, params).await?;
            owned(
                &mut transaction,
                QUEUE_OWNER,
                "queue",
                &queue.name,
                identity,
            )
            .await?;
        }
        transaction.commit(&[]).await?;
        Ok(())
    }
}

/// Reads who owns a name, and checks it.
async fn owned(
    transaction: &mut Transaction,
    statement: &'static str,
    kind: &'static str,
    name: &str,
    identity: &Identity,
) -> StoreResult<()> {
    let rows = transaction
        .query("read who owns a name", statement, params![name])
        .await?;
    identity.check_owner(kind, name, first::<Option<String>>(rows)?.flatten())
}
