"""Cancel, resume, fork, rewind, delete, delay, list: what the Python client does to workflows that
the worker runs."""

import json
import time

from dbos import SetWorkflowID
from driver import APP, VERSION, holds, raises, same, stays, until


def check_cancel_stops_a_running_workflow(world):
    """The running step ends, the next does not begin, and the row is CANCELLED.

    Rules: M1, M3, R2, L8
    """
    id = world.enqueue("steps3", 1, 1500)
    world.begun(id, "s1")
    world.client.cancel_workflow(id)
    row = world.row(id)
    wanted = dict(status="CANCELLED", owner_xid=None, queue_name=None, started_at_epoch_ms=None)
    same("row", {name: row[name] for name in wanted}, wanted)
    holds("completed_at is set", row["completed_at"] is not None)
    error = world.failure(id)
    same("the client's error", type(error).__name__, "DBOSAwaitedWorkflowCancelledError")
    time.sleep(2)
    same("effects", world.effects(id), ["s1"])
    same("status later", world.status(id), "CANCELLED")
    same("no outcome", (world.row(id)["output"], world.row(id)["error"]), (None, None))


def check_cancel_of_what_has_not_begun(world):
    """A cancelled row that waits is never run; a missing id is nothing.

    Rules: M1, M4
    """
    id = world.enqueue("steps3", 1, options={"delay_seconds": 1.0})
    same("status", world.status(id), "DELAYED")
    world.client.cancel_workflow(id)
    world.client.cancel_workflow(world.id("nobody"))
    stays("CANCELLED", lambda: world.status(id) == "CANCELLED", 2.5)
    same("effects", world.effects(id), [])
    done = world.run("add", 1, 1)
    world.client.cancel_workflows([done])
    same("a finished one stays finished", world.status(done), "SUCCESS")


def check_cancel_with_children(world):
    """Children of children too, if asked for.

    Rules: M2
    """
    id = world.enqueue("parent", 2, True)
    for child in (f"{id}-1", f"{id}-2"):
        world.becomes(child, "PENDING")
    world.client.cancel_workflow(id, cancel_children=True)
    for each in (id, f"{id}-1", f"{id}-2"):
        same(f"status of {each}", world.status(each), "CANCELLED")
    count = len(world.steps(f"{id}-1"))
    time.sleep(0.5)
    count = len(world.steps(f"{id}-1"))
    stays("no steps", lambda: len(world.steps(f"{id}-1")) == count, 0.5)


def check_resume_goes_on_where_it_stopped(world):
    """Recorded steps are not run again.

    Rules: M5, M6, R4, T6
    """
    id = world.enqueue("steps3", 1, 400, options={"workflow_timeout": 60.0})
    world.begun(id, "s2")
    world.client.cancel_workflow(id)
    until("s1 is recorded", lambda: world.steps(id))
    time.sleep(0.8)
    before = world.effects(id)
    handle = world.client.resume_workflow(id)
    same("result", handle.get_result(polling_interval_sec=0.1), 4)
    same("s1 ran once", world.effects(id).count("s1"), 1)
    same("s3 ran once", world.effects(id).count("s3"), 1)
    same("effects before the resume", before, ["s1", "s2"])
    same("steps", world.step_names(id), [(1, "s1"), (2, "s2"), (3, "s3")])
    row = world.row(id)
    same(
        "attempts, queue",
        (row["recovery_attempts"], row["queue_name"]),
        (1, "_dbos_internal_queue"),
    )
    same(
        "version, timeout",
        (row["application_version"], row["workflow_timeout_ms"]),
        (VERSION, 60000),
    )


def check_resume_onto_a_queue(world):
    """Rules: M5"""
    queue = world.id("aside")
    id = world.enqueue("steps3", 1, options={"delay_seconds": 3600.0})
    world.client.resume_workflow(id, queue_name=queue)
    row = world.row(id)
    same("row", (row["status"], row["queue_name"]), ("ENQUEUED", queue))
    world.client.register_queue(queue, polling_interval_sec=0.1)
    same("result", world.result(id), 4)


