DROP INDEX idx_application_versions_owner_timestamp;
DROP INDEX idx_application_versions_timestamp;
ALTER TABLE workflow_status DROP COLUMN creator_xid;
DROP INDEX idx_workflow_status_deadline;
ALTER TABLE notifications DROP COLUMN consumed_by_function_id;

DROP INDEX idx_workflow_status_partition_dequeue_v3;
CREATE INDEX idx_workflow_status_partition_dequeue_v2
    ON workflow_status
        (queue_name, status, queue_partition_key, priority, created_at, workflow_uuid)
    WHERE status IN ('ENQUEUED', 'PENDING') AND queue_partition_key IS NOT NULL;
DROP INDEX idx_workflow_status_in_flight_v2;
CREATE INDEX idx_workflow_status_in_flight
    ON workflow_status (queue_name, status, priority, created_at)
    WHERE status IN ('ENQUEUED', 'PENDING');
CREATE INDEX idx_notifications ON notifications (destination_uuid, topic);

DROP TABLE operation_outputs;
CREATE TABLE operation_outputs (
    workflow_uuid TEXT NOT NULL
        REFERENCES workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id)
);
CREATE INDEX idx_operation_outputs_completed_at_function_name
    ON operation_outputs (completed_at_epoch_ms, function_name);

DROP TABLE workflow_output;
DROP TABLE workflow_input;
ALTER TABLE queues DROP COLUMN partition_rate_limit_period_sec;
ALTER TABLE queues DROP COLUMN partition_rate_limit_max;
ALTER TABLE queues DROP COLUMN partition_worker_concurrency;
ALTER TABLE queues DROP COLUMN partition_concurrency;
DROP INDEX uq_application_versions_unclaimed_version;
DROP INDEX uq_application_versions_owner_version;
ALTER TABLE application_versions DROP COLUMN application_name;
ALTER TABLE workflow_schedules DROP COLUMN application_name;
ALTER TABLE queues DROP COLUMN application_name;
UPDATE dbos_migrations SET version = 100;
