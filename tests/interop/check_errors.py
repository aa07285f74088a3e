"""Errors of the runtime itself, and recorded ones that are raised again."""

import json

from driver import APP, holds, same


def error_of(world, id):
    row = world.ended(id)
    same(f"status of {id}", row["status"], "ERROR")
    return json.loads(row["error"])


def prepare(world, name, inputs, *steps):
    """Enqueues a workflow of which some steps are recorded already."""
    id = world.insert(name, inputs, status="DELAYED", delay_until_epoch_ms=2**53)
    for number, step in enumerate(steps, 1):
        columns = {
            "workflow_uuid": id,
            "function_id": number,
            "serialization": "portable_json",
            **step,
        }
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        world.database.execute(
            f"INSERT INTO operation_outputs ({names}) VALUES ({marks})", *columns.values()
        )
    world.client.set_workflow_delay(id, delay_seconds=0)
    return id


def check_recorded_outputs_are_replayed(world):
    """A step with a recorded output is not run; its value is what is recorded.

    Rules: R1, R4
    """
    step = {"function_name": "s1", "output": "100"}
    id = prepare(world, "steps3", '{"positionalArgs":[1]}', step)
    same("result", world.result(id), 102)
    same("effects", world.effects(id), ["s2", "s3"])


def check_recorded_errors_keep_name_code_and_data(world):
    """A step's recorded error becomes the workflow's, unchanged.

    Rules: R4, R9, F5
    """
    error = '{"name":"Odd","message":"m ü","code":"C-1","data":[1,{"z":1,"a":2}]}'
    id = prepare(
        world, "retry", '{"positionalArgs":[0]}', {"function_name": "flaky", "error": error}
    )
    row = world.ended(id)
    same("status", row["status"], "ERROR")
    same("error", row["error"], error)
    same("effects", world.effects(id), [])
    # An error of another SDK may lack what is optional.
    error = '{"message":"bare","name":"Bare"}'
    id = prepare(
        world, "retry", '{"positionalArgs":[0]}', {"function_name": "flaky", "error": error}
    )
    got = error_of(world, id)
    same("error", (got["name"], got["message"], got.get("code")), ("Bare", "bare", None))


def check_another_step_than_recorded(world):
    """The code is not that of the record: the error says so by name.

    Rules: R3
    """
    step = {"function_name": "something_else", "output": "5"}
    id = prepare(world, "steps3", '{"positionalArgs":[1]}', step)
    error = error_of(world, id)
    same("name", error["name"], "DBOSUnexpectedStepError")
    holds(f"both names: {error}", "something_else" in error["message"] and "s1" in error["message"])
    same("effects", world.effects(id), [])


def check_a_child_that_is_another_workflow(world):
    """The child's id is taken by a workflow of another name.

    Rules: W7
    """
    id = world.id("parent")
    world.run("echo", options={"workflow_id": f"{id}-1"})
    world.enqueue("parent", 1, options={"workflow_id": id})
    same("name", error_of(world, id)["name"], "DBOSConflictingWorkflowError")


def check_a_child_that_is_a_dead_letter(world):
    """Rules: L8"""
    id = world.id("parent")
    dead = dict(status="MAX_RECOVERY_ATTEMPTS_EXCEEDED", queue=None)
    world.insert("add", '{"positionalArgs":[0,0]}', id=f"{id}-1", **dead)
    world.enqueue("parent", 1, options={"workflow_id": id})
    same("name", error_of(world, id)["name"], "DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded")


def check_a_message_to_nobody(world):
    """Rules: G1, R10"""
    options = {"class_name": "workflows"}
    object_ = {"k": "k", "v": []}
    id = world.enqueue("workflowPortable", "s", 1, object_, world.id("nobody"), options=options)
    same("name", error_of(world, id)["name"], "DBOSNonExistentWorkflowError")


def check_an_error_through_three_workflows(world):
    """A called workflow that calls a failing one: the error arrives unchanged.

    Rules: F5, L8
    """
    wanted = '{"name":"MyErr","message":"deep","code":42,"data":{"k":[1]}}'
    inner = [APP, "q", "fail", ["deep"]]
    row = world.ended(world.enqueue("call_app", APP, "q", "call_app", inner))
    same("error", row["error"], wanted)
    error = world.failure(row["workflow_uuid"])
    same("in the client", (error.name, error.code, error.data), ("MyErr", 42, {"k": [1]}))


def check_wrong_arguments_of_every_workflow(world):
    """Arguments that do not fit are an ERROR with a name and a message.

    Rules: L11
    """
    calls = [
        ("steps3", ["x"], {}),
        ("steps3", [], {}),
        ("steps3", [1], {"pause": 1}),
        ("fail", [], {}),
        ("panics", ["surplus"], {}),
        ("sleeper", ["long"], {}),
        ("enqueue_test", [1], {}),
        ("fork_test", [None], {}),
        ("parent", ["many"], {}),
        ("retry", ["x"], {}),
        ("stream_writer", ["s", "n"], {}),
        ("scheduled", ["no time", None], {}),
        ("call_app", ["rs-app"], {}),
        ("event_test", [], {}),
    ]
    ids = [(name, args, world.enqueue(name, *args, **kwargs)) for name, args, kwargs in calls]
    for name, args, id in ids:
        error = error_of(world, id)
        holds(f"{name}{args}: {error}", error["name"] and error["message"])