def check_resume_of_ended_and_missing_ones(world):
    """What has an outcome keeps it; what is missing is an error.

    Rules: M5
    """
    done, failed = world.run("steps3", 1), world.run("fail", "x")
    world.client.resume_workflows([done, failed])
    stays("done stays done", lambda: world.status(done) == "SUCCESS", 1)
    same("failed stays failed", world.status(failed), "ERROR")
    same("effects", world.effects(done), ["s1", "s2", "s3"])
    raises(
        "a missing id",
        "DBOSNonExistentWorkflowError",
        lambda: world.client.resume_workflow(world.id("nobody")),
    )


def check_resume_of_a_running_workflow_fences_the_old_execution(world):
    """The execution that lost the row records nothing more; there is one outcome.

    Rules: M5, R6, L3, L4
    """
    id = world.enqueue("steps3", 1, 1500)
    world.begun(id, "s1")
    world.client.resume_workflow(id)
    row = world.succeeded(id)
    same("output", row["output"], "4")
    same("attempts", row["recovery_attempts"], 1)
    before = (world.row(id), world.steps(id))
    time.sleep(2)
    same("nothing changes afterwards", (world.row(id), world.steps(id)), before)
    same("steps", world.step_names(id), [(1, "s1"), (2, "s2"), (3, "s3")])


def check_resume_of_a_child_while_its_parent_waits(world):
    """A parent that waits goes on waiting when its child is resumed, and gets the outcome.

    Rules: M5, L8
    """
    id = world.enqueue("call_app", APP, "q", "steps3", [1, 800])
    child = f"{id}-1"
    world.begun(child, "s1")
    world.client.resume_workflow(child)
    same("result", world.result(id), 4)


def check_fork_from_each_step(world):
    """Step numbers count from 1: what lies before is copied, the rest runs.

    Rules: N1, M8, M9, M11
    """
    source = world.run("steps3", 10, options={"attributes": {"a": 1}, "authenticated_user": "ann"})
    steps = ["s1", "s2", "s3"]
    for start in (1, 2, 3, 4):
        id = world.id("fork")
        with SetWorkflowID(id):
            handle = world.client.fork_workflow(source, start)
        same("the fork's id", handle.get_workflow_id(), id)
        same("result", handle.get_result(polling_interval_sec=0.1), 13)
        same(f"effects of a fork from {start}", world.effects(id), steps[start - 1 :])
        same("steps", world.step_names(id), [(1, "s1"), (2, "s2"), (3, "s3")])
        row = world.row(id)
        got = (
            row["forked_from"],
            row["application_name"],
            row["authenticated_user"],
            row["priority"],
        )
        same("fork", got, (source, APP, "ann", 0))
        same("it ran in the latest version", row["application_version"], VERSION)
        status = handle.get_status()
        same("its attributes", status.attributes, {"a": 1})
    same("the source is marked", bool(world.row(source)["was_forked_from"]), True)
    same("the source ran once", world.effects(source), steps)


def check_fork_of_fork_test(world):
    """Rules: N1, M9"""
    source = world.run("fork_test", 5)
    for start, effects in ((1, 2), (2, 1)):
        handle = world.client.fork_workflow(source, start)
        same("result", handle.get_result(polling_interval_sec=0.1), 10)
        same("steps that ran", len(set(world.effects(handle.workflow_id))) <= effects, True)
        same("steps", world.step_names(handle.workflow_id), [(1, "txn"), (2, "step")])


def check_fork_copies_events_and_streams(world):
    """Rules: M9, E1, X1"""
    source = world.run("event_test", "k", "v", 0.1)
    handle = world.client.fork_workflow(source, 3)
    same("event right after the fork", world.client.get_event(handle.workflow_id, "k", 5), "v")
    handle.get_result(polling_interval_sec=0.1)
    same("event at the end", world.client.get_event(handle.workflow_id, "k", 5), "updated-v")
    source = world.run("stream_writer", "s", 5, True)
    handle = world.client.fork_workflow(source, 4)
    same("values", list(world.client.read_stream(handle.workflow_id, "s")), [0, 1, 2, 3, 4])


def check_fork_onto_a_queue_with_a_timeout(world):
    """Rules: M8, M12, T2"""
    queue = world.id("forks")
    source = world.run("sleeper", 1)
    handle = world.client.fork_workflow(
        source, 1, queue_name=queue, application_version=VERSION, timeout_seconds=50
    )
    row = world.row(handle.workflow_id)
    got = (row["status"], row["queue_name"], row["application_version"], row["workflow_timeout_ms"])
    same("fork", got, ("ENQUEUED", queue, VERSION, 50000))
    world.client.register_queue(queue, polling_interval_sec=0.1)
    world.succeeded(handle.workflow_id)
    holds("a deadline is set", world.row(handle.workflow_id)["workflow_deadline_epoch_ms"])
    raises(
        "a missing source",
        "DBOSNonExistentWorkflowError",
        lambda: world.client.fork_workflow(world.id("nobody"), 1),
    )


