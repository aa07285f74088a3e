DROP INDEX dbos.idx_application_versions_owner_timestamp;
DROP INDEX dbos.idx_application_versions_timestamp;
ALTER TABLE dbos.workflow_status DROP COLUMN creator_xid;
DROP INDEX dbos.idx_workflow_status_deadline;
ALTER TABLE dbos.notifications DROP COLUMN consumed_by_function_id;

DROP INDEX dbos.idx_operation_outputs_completed_at_function_name_v2;
CREATE INDEX idx_operation_outputs_completed_at_function_name
    ON dbos.operation_outputs (completed_at_epoch_ms, function_name);
DROP INDEX dbos.idx_workflow_status_partition_dequeue_v3;
CREATE INDEX idx_workflow_status_partition_dequeue_v2
    ON dbos.workflow_status
        (queue_name, status, queue_partition_key, priority, created_at, workflow_uuid)
    WHERE status IN ('ENQUEUED', 'PENDING') AND queue_partition_key IS NOT NULL;
DROP INDEX dbos.idx_workflow_status_in_flight_v2;
CREATE INDEX idx_workflow_status_in_flight
    ON dbos.workflow_status (queue_name, status, priority, created_at)
    WHERE status IN ('ENQUEUED', 'PENDING');
CREATE INDEX idx_notifications ON dbos.notifications (destination_uuid, topic);

ALTER TABLE dbos.operation_outputs
    DROP COLUMN retention_timestamp,
    DROP COLUMN application_name,
    ADD FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status (workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE;
DROP TABLE dbos.workflow_output, dbos.workflow_input;
ALTER TABLE dbos.queues
    DROP COLUMN partition_rate_limit_period_sec,
    DROP COLUMN partition_rate_limit_max,
    DROP COLUMN partition_worker_concurrency,
    DROP COLUMN partition_concurrency,
    DROP COLUMN application_name;
DROP INDEX dbos.uq_application_versions_unclaimed_version;
DROP INDEX dbos.uq_application_versions_owner_version;
ALTER TABLE dbos.application_versions DROP COLUMN application_name;
ALTER TABLE dbos.workflow_schedules DROP COLUMN application_name;

DROP FUNCTION dbos.enqueue_workflow;
CREATE FUNCTION dbos.enqueue_workflow(
    workflow_name text, queue_name text, json[], json, text, text, text, text, bigint, bigint,
    text, integer, text, text, text, bigint
) RETURNS text LANGUAGE sql AS 'SELECT workflow_name';
UPDATE dbos.dbos_migrations SET version = 100;
