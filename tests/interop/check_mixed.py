"""A Python application and workers of several versions on one database."""

import json
import time

from driver import APP, PORTABLE, alone, holds, same, stays


@alone
def check_python_and_the_worker_call_each_other(world):
    """Across applications: values, and errors with their own name, code and data.

    Rules: W4, L2, F5, F6, F9
    """
    world.worker()
    world.python("python_app.py").ready()
    id = world.run("call_app", "py-app", "pyq", "greet", ["bob"])
    same("result", world.result(id), "hello bob")
    child = world.row(f"{id}-1")
    got = (child["application_name"], child["executor_id"], child["application_version"])
    same("who ran the child", got, ("py-app", "py-1", "p1"))
    got = (child["parent_workflow_id"], child["serialization"], child["queue_name"])
    same("the child", got, (id, "portable_json", "pyq"))
    row = world.ended(world.enqueue("call_app", "py-app", "pyq", "boom", ["ouch"]))
    same("status", row["status"], "ERROR")
    wanted = {"name": "PyErr", "message": "ouch", "code": "E7", "data": {"why": ["py"]}}
    same("error", json.loads(row["error"]), wanted)

    python = world.connect("py-app", portable=False)
    id = world.run("call_rust", APP, "q", "steps3", [1], queue="pyq", client=python)
    same("result", world.result(id, python), 4)
    child = world.row(f"{id}-1")
    got = (child["application_name"], child["executor_id"], child["application_version"])
    same("who ran the child", got, (APP, "local", "v1"))
    id = world.run("call_rust", APP, "q", "fail", ["boom"], queue="pyq", client=python)
    same("the error as Python sees it", str(world.failure(id, python)), "boom")


@alone
def check_a_called_application_that_is_not_there(world):
    """The child waits, and so does its parent, until the application comes.

    Rules: Q6, Q10, L8
    """
    world.worker()
    id = world.enqueue("call_app", "py-app", "pyq", "greet", ["ann"])
    world.becomes(f"{id}-1", "ENQUEUED")
    same("version of the child", world.row(f"{id}-1")["application_version"], None)
    stays("it waits", lambda: world.status(f"{id}-1") == "ENQUEUED", 1.5)
    world.python("python_app.py").ready()
    same("result", world.result(id), "hello ann")


@alone
def check_applications_keep_to_their_rows(world):
    """Neither takes the other's rows, even from a queue of all; each recovers its own only.

    Rules: Q5, Q10, V1, I2
    """
    worker = world.worker()
    world.python("python_app.py").ready()
    nameless, python = world.connect(None), world.connect("py-app", portable=False)
    nameless.register_queue("open", polling_interval_sec=0.1)
    theirs = [world.enqueue("greet", str(i), queue="open", client=python) for i in range(6)]
    ours = [world.enqueue("add", i, i, queue="open") for i in range(6)]
    for i, id in enumerate(theirs):
        same("result", world.result(id, python), f"hello {i}")
        same("executor", world.row(id)["executor_id"], "py-1")
    for i, id in enumerate(ours):
        same("result", world.result(id), 2 * i)
        same("executor", world.row(id)["executor_id"], "local")
    same("listed", {s.application_name for s in world.client.list_workflows()}, {APP})
    worker.kill()
    same(
        "Python goes on",
        world.result(world.run("greet", "x", queue="pyq", client=python), python),
        "hello x",
    )
    id = world.enqueue("add", 1, 1)
    stays("ours wait", lambda: world.status(id) == "ENQUEUED", 1.5)


@alone
def check_a_queue_has_one_owner(world):
    """Whoever comes second with a queue's name is refused, whichever language it speaks.

    Rules: V9, Q1
    """
    first = world.python("python_app.py", "--queue", "q").ready()
    complaint = world.start().refuses()
    holds(f"it says which queue: {complaint}", "q" in complaint and "py-app" in complaint)
    first.stop()
    world.connect("py-app").delete_queue("q")
    world.worker()
    complaint = world.python("python_app.py", "--queue", "q").refuses()
    holds(f"Python is refused: {complaint}", "already registered" in complaint)
    (row,) = world.database.rows("SELECT * FROM queues WHERE name = 'q'")
    same("owner", row["application_name"], APP)