def check_fork_with_replaced_children(world):
    """The fork awaits the child that takes the old one's place.

    Rules: M10, R16
    """
    source = world.run("parent", 2)
    other = world.run("add", 20, 22)
    handle = world.client.fork_workflow(source, 3, replacement_children={f"{source}-1": other})
    same("result", handle.get_result(polling_interval_sec=0.1), [42, 2])


def check_rewind_runs_again_from_a_step(world):
    """Rules: M7, N1"""
    id = world.run("steps3", 1)
    raises("step 0", "ValueError", lambda: world.client.rewind_workflow(id, start_step=0))
    handle = world.client.rewind_workflow(id, start_step=2)
    same("result", handle.get_result(polling_interval_sec=0.1), 4)
    same("effects", world.effects(id), ["s1", "s2", "s3", "s2", "s3"])
    same("steps", world.step_names(id), [(1, "s1"), (2, "s2"), (3, "s3")])
    same("attempts", world.row(id)["recovery_attempts"], 1)
    handle = world.client.rewind_workflow(id)
    same("result", handle.get_result(polling_interval_sec=0.1), 4)
    same("from the start by default", world.effects(id)[5:], ["s1", "s2", "s3"])
    busy = world.enqueue("blocked_workflow")
    world.becomes(busy, "PENDING")
    raises("a running one", "DBOSException", lambda: world.client.rewind_workflow(busy))
    world.client.cancel_workflow(busy)


def check_rewind_of_a_failure_tries_again(world):
    """Rules: M7, S6"""
    id = world.run("retry", 3)
    world.client.rewind_workflow(id)
    world.ended(id)
    same("effects", world.effects(id), ["flaky"] * 6)
    same("status", world.status(id), "ERROR")


def check_rewind_restores_events_and_messages(world):
    """Rules: M7, E1, G2"""
    id = world.run("event_test", "k", "v", 0.5)
    world.client.rewind_workflow(id, start_step=3)
    world.succeeded(id)
    same("event", world.client.get_event(id, "k", 5), "updated-v")
    receiver = world.enqueue("send_test", "t")
    world.client.send(receiver, "first", "t")
    same("result", world.result(receiver), "first")
    world.client.rewind_workflow(receiver)
    world.becomes(receiver, "PENDING")
    world.client.send(receiver, "second", "t")
    same("the consumed message is gone", world.result(receiver), "second")


def check_delete_leaves_nothing(world):
    """Rules: M13"""
    id = world.run("event_test", "k", "v")
    stream = world.run("stream_writer", "s", 2)
    parent = world.run("parent", 2)
    world.client.delete_workflows([id, stream, world.id("nobody")])
    world.client.delete_workflow(parent, delete_children=True)
    for each in (id, stream, parent, f"{parent}-1", f"{parent}-2"):
        same("retrievable", world.gone(each), True)
        for table in (
            "workflow_status",
            "workflow_input",
            "workflow_output",
            "operation_outputs",
            "workflow_events",
            "workflow_events_history",
            "streams",
        ):
            rows = world.database.rows(f"SELECT * FROM {table} WHERE workflow_uuid = ?", each)
            same(f"{table} of {each}", rows, [])


def check_delete_of_a_running_workflow(world):
    """Its row does not come back, and the worker lives on.

    Rules: M13, X6, L4
    """
    ids = [world.enqueue("blocked_workflow"), world.enqueue("steps3", 1, 400)]
    for id in ids:
        world.becomes(id, "PENDING")
    world.client.delete_workflows(ids)
    # The client deletes steps before it deletes their workflow: one that is written in between stays behind.
    left = [world.steps(id) for id in ids]
    holds("no more than one step each is left", all(len(steps) <= 1 for steps in left))
    stays("deleted", lambda: all(world.status(id) is None for id in ids), 2)
    same("nothing came afterwards", [world.steps(id) for id in ids], left)
    same("afterwards", world.result(world.run("add", 1, 2)), 3)


