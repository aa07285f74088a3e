//! The machines of deployed versions: what a version's code looked like, kept once, when it is launched.

use serde_json::json;

use super::sql::params;
use super::{Store, StoreResult, Transaction};
use crate::error::StoreError;
use crate::machine::{DeployedMachine, Machine, MachineFilter};

const KEEP: &str = "
    INSERT INTO dbos.durable_machines (application_version, class_name, workflow_name, code_hash,
        machine, recorded_at_epoch_ms)
    SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, {now} FROM {rows:$2} WHERE TRUE
    ON CONFLICT DO NOTHING";

/// The code that made a record: of a run, or of what it is a fork of, whose records it took over. A version that is
/// pinned may have had several codes; the newest that was launched before the record made it. Where the clock of who
/// made it is behind the database's, it may seem to be older than its code: by some seconds it may be.
const OF_RUN: &str = "
    WITH RECURSIVE origins (id, source, version, depth) AS (
        SELECT workflow_uuid, forked_from, application_version, 0
        FROM dbos.workflow_status WHERE workflow_uuid = $1
        UNION ALL
        SELECT s.workflow_uuid, s.forked_from, s.application_version, origins.depth + 1
        FROM origins JOIN dbos.workflow_status s ON s.workflow_uuid = origins.source
        WHERE origins.depth < 20),
    run AS (
        SELECT s.name, COALESCE(s.class_name, '') AS class_name,
               COALESCE((SELECT max(o.started_at_epoch_ms) FROM dbos.operation_outputs o
                         WHERE o.workflow_uuid = $1 AND o.function_id = COALESCE($2, o.function_id)),
                        s.created_at) AS recorded_at
        FROM dbos.workflow_status s WHERE s.workflow_uuid = $1)
    SELECT m.application_version, m.machine
    FROM run JOIN dbos.durable_machines m ON m.workflow_name = run.name AND m.class_name = run.class_name
    WHERE m.application_version IN (SELECT version FROM origins)
      AND m.recorded_at_epoch_ms <= run.recorded_at + 10000
    ORDER BY CASE WHEN m.recorded_at_epoch_ms <= run.recorded_at THEN 0 ELSE 1 END,
             CASE WHEN m.recorded_at_epoch_ms <= run.recorded_at THEN -m.recorded_at_epoch_ms
                  ELSE m.recorded_at_epoch_ms END
    LIMIT 1";

const LIST: &str = "
    SELECT application_version, machine, recorded_at_epoch_ms FROM dbos.durable_machines
    WHERE application_version = COALESCE($1, application_version)
      AND workflow_name = COALESCE($2, workflow_name)
    ORDER BY recorded_at_epoch_ms, application_version, class_name, workflow_name, code_hash";

/// A machine as it is kept.
#[derive(Debug)]
pub(crate) struct KeptMachine {
    pub(crate) class: Option<&'static str>,
    pub(crate) name: &'static str,
    /// The hash of the code.
    pub(crate) code: &'static str,
    /// The machine, as JSON.
    pub(crate) text: String,
}

/// The code that made a record.
#[derive(Debug)]
pub(crate) struct RunMachine {
    pub(crate) application_version: String,
    pub(crate) machine: Machine,
}

/// Keeps the machines of a version, all in one statement. What is kept already stays as it is.
pub(super) async fn keep(
    transaction: &mut Transaction,
    intent: &'static str,
    version: &str,
    machines: &[KeptMachine],
) -> StoreResult<()> {
    let rows: Vec<_> = machines
        .iter()
        .map(|it| json!([it.class.unwrap_or_default(), it.name, it.code, it.text]))
        .collect();
    if !rows.is_empty() {
        transaction
            .query(intent, KEEP, params![version, rows])
            .await?;
    }
    Ok(())
}

impl dyn Store {
    /// The machine of the code that made the record of a run at a position, or its last one.
    pub(crate) async fn machine_of(
        &self,
        workflow_id: &str,
        position: Option<i32>,
    ) -> StoreResult<Option<RunMachine>> {
        let params = params![workflow_id, position];
        let rows = self
            .read("look for the machine of a workflow", OF_RUN, params)
            .await?;
        let machine = rows.into_iter().next().map(|mut row| {
            let application_version: String = row.take(0)?;
            let machine = read(&application_version, &row.take::<String>(1)?)?;
            Ok(RunMachine {
                application_version,
                machine,
            })
        });
        machine.transpose()
    }

    /// The machines that were deployed, the oldest first.
    pub(crate) async fn machines(
        &self,
        filter: &MachineFilter,
    ) -> StoreResult<Vec<DeployedMachine>> {
        let params = params![&filter.version, &filter.name];
        let rows = self.read("list deployed machines", LIST, params).await?;
        let deployed = rows.into_iter().map(|mut row| {
            let application_version: String = row.take(0)?;
            let machine = read(&application_version, &row.take::<String>(1)?)?;
            Ok(DeployedMachine {
                machine,
                recorded_at_ms: row.take(2)?,
                application_version,
            })
        });
        deployed.collect()
    }
}

fn read(version: &str, text: &str) -> StoreResult<Machine> {
    serde_json::from_str(text).map_err(|reason| StoreError::Machine {
        version: version.to_owned(),
        reason: reason.to_string(),
    })
}
