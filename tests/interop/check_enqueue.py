"""Workflows that the Python client enqueues: what they do, return, and leave in the tables."""

import json
import time

from driver import APP, VERSION, holds, raises, same, stays


def error_of(world, id):
    row = world.ended(id)
    same(f"status of {id}", row["status"], "ERROR")
    same(f"output of {id}", row["output"], None)
    return json.loads(row["error"])


def check_echo_returns_its_arguments(world):
    """Every kind of JSON value goes in and comes out again.

    Rules: F1, F2, F3, F4
    """
    args = [
        None,
        True,
        False,
        0,
        -1,
        1.5,
        1e-7,
        "",
        'täxt \u2603 \U0001f600 "\\/\n\t\x01',
        [],
        {},
        [[[]]],
    ]
    kwargs = {"z": 1, "a": {"deep": [{"er": None}]}, "": "empty key", "ключ": "ü"}
    id = world.run("echo", *args, **kwargs)
    same("result", world.result(id), {"args": args, "kwargs": kwargs})


def check_echo_keeps_order_and_digits(world):
    """Objects keep the order of their keys and integers all their digits, byte for byte.

    Rules: F2, F4, F8
    """
    inputs = (
        '{"positionalArgs":[{"z":1,"a":{"y":2,"b":3}},123456789012345678901234567890,'
        '-9223372036854775809,18446744073709551616,9007199254740993,"é\\n"],'
        '"namedArgs":{"z":0,"b":[1,2],"a":null}}'
    )
    row = world.succeeded(world.insert("echo", inputs))
    same(
        "output",
        row["output"],
        '{"args":[{"z":1,"a":{"y":2,"b":3}},123456789012345678901234567890,'
        '-9223372036854775809,18446744073709551616,9007199254740993,"é\\n"],'
        '"kwargs":{"z":0,"b":[1,2],"a":null}}',
    )
    same("serialization", row["serialization"], "portable_json")


def check_echo_without_arguments(world):
    """No arguments are empty arguments."""
    row = world.succeeded(world.enqueue("echo"))
    same("output", row["output"], '{"args":[],"kwargs":{}}')


def check_add_sums_integers(world):
    """By position and by name, of any size."""
    for args, kwargs, sum in [
        ((2, 3), {}, 5),
        ((), {"a": -7, "b": 3}, -4),
        ((1,), {"b": 2}, 3),
        ((9007199254740993, 0), {}, 9007199254740993),
        ((2**62, 2**62), {}, 2**63),
        ((10**30, 1), {}, 10**30 + 1),
    ]:
        row = world.succeeded(world.enqueue("add", *args, **kwargs))
        same(f"add{args}{kwargs}", row["output"], str(sum))


def check_add_refuses_all_else(world):
    """Missing, surplus and wrong arguments are an ERROR, and the worker lives on.

    Rules: L5, L11
    """
    bad = [
        ((), {}),
        ((1,), {}),
        ((1, 2, 3), {}),
        ((1, 2), {"c": 3}),
        ((1, 2), {"a": 1}),
        ((), {"a": 1, "c": 2}),
        (("1", 2), {}),
        ((1, None), {}),
        ((1, 1.5), {}),
        ((True, 1), {}),
        (([1], 2), {}),
    ]
    ids = [world.enqueue("add", *args, **kwargs) for args, kwargs in bad]
    for id, call in zip(ids, bad):
        error = error_of(world, id)
        holds(
            f"the error of add{call} has a name and a message", error["name"] and error["message"]
        )
    same("afterwards", world.result(world.run("add", 1, 2)), 3)


def check_steps3_records_three_steps(world):
    """Steps count from 1, are recorded with what they return, and leave a trace each.

    Rules: N1, N2, R11, R15, S5
    """
    id = world.enqueue("steps3", 10, pause_ms=60)
    same("output", world.succeeded(id)["output"], "13")
    steps = world.steps(id)
    same("steps", world.step_names(id), [(1, "s1"), (2, "s2"), (3, "s3")])
    same("outputs", [step["output"] for step in steps], ["11", "12", "13"])
    for step in steps:
        same("format of a step", step["serialization"], "portable_json")
        same("error of a step", step["error"], None)
        same("child of a step", step["child_workflow_id"], None)
        same("application of a step", step["application_name"], APP)
        took = step["completed_at_epoch_ms"] - step["started_at_epoch_ms"]
        holds(f"{step['function_name']} waits inside the step (took {took} ms)", 55 <= took < 30000)
    same("effects", world.effects(id), ["s1", "s2", "s3"])
    same("pause_ms is 0 if not given", world.result(world.run("steps3", 1)), 4)
    same("pause_ms by position", world.result(world.run("steps3", 1, 1)), 4)


def check_effect_lines_are_exact(world):
    """`<workflow id> <step name>` and a newline, and the file ends with one."""
    id = world.run("steps3", 0)
    text = world.effects_file.read_text()
    holds("the file ends with a newline", text.endswith("\n"))
    for step in ("s1", "s2", "s3"):
        same(f"lines of {step}", text.split("\n").count(f"{id} {step}"), 1)


