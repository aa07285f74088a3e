"""The `dbos` command on a database that the worker runs on."""

from driver import APP, VERSION, alone, holds, same

WORKFLOW_KEYS = """
    workflow_id status name recovery_attempts config_name class_name authenticated_user
    authenticated_roles assumed_role queue_name executor_id created_at updated_at app_version app_id
    workflow_deadline_epoch_ms workflow_timeout_ms deduplication_id priority queue_partition_key
    forked_from parent_workflow_id dequeued_at delay_until_epoch_ms was_forked_from completed_at
    attributes schedule_name application_name shard_key parent_shard_key input output error
""".split()
STEP_KEYS = """
    function_id function_name output error child_workflow_id child_shard_key started_at_epoch_ms
    completed_at_epoch_ms
""".split()


def check_get_and_steps(world):
    """Every key is there, and says of the worker's rows what it says of Python's own.

    Rules: I6, N1
    """
    id = world.run("steps3", 1, pause_ms=0)
    shown = world.dbos("workflow", "get", id)
    same("keys", sorted(shown), sorted(WORKFLOW_KEYS))
    wanted = {
        "workflow_id": id,
        "status": "SUCCESS",
        "name": "steps3",
        "recovery_attempts": 1,
        "class_name": None,
        "queue_name": "q",
        "executor_id": "local",
        "app_version": VERSION,
        "application_name": APP,
        "priority": 0,
        "was_forked_from": False,
        "input": {"args": [1], "kwargs": {"pause_ms": 0}},
        "output": 4,
        "error": None,
        "parent_workflow_id": None,
    }
    same("shown", {key: shown[key] for key in wanted}, wanted)
    for key in ("created_at", "updated_at", "dequeued_at", "completed_at"):
        holds(f"{key} is a time in ms", isinstance(shown[key], int) and shown[key] > 1e12)
    steps = world.dbos("workflow", "steps", id)
    for step in steps:
        same("keys of a step", sorted(step), sorted(STEP_KEYS))
    got = [(step["function_id"], step["function_name"], step["output"]) for step in steps]
    same("steps", got, [(1, "s1", 2), (2, "s2", 3), (3, "s3", 4)])


def check_errors_are_messages(world):
    """An error is its message, for a workflow and for a step.

    Rules: F6
    """
    shown = world.dbos("workflow", "get", world.run("fail", "boom"))
    got = (shown["status"], shown["error"], shown["output"])
    same("shown", got, ("ERROR", "boom", None))
    (step,) = world.dbos("workflow", "steps", world.run("retry", 3))
    holds(
        f"the step's error {step['error']!r}", "flaky" in step["error"] and step["output"] is None
    )
    world.dbos("workflow", "get", world.id("nobody"), fails=True)


def check_list(world):
    """Rules: I1, I3"""
    id = world.run("echo", options={"authenticated_user": world.id("user")})
    user = world.row(id)["authenticated_user"]
    listed = world.dbos(
        "workflow", "list", "-u", user, "-S", "SUCCESS", "-n", "echo", "-a", APP, "-v", VERSION
    )
    same("listed", [shown["workflow_id"] for shown in listed], [id])
    same("keys", sorted(listed[0]), sorted(WORKFLOW_KEYS))
    queue = world.id("nowhere")
    waiting = world.enqueue("echo", queue=queue)
    listed = world.dbos("workflow", "queue", "list", "-q", queue)
    same(
        "queued",
        [(shown["workflow_id"], shown["status"]) for shown in listed],
        [(waiting, "ENQUEUED")],
    )
    world.client.cancel_workflow(waiting)


def check_cancel_and_resume(world):
    """Rules: M1, M3, M5"""
    id = world.enqueue("send_test", "t")
    world.becomes(id, "PENDING")
    world.dbos("workflow", "cancel", id)
    same("status", world.status(id), "CANCELLED")
    same("shown", world.dbos("workflow", "get", id)["status"], "CANCELLED")
    world.dbos("workflow", "resume", id)
    world.client.send(id, "v", "t")
    same("result", world.result(id), "v")
    same("attempts", world.row(id)["recovery_attempts"], 1)


def check_fork(world):
    """Without a version the fork is of none, and the latest runs it.

    Rules: M8, M9, M11, N1
    """
    source, id = world.run("steps3", 10), world.id("fork")
    shown = world.dbos("workflow", "fork", source, "-S", "3", "-f", id)
    got = (shown["workflow_id"], shown["forked_from"], shown["app_version"])
    holds(f"fork {got}", got[:2] == (id, source) and got[2] in (None, VERSION))
    same("result", world.result(id), 13)
    same("effects", world.effects(id), ["s3"])
    same("version", world.row(id)["application_version"], VERSION)
    shown = world.dbos("workflow", "fork", source, "-v", VERSION)
    same("result", world.result(shown["workflow_id"]), 13)
    same("effects", world.effects(shown["workflow_id"]), ["s1", "s2", "s3"])


@alone
def check_rename_application(world):
    """After a rename the worker goes on under the new name, queues, versions and rows in hand.

    Rules: V1, V9, V8
    """
    worker = world.worker()
    id = world.enqueue("steps3", 1, 1000)
    world.begun(id, "s2")
    worker.kill()
    world.dbos("rename-application", "--from", APP, "--to", "new-app", "-y")
    world.worker(app="new-app")
    same("result", world.result(id), 4)
    same("application", world.row(id)["application_name"], "new-app")
    same("effects", world.effects(id), ["s1", "s2", "s2", "s3"])