def check_delay_can_be_changed(world):
    """Rules: M14, Q23"""
    id = world.enqueue("echo", options={"delay_seconds": 3600.0})
    holds("DELAYED", world.status(id) == "DELAYED" and world.row(id)["delay_until_epoch_ms"])
    world.client.set_workflow_delay(id, delay_seconds=0)
    world.succeeded(id)
    world.client.set_workflow_delay(id, delay_seconds=5)
    same("what has ended is left alone", world.status(id), "SUCCESS")
    id = world.enqueue("echo", options={"delay_seconds": 3600.0})
    world.client.set_workflow_delay(id, delay_until_epoch_ms=int(time.time() * 1000) + 300)
    world.succeeded(id)


def check_attributes_can_be_changed(world):
    """Rules: M15, W12"""
    id = world.run("echo", options={"attributes": {"a": 1, "b": 2}})
    attributes = lambda: world.client.retrieve_workflow(id).get_status().attributes
    world.client.update_workflow_attributes(id, {"b": 3, "c": None}, merge=True)
    got = attributes()
    same("merged", (got["a"], got["b"]), (1, 3))
    world.client.update_workflow_attributes(id, {"d": 4})
    same("replaced", attributes(), {"d": 4})
    world.client.update_workflow_attributes(id, None)
    same("cleared", attributes(), None)


def check_lists_find_what_the_worker_wrote(world):
    """Each filter of the client finds the worker's rows.

    Rules: I1, I2, I3, I4
    """
    id = world.enqueue("steps3", 7, options={"authenticated_user": world.id("user")})
    row = world.succeeded(id)
    fork = world.client.fork_workflow(id, 3)
    fork.get_result(polling_interval_sec=0.1)
    parent = world.run("parent", 1)
    client = world.client

    def found(**filters):
        return {status.workflow_id for status in client.list_workflows(**filters)}

    same("by id", found(workflow_ids=[id]), {id})
    same("by prefix", found(workflow_id_prefix=id), {id})
    same("by user", found(user=row["authenticated_user"]), {id, fork.workflow_id})
    same("by source", found(forked_from=id), {fork.workflow_id})
    same("by parent", found(parent_workflow_id=parent), {f"{parent}-1"})
    for filters in (
        dict(name="steps3"),
        dict(status="SUCCESS"),
        dict(app_version=VERSION),
        dict(executor_id="local"),
        dict(queue_name="q"),
        dict(application_name=APP),
        dict(was_forked_from=True),
        dict(is_fork=False),
        dict(has_parent=False),
    ):
        holds(f"{filters} finds it", id in found(**filters, workflow_id_prefix=id))
    same("not by another", found(name="echo", workflow_id_prefix=id), set())
    (status,) = client.list_workflows(workflow_ids=[id], load_input=False, load_output=False)
    same("not loaded", (status.input, status.output), (None, None))
    (status,) = client.list_workflows(workflow_ids=[id])
    same("input", status.input, {"args": (7,), "kwargs": {}})
    same("output", status.output, 10)
    same("executor, version", (status.executor_id, status.app_version), ("local", VERSION))


def check_steps_as_the_client_lists_them(world):
    """Rules: I6"""
    id = world.run("parent", 1)
    start, result = world.client.list_workflow_steps(id)
    same("start", (start["function_id"], start["function_name"]), (1, "add"))
    same("child", start["child_workflow_id"], f"{id}-1")
    same("result", (result["function_name"], result["output"]), ("DBOS.getResult", 0))
    holds("times", result["started_at_epoch_ms"] <= result["completed_at_epoch_ms"])
    (step,) = world.client.list_workflow_steps(world.run("retry", 3))
    same("error", step["error"].name, "DBOSMaxStepRetriesExceeded")


def check_wait_first_and_retrieve(world):
    """Rules: P7, L9"""
    slow, fast = world.enqueue("retrieve_test", "v"), world.enqueue("echo")
    client = world.client
    handles = [client.retrieve_workflow(id) for id in (slow, fast)]
    first = client.wait_first(handles, polling_interval_sec=0.1)
    same("the first to end", first.get_workflow_id(), fast)
    same("retrievable", world.gone(world.id("nobody")), True)
    same("result", world.result(slow), "v")
    same("steps", world.step_names(slow), [(1, "DBOS.sleep"), (2, "append")])
    same("effects", world.effects(slow), ["append"])
    same("output", json.loads(world.row(slow)["output"]), "v")