def check_fail_stores_the_error(world):
    """An error is stored with name, message, code and data, in this order.

    Rules: F5, L5
    """
    row = world.ended(world.enqueue("fail", "boom"))
    same("status", row["status"], "ERROR")
    same("error", row["error"], '{"name":"MyErr","message":"boom","code":42,"data":{"k":[1]}}')
    same("output", row["output"], None)
    row = world.ended(world.enqueue("fail", msg='a "quoted" ü'))
    same(
        "error",
        row["error"],
        '{"name":"MyErr","message":"a \\"quoted\\" ü","code":42,"data":{"k":[1]}}',
    )


def check_fail_raises_in_the_client(world):
    """The Python client raises the error with everything in it.

    Rules: F6, L8
    """
    id = world.run("fail", "boom")
    error = world.failure(id)
    same("type", type(error).__name__, "PortableWorkflowError")
    got = (error.name, error.message, error.code, error.data)
    same("error", got, ("MyErr", "boom", 42, {"k": [1]}))
    status = world.client.retrieve_workflow(id).get_status()
    same("error of the status", str(status.error), "boom")


def check_panics_is_an_error(world):
    """A panic is an ERROR that says so, and harms nobody else.

    Rules: L5
    """
    ids = [world.enqueue("panics") for _ in range(3)]
    for id in ids:
        error = error_of(world, id)
        holds(f"{error} says panic", "panic" in (error["name"] + error["message"]).lower())
    same("afterwards", world.result(world.run("add", 1, 2)), 3)


def check_sleeper_sleeps_durably(world):
    """A sleep is step 1, in portable JSON, and lasts.

    Rules: P1, P2
    """
    id = world.enqueue("sleeper", 700)
    row = world.succeeded(id)
    same("output", row["output"], "700")
    same("steps", world.step_names(id), [(1, "DBOS.sleep")])
    (step,) = world.steps(id)
    same("format", step["serialization"], "portable_json")
    holds("the wake-up time is a number", json.loads(step["output"]) > 0)
    lasted = time.time() * 1000 - step["started_at_epoch_ms"]
    holds(f"it sleeps 700 ms (ended after {lasted:.0f} ms)", 690 <= lasted < 20000)
    same("no sleep", world.result(world.run("sleeper", 0)), 0)


def check_blocked_workflow_never_ends(world):
    """It sleeps on, one step a time, until it is cancelled.

    Rules: M1, M3, N1
    """
    id = world.enqueue("blocked_workflow")
    world.becomes(id, "PENDING")
    began = time.monotonic()
    while len(world.steps(id)) < 4:
        holds("four sleeps of 0.1 s", time.monotonic() - began < 30)
        time.sleep(0.05)
    names = world.step_names(id)
    same("steps", names, [(i + 1, "DBOS.sleep") for i in range(len(names))])
    world.client.cancel_workflow(id)
    time.sleep(0.5)
    count = len(world.steps(id))
    stays("a cancelled workflow takes no step", lambda: len(world.steps(id)) == count, 0.6)
    same("status", world.status(id), "CANCELLED")


def check_enqueue_test_formats_like_python(world):
    """Three kinds of arguments; the object in the spacing of json.dumps."""
    person = {
        "last": "Doe",
        "first": "Jane",
        "age": 30,
        "tags": ["a", {"b": None}],
        "ok": True,
        "e": {},
    }
    id = world.run("enqueue_test", 42, "test", person)
    same("result", world.result(id), f"42-test-{json.dumps(person)}")
    same("no step", world.steps(id), [])
    id = world.run("enqueue_test", num=1, text="x", person={})
    same("by name", world.result(id), "1-x-{}")


def check_fork_test_takes_two_steps(world):
    """A transaction and a step."""
    id = world.run("fork_test", 21)
    same("result", world.result(id), 42)
    same("steps", world.step_names(id), [(1, "txn"), (2, "step")])
    same("outputs", [step["output"] for step in world.steps(id)], ["21", "21"])


def check_retry_counts_attempts(world):
    """A step is tried three times, leaves a trace each time and one row.

    Rules: S1, S2, S3, S6
    """
    for failures, attempts in ((0, 1), (1, 2), (2, 3)):
        id = world.run("retry", failures)
        same(f"retry({failures})", world.result(id), attempts)
        same("effects", world.effects(id), ["flaky"] * attempts)
        same("steps", world.step_names(id), [(1, "flaky")])
    id = world.run("retry", k=3)
    error = error_of(world, id)
    same("error name", error["name"], "DBOSMaxStepRetriesExceeded")
    holds(f"{error} names flaky and 3", "flaky" in error["message"] and "3" in error["message"])
    same("effects", world.effects(id), ["flaky"] * 3)
    (step,) = world.steps(id)
    same("the step's output", step["output"], None)
    same("the step's error", json.loads(step["error"])["name"], "DBOSMaxStepRetriesExceeded")
    same("the step's format", step["serialization"], "portable_json")


