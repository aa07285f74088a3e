CREATE OR REPLACE FUNCTION dbos.enqueue_workflow(
    workflow_name text,
    queue_name text,
    positional_args json[] DEFAULT ARRAY[]::json[],
    named_args json DEFAULT '{}'::json,
    class_name text DEFAULT NULL,
    config_name text DEFAULT NULL,
    workflow_id text DEFAULT NULL,
    app_version text DEFAULT NULL,
    timeout_ms bigint DEFAULT NULL,
    deadline_epoch_ms bigint DEFAULT NULL,
    deduplication_id text DEFAULT NULL,
    priority integer DEFAULT NULL,
    queue_partition_key text DEFAULT NULL,
    authenticated_user text DEFAULT NULL,
    authenticated_roles text DEFAULT NULL,
    delay_until_epoch_ms bigint DEFAULT NULL,
    application_name text DEFAULT NULL
) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    new_id text := coalesce(workflow_id, gen_random_uuid()::text);
    moment bigint := extract(epoch FROM now()) * 1000;
    arguments text := json_build_object('positionalArgs', positional_args, 'namedArgs', named_args);
BEGIN
    CASE
        WHEN coalesce(workflow_name, '') = '' THEN
            RAISE EXCEPTION 'Workflow name cannot be null or empty';
        WHEN coalesce(queue_name, '') = '' THEN
            RAISE EXCEPTION 'Queue name cannot be null or empty';
        WHEN jsonb_typeof(named_args::jsonb) <> 'object' THEN
            RAISE EXCEPTION 'Named args must be a JSON object';
        WHEN workflow_id = '' THEN
            RAISE EXCEPTION 'Workflow ID cannot be an empty string if provided.';
        WHEN delay_until_epoch_ms < 0 THEN
            RAISE EXCEPTION 'delay_until_epoch_ms must be >= 0';
        ELSE NULL;
    END CASE;

    INSERT INTO dbos.workflow_status (
        workflow_uuid, status, name, class_name, config_name, application_name,
        application_version, queue_name, queue_partition_key, deduplication_id, priority,
        delay_until_epoch_ms, workflow_timeout_ms, workflow_deadline_epoch_ms,
        authenticated_user, authenticated_roles, serialization, recovery_attempts, owner_xid,
        created_at, updated_at
    ) VALUES (
        new_id, CASE WHEN delay_until_epoch_ms IS NULL THEN 'ENQUEUED' ELSE 'DELAYED' END,
        workflow_name, class_name, config_name, application_name,
        app_version, queue_name, queue_partition_key, deduplication_id, coalesce(priority, 0),
        delay_until_epoch_ms, timeout_ms, deadline_epoch_ms,
        authenticated_user, authenticated_roles, 'portable_json', 0, gen_random_uuid()::text,
        moment, moment
    )
    ON CONFLICT (workflow_uuid) DO UPDATE SET updated_at = EXCLUDED.updated_at;

    INSERT INTO dbos.workflow_input (workflow_uuid, inputs, retention_timestamp)
    VALUES (new_id, arguments, moment)
    ON CONFLICT (workflow_uuid) DO NOTHING;

    RETURN new_id;
EXCEPTION
    WHEN unique_violation THEN
        RAISE unique_violation USING
            MESSAGE = 'DBOS queue duplicated',
            DETAIL = format(
                'Workflow %s: queue %s already holds a workflow with deduplication ID %s.',
                new_id, queue_name, deduplication_id
            );
END
$body$;
