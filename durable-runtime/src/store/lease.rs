//! Leases: which executors are alive, by the clock of the database.

use super::row::Identity;
use super::sql::{Param, Row, params};
use super::{Store, StoreResult};

/// The parameters: executor, application, version, token, length.
macro_rules! insert {
    ($executor:literal, $application:literal, $version:literal, $token:literal, $length:literal,
     $conflict:expr) => {
        concat!(
            "INSERT INTO dbos.durable_executors (executor_id, application_name, application_version,
                 lease_token, lease_until_epoch_ms, started_at_epoch_ms)
             VALUES (",
            $executor,
            ", ",
            $application,
            ", ",
            $version,
            ", ",
            $token,
            ", {now} + ",
            $length,
            ", {now})
             ON CONFLICT (executor_id, application_name, application_version) DO UPDATE
             SET lease_token = excluded.lease_token,
                 lease_until_epoch_ms = excluded.lease_until_epoch_ms",
            $conflict
        )
    };
}

const ACQUIRE: &str = insert!(
    "$1",
    "$2",
    "$3",
    "$4",
    "$5",
    ", started_at_epoch_ms = excluded.started_at_epoch_ms
     RETURNING 1"
);

/// Ours, or one that ran out, or none at all: but never another's that is alive. With it, what there is to know of the
/// other executors of this application and version.
macro_rules! renew {
    ($executor:literal, $application:literal, $version:literal, $token:literal, $length:literal,
     $more:expr) => {
        $crate::store::lease::insert!(
            $executor,
            $application,
            $version,
            $token,
            $length,
            concat!(
                " WHERE durable_executors.lease_token = excluded.lease_token
                     OR durable_executors.lease_until_epoch_ms <= {now}
                  RETURNING
                      (SELECT count(*) FROM dbos.durable_executors other
                       WHERE other.application_name = ",
                $application,
                "        AND other.application_version = ",
                $version,
                "        AND other.executor_id <> ",
                $executor,
                "        AND other.lease_until_epoch_ms <= {now}),
                      (SELECT min(other.lease_until_epoch_ms) - {now} FROM dbos.durable_executors other
                       WHERE other.application_name = ",
                $application,
                "        AND other.application_version = ",
                $version,
                "        AND other.executor_id <> ",
                $executor,
                "        AND other.lease_until_epoch_ms > {now})",
                $more
            )
        )
    };
}
pub(super) use {insert, renew};

const RENEW: &str = renew!("$1", "$2", "$3", "$4", "$5", "");

const RELEASE: &str = "
    UPDATE dbos.durable_executors SET lease_until_epoch_ms = {now}
    WHERE executor_id = $1 AND application_name = $2 AND application_version = $3
      AND lease_token = $4";

/// So many at a time, that the lease of who does it is renewed in between. Survivors pass each other by.
const TAKE_OVER: &str = "
    WITH left_behind AS (
        SELECT workflow_uuid FROM dbos.workflow_status
        WHERE status = 'PENDING' AND application_version = $3
          AND COALESCE(application_name, '') = $2
          AND executor_id IN (
              SELECT e.executor_id FROM dbos.durable_executors e
              WHERE e.application_name = $2 AND e.application_version = $3
                AND e.executor_id <> $1 AND e.lease_until_epoch_ms <= {now})
        LIMIT 2000 {pg:FOR UPDATE SKIP LOCKED})
    UPDATE dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
        queue_name = COALESCE(queue_name, '_dbos_internal_queue'), updated_at = {now}
    WHERE workflow_uuid IN (SELECT workflow_uuid FROM left_behind)
    RETURNING queue_name";
/// As many as that.
pub(crate) const TAKE_OVER_BATCH: usize = 2000;

/// A lease that ran out is kept for a while after its last workflow was taken over: a claim of its executor may have
/// been on its way.
const FORGET: &str = "
    DELETE FROM dbos.durable_executors
    WHERE lease_until_epoch_ms <= {now} - 60000
      AND NOT EXISTS (
          SELECT 1 FROM dbos.workflow_status s
          WHERE s.status = 'PENDING' AND s.executor_id = durable_executors.executor_id
            AND s.application_version = durable_executors.application_version
            AND COALESCE(s.application_name, '') = durable_executors.application_name)";

const LOST: &str = "
    SELECT value ->> 0 FROM {rows:$1}
    WHERE NOT EXISTS (SELECT 1 FROM dbos.workflow_status s
                      WHERE s.workflow_uuid = value ->> 0 AND s.owner_xid = value ->> 1)";

/// What a renewal tells of the other executors of the application and version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Others {
    /// How many leases have run out.
    pub(crate) dead: i64,
    /// In how many milliseconds the next one runs out, unless it is renewed.
    pub(crate) next_ms: Option<i64>,
}

impl Others {
    /// From the first columns of a renewal.
    pub(super) fn read(row: &mut Row) -> StoreResult<Self> {
        Ok(Self {
            dead: row.take(0)?,
            next_ms: row.take(1)?,
        })
    }
}

impl dyn Store {
    /// Takes the lease of this identity, whoever has it, for `length_ms`. `token` is this process.
    pub(crate) async fn acquire_lease(
        &self,
        identity: &Identity,
        token: &str,
        length_ms: i64,
    ) -> StoreResult<()> {
        let mut params = key(identity, token);
        params.push(Param::Int(Some(length_ms)));
        self.write_reserved("take a lease", ACQUIRE, params).await?;
        Ok(())
    }

    /// Lengthens the lease; takes a new one if it ran out or is gone. `None` when another process has it.
    pub(crate) async fn renew_lease(
        &self,
        identity: &Identity,
        token: &str,
        length_ms: i64,
    ) -> StoreResult<Option<Others>> {
        let mut params = key(identity, token);
        params.push(Param::Int(Some(length_ms)));
        let rows = self.write_reserved("renew a lease", RENEW, params).await?;
        let row = rows.into_iter().next();
        row.map(|mut row| Others::read(&mut row)).transpose()
    }

    /// Ends the lease now, if this process has it.
    pub(crate) async fn release_lease(&self, identity: &Identity, token: &str) -> StoreResult<()> {
        let params = key(identity, token);
        self.write_reserved("release a lease", RELEASE, params)
            .await?;
        Ok(())
    }

    /// Puts workflows of executors whose lease ran out back on their queues, [`TAKE_OVER_BATCH`] at most, and tells the
    /// queues, one for each workflow. Never across applications or versions; who never had a lease is left alone.
    pub(crate) async fn take_over(&self, identity: &Identity) -> StoreResult<Vec<String>> {
        let application = identity.application_name.as_deref().unwrap_or_default();
        let version = &identity.application_version;
        let params = params![&identity.executor_id, application, version];
        let rows = self
            .write_reserved("take workflows over", TAKE_OVER, params)
            .await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Removes leases that ran out and have nothing left.
    pub(crate) async fn forget_leases(&self) -> StoreResult<()> {
        self.write_reserved("remove leases", FORGET, params![])
            .await?;
        Ok(())
    }

    /// Those of the executions, given as workflow id and token, that no longer own their workflow.
    pub(crate) async fn lost(&self, executions: &[(&str, &str)]) -> StoreResult<Vec<String>> {
        let pairs = executions.iter();
        let pairs: Vec<_> = pairs
            .map(|(id, token)| serde_json::json!([id, token]))
            .collect();
        let intent = "look who owns workflows";
        let rows = self.read(intent, LOST, params![pairs]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }
}

fn key(identity: &Identity, token: &str) -> Vec<Param> {
    let application = identity.application_name.as_deref().unwrap_or_default();
    params![
        &identity.executor_id,
        application,
        &identity.application_version,
        token
    ]
}
