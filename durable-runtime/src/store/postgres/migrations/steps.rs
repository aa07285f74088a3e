//! The changes from version 100 to this crate's, by their shared numbers.

use super::ENQUEUE_WORKFLOW;

/// One numbered change of the schema.
pub(super) struct Step {
    pub(super) version: i64,
    /// Builds or drops an index without blocking writers: exactly one statement, outside any
    /// transaction.
    pub(super) online: bool,
    pub(super) sql: &'static str,
}

const fn step(version: i64, sql: &'static str) -> Step {
    Step {
        version,
        online: false,
        sql,
    }
}

const fn online(version: i64, sql: &'static str) -> Step {
    Step {
        version,
        online: true,
        sql,
    }
}

pub(super) const STEPS: &[Step] = &[
    step(
        101,
        "ALTER TABLE dbos.queues ADD COLUMN IF NOT EXISTS application_name text",
    ),
    step(
        102,
        "ALTER TABLE dbos.workflow_schedules ADD COLUMN IF NOT EXISTS application_name text",
    ),
    step(
        103,
        "ALTER TABLE dbos.application_versions ADD COLUMN IF NOT EXISTS application_name text",
    ),
    step(
        104,
        "ALTER TABLE dbos.operation_outputs ADD COLUMN IF NOT EXISTS application_name text",
    ),
    step(105, include_str!("105_enqueue_workflow.sql")),
    step(
        106,
        "CREATE UNIQUE INDEX IF NOT EXISTS uq_application_versions_owner_version
             ON dbos.application_versions (application_name, version_name)
             WHERE application_name IS NOT NULL",
    ),
    online(
        107,
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_application_versions_unclaimed_version
             ON dbos.application_versions (version_name)
             WHERE application_name IS NULL",
    ),
    step(
        108,
        "ALTER TABLE dbos.queues
             ADD COLUMN IF NOT EXISTS partition_concurrency integer,
             ADD COLUMN IF NOT EXISTS partition_worker_concurrency integer,
             ADD COLUMN IF NOT EXISTS partition_rate_limit_max integer,
             ADD COLUMN IF NOT EXISTS partition_rate_limit_period_sec double precision",
    ),
    step(
        109,
        "CREATE TABLE IF NOT EXISTS dbos.workflow_input (
             workflow_uuid text PRIMARY KEY,
             inputs text,
             retention_timestamp bigint NOT NULL
                 DEFAULT (extract(epoch FROM now()) * 1000.0)::bigint
         );
         CREATE TABLE IF NOT EXISTS dbos.workflow_output (
             workflow_uuid text PRIMARY KEY,
             output text,
             error text,
             retention_timestamp bigint NOT NULL
                 DEFAULT (extract(epoch FROM now()) * 1000.0)::bigint
         );
         CREATE INDEX IF NOT EXISTS idx_workflow_input_retention
             ON dbos.workflow_input (retention_timestamp);
         CREATE INDEX IF NOT EXISTS idx_workflow_output_retention
             ON dbos.workflow_output (retention_timestamp)",
    ),
    step(
        110,
        "ALTER TABLE dbos.operation_outputs
             ADD COLUMN IF NOT EXISTS retention_timestamp bigint NOT NULL
                 DEFAULT (extract(epoch FROM now()) * 1000.0)::bigint",
    ),
    online(
        111,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_operation_outputs_retention
             ON dbos.operation_outputs (retention_timestamp)",
    ),
    // The constraint has two names, by the age of the SDK that made the table.
    step(
        112,
        "ALTER TABLE dbos.operation_outputs
             DROP CONSTRAINT IF EXISTS operation_outputs_workflow_uuid_fkey,
             DROP CONSTRAINT IF EXISTS operation_outputs_workflow_uuid_foreign",
    ),
    step(113, ENQUEUE_WORKFLOW),
    online(
        114,
        "DROP INDEX CONCURRENTLY IF EXISTS dbos.idx_notifications",
    ),
    online(
        115,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_workflow_status_in_flight_v2
             ON dbos.workflow_status (queue_name, status, priority, created_at)
             INCLUDE (application_name)
             WHERE status IN ('ENQUEUED', 'PENDING')",
    ),
    online(
        116,
        "DROP INDEX CONCURRENTLY IF EXISTS dbos.idx_workflow_status_in_flight",
    ),
    online(
        117,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_workflow_status_partition_dequeue_v3
             ON dbos.workflow_status
                 (queue_name, status, queue_partition_key, priority, created_at, workflow_uuid)
             INCLUDE (application_name)
             WHERE status IN ('ENQUEUED', 'PENDING') AND queue_partition_key IS NOT NULL",
    ),
    online(
        118,
        "DROP INDEX CONCURRENTLY IF EXISTS dbos.idx_workflow_status_partition_dequeue_v2",
    ),
    online(
        119,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_operation_outputs_completed_at_function_name_v2
             ON dbos.operation_outputs (completed_at_epoch_ms, function_name)
             INCLUDE (application_name)",
    ),
    online(
        120,
        "DROP INDEX CONCURRENTLY IF EXISTS dbos.idx_operation_outputs_completed_at_function_name",
    ),
    step(
        121,
        "ALTER TABLE dbos.notifications ADD COLUMN IF NOT EXISTS consumed_by_function_id integer",
    ),
    online(
        122,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_workflow_status_deadline
             ON dbos.workflow_status (workflow_deadline_epoch_ms)
             WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')
               AND workflow_deadline_epoch_ms IS NOT NULL",
    ),
    step(
        123,
        "ALTER TABLE dbos.workflow_status ADD COLUMN IF NOT EXISTS creator_xid text",
    ),
    online(
        124,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_application_versions_timestamp
             ON dbos.application_versions (version_timestamp DESC)",
    ),
    online(
        125,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_application_versions_owner_timestamp
             ON dbos.application_versions (application_name, version_timestamp DESC)",
    ),
];
