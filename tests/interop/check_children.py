"""Workflows that start other workflows and await them."""

import json

from check_enqueue import error_of
from driver import APP, holds, same


def check_parent_awaits_its_children(world):
    """Children on `q` with default ids; all start before the first is awaited.

    Rules: W4, N3, Q25, L2, L8
    """
    id = world.enqueue("parent", 3)
    same("result", json.loads(world.succeeded(id)["output"]), [0, 2, 4])
    starts = [(i, "add") for i in (1, 2, 3)]
    same("steps", world.step_names(id), starts + [(i, "DBOS.getResult") for i in (4, 5, 6)])
    children = [f"{id}-{i}" for i in (1, 2, 3)]
    steps = world.steps(id)
    same("children", [step["child_workflow_id"] for step in steps], children * 2)
    for step in steps[:3]:
        outcome = (step["output"], step["error"], step["serialization"])
        same("what the row of a start holds", outcome, (None, None, None))
    same("awaited", [step["output"] for step in steps[3:]], ["0", "2", "4"])
    for child in children:
        row = world.row(child)
        got = (row["parent_workflow_id"], row["queue_name"], row["application_name"], row["status"])
        same("child", got, (id, "q", APP, "SUCCESS"))
        same("its format", row["serialization"], "portable_json")
    listed = world.client.list_workflows(parent_workflow_id=id)
    same("listed children", [status.workflow_id for status in listed], children)
    same("no children", world.result(world.run("parent", 0)), [])


def check_parent_raises_the_error_of_its_child(world):
    """The first failing child's error is the parent's own.

    Rules: W6, W7, L8, F5
    """
    id = world.id("parent")
    bad = world.run("add", "x", 1, options={"workflow_id": f"{id}-2"})
    world.enqueue("parent", 3, options={"workflow_id": id})
    same("error", error_of(world, id), error_of(world, bad))


def check_parent_of_a_cancelled_child(world):
    """The error of the runtime itself carries upstream's type name.

    Rules: L8, M3
    """
    id = world.enqueue("parent", 1, True)
    world.becomes(f"{id}-1", "PENDING")
    same("child", world.row(f"{id}-1")["name"], "blocked_workflow")
    world.client.cancel_workflow(f"{id}-1")
    error = error_of(world, id)
    same("error name", error["name"], "DBOSAwaitedWorkflowCancelledError")


def check_call_app_calls_its_own_application(world):
    """The called workflow is a child, portable, of no version; its error stays its own.

    Rules: L2, L8, F5, F9, W4
    """
    id = world.run("call_app", APP, "q", "add", [20, 22])
    same("result", world.result(id), 42)
    child = world.row(f"{id}-1")
    got = (
        child["name"],
        child["serialization"],
        child["application_name"],
        child["parent_workflow_id"],
    )
    same("child", got, ("add", "portable_json", APP, id))
    failed = world.ended(world.enqueue("call_app", APP, "q", "fail", ["boom"]))
    same("status", failed["status"], "ERROR")
    same("error", failed["error"], '{"name":"MyErr","message":"boom","code":42,"data":{"k":[1]}}')


def check_children_inherit_the_deadline(world):
    """A child without a timeout of its own has its parent's deadline.

    Rules: T3, T4
    """
    id = world.enqueue("parent", 1, True, options={"workflow_timeout": 2.0})
    child = f"{id}-1"
    world.becomes(child, "PENDING", "CANCELLED")
    deadlines = [world.row(which)["workflow_deadline_epoch_ms"] for which in (id, child)]
    same("deadline of parent and child", deadlines[1], deadlines[0])
    same("parent", world.ended(id)["status"], "CANCELLED")
    same("child", world.ended(child)["status"], "CANCELLED")


def check_a_parent_learns_of_the_end_at_once(world):
    """No polling lies between the end of a child and its parent's going on."""
    waits = []
    for _ in range(3):
        id = world.run("parent", 1)
        waits.append(world.row(id)["completed_at"] - world.row(f"{id}-1")["completed_at"])
    holds(f"waits of {waits} ms", sorted(waits)[1] < 400)