@alone
def check_a_version_has_one_owner(world):
    """A version's name belongs to the application that registered it.

    Rules: V8, V9
    """
    world.python("python_app.py", "--version", "v1").ready()
    world.start(version="v1").refuses()
    world.worker(version="v2")
    same("another name is fine", world.result(world.run("add", 1, 1)), 2)


@alone
def check_versions_take_their_own_rows(world):
    """Pinned rows wait for their version, the others go to the latest.

    Rules: V7, V8, Q24, Q13
    """
    world.worker(executor="e1", version="v1")
    time.sleep(1.1)
    second = world.worker(executor="e2", version="v2")
    client = world.client
    same("latest", client.get_latest_application_version()["version_name"], "v2")
    names = {version["version_name"] for version in client.list_application_versions()}
    same("versions", names, {"v1", "v2"})

    def ran_in(*, count=4, **options):
        ids = [world.enqueue("echo", options=options) for _ in range(count)]
        for id in ids:
            world.succeeded(id)
        return {(row["application_version"], row["executor_id"]) for row in map(world.row, ids)}

    same("unpinned", ran_in(), {("v2", "e2")})
    same("pinned to v1", ran_in(app_version="v1"), {("v1", "e1")})
    same("pinned to v2", ran_in(app_version="v2"), {("v2", "e2")})
    nowhere = world.enqueue("echo", options={"app_version": "v3"})
    client.set_latest_application_version("v1")
    time.sleep(1.5)
    same("after a step back", ran_in(), {("v1", "e1")})
    second.kill()
    world.worker(executor="e2", version="v2")
    same("a relaunch is no promotion", ran_in(), {("v1", "e1")})
    same("a version that nobody runs", world.status(nowhere), "ENQUEUED")
    client.cancel_workflow(nowhere)


@alone
def check_forks_and_schedules_follow_the_latest_version(world):
    """A fork without a version goes to the latest, a resumed one stays with its own.

    Rules: M6, M8, C3, V7
    """
    world.worker(executor="e1", version="v1")
    old = world.run("steps3", 1)
    stopped = world.enqueue("steps3", 1, 500)
    world.begun(stopped, "s1")
    world.client.cancel_workflow(stopped)
    time.sleep(1.1)
    world.worker(executor="e2", version="v2")
    fork = world.client.fork_workflow(old, 2).workflow_id
    same("the fork's version", world.succeeded(fork)["application_version"], "v2")
    pinned = world.client.fork_workflow(old, 2, application_version="v1").workflow_id
    same("the pinned fork's", world.succeeded(pinned)["application_version"], "v1")
    world.client.resume_workflow(stopped)
    same("the resumed one's", world.succeeded(stopped)["application_version"], "v1")
    world.client.create_schedule(
        schedule_name="latest", workflow_name="scheduled", schedule="0 0 1 1 *"
    )
    id = world.client.trigger_schedule("latest").get_workflow_id()
    same("the scheduled one's", world.succeeded(id)["application_version"], "v2")


@alone
def check_a_shared_queue_and_mixed_formats(world):
    """A default client of the worker's application, with portable calls throughout.

    Rules: F9, Q19
    """
    world.worker()
    client = world.connect(portable=False)
    options = {"serialization_type": PORTABLE}
    id = world.enqueue("steps3", 1, client=client, options=options)
    same("result", world.result(id, client), 4)
    steps = client.list_workflow_steps(id)
    same("steps", [step["output"] for step in steps], [2, 3, 4])
    failed = world.enqueue("fail", "boom", client=client, options=options)
    error = world.failure(failed, client)
    same("error", (error.name, error.code), ("MyErr", 42))