def check_unknown_names_hold_nothing(world):
    """Nothing unknown stays PENDING, and none of it keeps a queue's slot.

    A name belongs to its class: known names with another class are as unknown.
    """
    queue = world.id("narrow")
    world.client.register_queue(queue, global_concurrency=1, polling_interval_sec=0.1)
    unknown = [("nobody", None), ("echo", "interop"), ("canonicalWorkflow", None), ("echo", "No")]
    ids = [
        world.enqueue(name, 1, queue=queue, options={"class_name": cls} if cls else {})
        for name, cls in unknown
    ]
    after = world.enqueue("echo", queue=queue)
    world.becomes(after, "SUCCESS", patience=15)
    for id, (name, _) in zip(ids, unknown):
        world.becomes(id, "ERROR", "ENQUEUED", "DELAYED", patience=10)
        row = world.row(id)
        if row["status"] == "ERROR":
            holds(f"the error names {name}: {row['error']}", name in row["error"])
    stays(
        "none is PENDING for long",
        lambda: not all(world.status(id) == "PENDING" for id in ids),
        1.5,
    )


def check_the_row_of_a_finished_workflow(world):
    """What a finished row says about who ran it, for what and when.

    Rules: L2, L3, L11, W12, Q13, V7, W10
    """
    options = {
        "authenticated_user": "ann",
        "authenticated_roles": ["admin", "dev"],
        "attributes": {"team": "a", "n": 1},
        "priority": 3,
    }
    row = world.succeeded(world.enqueue("echo", options=options))
    wanted = {
        "executor_id": "local",
        "application_version": VERSION,
        "application_name": APP,
        "recovery_attempts": 1,
        "owner_xid": None,
        "deduplication_id": None,
        "queue_name": "q",
        "authenticated_user": "ann",
        "authenticated_roles": '["admin", "dev"]',
        "priority": 3,
        "class_name": None,
        "config_name": None,
        "legacy_output": None,
        "legacy_error": None,
        "error": None,
    }
    same("row", {name: row[name] for name in wanted}, wanted)
    times = [row[name] for name in ("created_at", "started_at_epoch_ms", "completed_at")]
    holds(f"created, started, completed in order: {times}", times == sorted(times))
    holds("updated_at is bumped", row["updated_at"] >= row["started_at_epoch_ms"])
    status = world.client.retrieve_workflow(row["workflow_uuid"]).get_status()
    same("attributes", status.attributes, {"team": "a", "n": 1})
    same("user", (status.authenticated_user, status.authenticated_roles), ("ann", ["admin", "dev"]))


def check_an_id_is_used_once(world):
    """An id that is there returns what is there; another workflow under it is refused.

    Rules: W6, W7, W8
    """
    id = world.run("steps3", 1)
    world.enqueue("steps3", 100, options={"workflow_id": id})
    time.sleep(0.5)
    same("the first outcome", world.result(id), 4)
    same("effects", world.effects(id), ["s1", "s2", "s3"])
    again = {"workflow_id": id}
    raises(
        "another name", "DBOSConflictingWorkflowError", lambda: world.enqueue("echo", options=again)
    )
    again["workflow_id_reuse_policy"] = "reject"
    raises(
        "no reuse", "DBOSWorkflowIDInUseError", lambda: world.enqueue("steps3", 1, options=again)
    )


def check_a_timeout_runs_from_the_start(world):
    """The deadline is set when the worker takes the row; past it the workflow is CANCELLED.

    Rules: T1, T2, T4, T5
    """
    id = world.enqueue("blocked_workflow", options={"workflow_timeout": 1.0})
    row = world.ended(id)
    same("status", row["status"], "CANCELLED")
    same("timeout", row["workflow_timeout_ms"], 1000)
    lasted = row["completed_at"] - row["workflow_deadline_epoch_ms"]
    holds(f"cancelled at the deadline, not {lasted} ms later", -1000 <= lasted < 10000)
    error = world.failure(id)
    same("the client's error", type(error).__name__, "DBOSAwaitedWorkflowCancelledError")
    same(
        "time enough",
        world.result(world.run("sleeper", 50, options={"workflow_timeout": 30.0})),
        50,
    )


def check_scheduled_by_hand(world):
    """`scheduled` gives its time in UTC with milliseconds."""
    time, context = "2020-01-01T00:00:00.000Z", {"c": [1, None]}
    wanted = '{"time":"2020-01-01T00:00:00.000Z","context":{"c":[1,null]}}'
    same("output", world.succeeded(world.enqueue("scheduled", time, context))["output"], wanted)
    for other in (
        "2020-01-01T00:00:00Z",
        "2020-01-01T01:30:00+01:30",
        "2020-01-01T00:00:00.000000Z",
    ):
        row = world.succeeded(world.enqueue("scheduled", other, context))
        same(f"output for {other}", row["output"], wanted)


def check_enqueue_in_the_callers_transaction(world):
    """A workflow enqueued inside a caller's transaction runs when that is committed.

    Rules: W9
    """
    client, id = world.client, world.id("tx")
    with client._sys_db.engine.begin() as connection:
        options = {"workflow_name": "add", "queue_name": "q", "workflow_id": id}
        client.enqueue_in_transaction(connection, options, 1, 2)
    same("result", world.result(id), 3)
