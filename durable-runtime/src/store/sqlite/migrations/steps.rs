//! The changes from version 100 to this crate's, by their shared numbers.
//!
//! 105 and 113 rewrite a stored function and have no counterpart here.

/// One numbered change of the schema.
pub(super) struct Step {
    pub(super) version: i64,
    pub(super) sql: &'static str,
}

const fn step(version: i64, sql: &'static str) -> Step {
    Step { version, sql }
}

pub(super) const STEPS: &[Step] = &[
    step(
        101,
        "ALTER TABLE queues ADD COLUMN application_name TEXT DEFAULT NULL",
    ),
    step(
        102,
        "ALTER TABLE workflow_schedules ADD COLUMN application_name TEXT DEFAULT NULL",
    ),
    step(
        103,
        "ALTER TABLE application_versions ADD COLUMN application_name TEXT DEFAULT NULL",
    ),
    step(
        104,
        "ALTER TABLE operation_outputs ADD COLUMN application_name TEXT DEFAULT NULL",
    ),
    step(
        106,
        "CREATE UNIQUE INDEX IF NOT EXISTS uq_application_versions_owner_version
             ON application_versions (application_name, version_name)
             WHERE application_name IS NOT NULL",
    ),
    step(
        107,
        "CREATE UNIQUE INDEX IF NOT EXISTS uq_application_versions_unclaimed_version
             ON application_versions (version_name)
             WHERE application_name IS NULL",
    ),
    step(
        108,
        "ALTER TABLE queues ADD COLUMN partition_concurrency INTEGER DEFAULT NULL;
         ALTER TABLE queues ADD COLUMN partition_worker_concurrency INTEGER DEFAULT NULL;
         ALTER TABLE queues ADD COLUMN partition_rate_limit_max INTEGER DEFAULT NULL;
         ALTER TABLE queues ADD COLUMN partition_rate_limit_period_sec REAL DEFAULT NULL",
    ),
    step(
        109,
        "CREATE TABLE IF NOT EXISTS workflow_input (
             workflow_uuid TEXT NOT NULL PRIMARY KEY,
             inputs TEXT,
             retention_timestamp INTEGER NOT NULL
                 DEFAULT (strftime('%s', 'now') * 1000 + substr(strftime('%f', 'now'), 4))
         );
         CREATE TABLE IF NOT EXISTS workflow_output (
             workflow_uuid TEXT NOT NULL PRIMARY KEY,
             output TEXT,
             error TEXT,
             retention_timestamp INTEGER NOT NULL
                 DEFAULT (strftime('%s', 'now') * 1000 + substr(strftime('%f', 'now'), 4))
         );
         CREATE INDEX IF NOT EXISTS idx_workflow_input_retention
             ON workflow_input (retention_timestamp);
         CREATE INDEX IF NOT EXISTS idx_workflow_output_retention
             ON workflow_output (retention_timestamp)",
    ),
    // SQLite adds no column whose default is computed; 112 gives it its default.
    step(
        110,
        "ALTER TABLE operation_outputs ADD COLUMN retention_timestamp INTEGER",
    ),
    step(
        111,
        "CREATE INDEX IF NOT EXISTS idx_operation_outputs_retention
             ON operation_outputs (retention_timestamp)",
    ),
    // SQLite drops no foreign key: the table is made anew without it.
    step(
        112,
        "ALTER TABLE operation_outputs RENAME TO operation_outputs_before;
         CREATE TABLE operation_outputs (
             workflow_uuid TEXT NOT NULL,
             function_id INTEGER NOT NULL,
             function_name TEXT NOT NULL DEFAULT '',
             output TEXT,
             error TEXT,
             child_workflow_id TEXT,
             started_at_epoch_ms INTEGER,
             completed_at_epoch_ms INTEGER,
             serialization TEXT,
             application_name TEXT DEFAULT NULL,
             retention_timestamp INTEGER NOT NULL
                 DEFAULT (strftime('%s', 'now') * 1000 + substr(strftime('%f', 'now'), 4)),
             PRIMARY KEY (workflow_uuid, function_id)
         );
         INSERT INTO operation_outputs
             SELECT workflow_uuid, function_id, function_name, output, error, child_workflow_id,
                    started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name,
                    coalesce(
                        retention_timestamp,
                        strftime('%s', 'now') * 1000 + substr(strftime('%f', 'now'), 4)
                    )
             FROM operation_outputs_before;
         DROP TABLE operation_outputs_before;
         CREATE INDEX idx_operation_outputs_retention ON operation_outputs (retention_timestamp);
         CREATE INDEX idx_operation_outputs_completed_at_function_name
             ON operation_outputs (completed_at_epoch_ms, function_name)",
    ),
    step(114, "DROP INDEX IF EXISTS idx_notifications"),
    step(
        115,
        "CREATE INDEX IF NOT EXISTS idx_workflow_status_in_flight_v2
             ON workflow_status (queue_name, status, priority, created_at, application_name)
             WHERE status IN ('ENQUEUED', 'PENDING')",
    ),
    step(116, "DROP INDEX IF EXISTS idx_workflow_status_in_flight"),
    step(
        117,
        "CREATE INDEX IF NOT EXISTS idx_workflow_status_partition_dequeue_v3
             ON workflow_status (
                 queue_name, status, queue_partition_key, priority, created_at, workflow_uuid,
                 application_name
             )
             WHERE status IN ('ENQUEUED', 'PENDING') AND queue_partition_key IS NOT NULL",
    ),
    step(
        118,
        "DROP INDEX IF EXISTS idx_workflow_status_partition_dequeue_v2",
    ),
    step(
        119,
        "CREATE INDEX IF NOT EXISTS idx_operation_outputs_completed_at_function_name_v2
             ON operation_outputs (completed_at_epoch_ms, function_name, application_name)",
    ),
    step(
        120,
        "DROP INDEX IF EXISTS idx_operation_outputs_completed_at_function_name",
    ),
    step(
        121,
        "ALTER TABLE notifications ADD COLUMN consumed_by_function_id INTEGER",
    ),
    step(
        122,
        "CREATE INDEX IF NOT EXISTS idx_workflow_status_deadline
             ON workflow_status (workflow_deadline_epoch_ms)
             WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')
               AND workflow_deadline_epoch_ms IS NOT NULL",
    ),
    step(
        123,
        "ALTER TABLE workflow_status ADD COLUMN creator_xid TEXT DEFAULT NULL",
    ),
    step(
        124,
        "CREATE INDEX IF NOT EXISTS idx_application_versions_timestamp
             ON application_versions (version_timestamp DESC)",
    ),
    step(
        125,
        "CREATE INDEX IF NOT EXISTS idx_application_versions_owner_timestamp
             ON application_versions (application_name, version_timestamp DESC)",
    ),
];
