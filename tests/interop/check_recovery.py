"""Workers that are killed, stopped, doubled and suspended: nothing is lost, nothing done twice."""

import json
import signal
import time

from check_formats import GOLDEN_ARGUMENTS, GOLDEN_MESSAGE, golden
from databases import Database
from driver import APP, VERSION, alone, holds, same, stays, until


@alone
def check_a_killed_worker_is_recovered_by_the_next(world):
    """The step that ran runs again; those before it do not.

    Rules: V1, V2, V3, R4, R12, R13
    """
    worker = world.worker()
    id = world.enqueue("steps3", 1, 1000)
    world.begun(id, "s2")
    worker.kill()
    same("status", world.status(id), "PENDING")
    same("recorded", world.step_names(id), [(1, "s1")])
    world.worker()
    row = world.succeeded(id)
    same("output", row["output"], "4")
    same("effects", world.effects(id), ["s1", "s2", "s2", "s3"])
    got = (row["recovery_attempts"], row["queue_name"], row["executor_id"])
    same("row", got, (2, "q", "local"))


@alone
def check_sleeps_and_waits_survive_a_kill(world):
    """A sleep goes on for what is left of it; a receiver waits on and gets its message once.

    Rules: P1, G2, G3, V2
    """
    worker = world.worker()
    sleeper = world.enqueue("sleeper", 4000)
    waiting = world.enqueue(
        "canonicalWorkflow", *GOLDEN_ARGUMENTS, queue="interopq", options={"class_name": "interop"}
    )
    timed = world.enqueue("send_test", "never", 4)
    until("all wait", lambda: all(world.steps(id) for id in (sleeper, timed)))
    same("its timeout is written", world.step_names(timed), [(2, "DBOS.sleep")])
    until("the stream is written", lambda: len(world.steps(waiting)) >= 2)
    began = world.steps(sleeper)[0]["started_at_epoch_ms"] / 1000
    wakes = [world.steps(sleeper)[0]["output"], world.steps(timed)[-1]["output"]]
    time.sleep(1)
    worker.kill()
    world.worker()
    due = max(began + 4, time.time()) + 3
    same("result", world.result(sleeper), 4000)
    ended = time.time()
    holds(f"it sleeps 4 s in all ({ended - began:.1f} s)", began + 3.9 <= ended < due)
    same("the receiver's result", world.result(timed), None)
    holds(f"so does the receiver ({time.time() - began:.1f} s)", time.time() < due + 2)
    same("wake-up times", [world.steps(id)[-1]["output"] for id in (sleeper, timed)], wakes)
    world.client.send(waiting, GOLDEN_MESSAGE, "interop_topic")
    golden(world, waiting)


@alone
def check_parents_and_streams_survive_a_kill(world):
    """Children are not started again, values are not written twice.

    Rules: W4, W6, R8, R16, X1
    """
    worker = world.worker()
    parent = world.enqueue("call_app", APP, "q", "steps3", [1, 700])
    writer = world.enqueue("stream_writer", "s", 400, True)
    world.begun(f"{parent}-1", "s2")
    until("it has written", lambda: len(world.steps(writer)) > 5)
    worker.kill()
    world.worker()
    same("result", world.result(parent), 4)
    same("effects of the child", world.effects(f"{parent}-1"), ["s1", "s2", "s2", "s3"])
    same("children", len(world.client.list_workflows(parent_workflow_id=parent)), 1)
    same("written", world.result(writer), 400)
    same("values", list(world.client.read_stream(writer, "s")), list(range(400)))


@alone
def check_sigterm_ends_the_worker_in_time(world):
    """Exit 0 within 10 s whatever runs; the next launch finishes it.

    Rules: O3, V1, V2
    """
    worker = world.worker()
    ids = [
        world.enqueue("blocked_workflow"),
        world.enqueue("sleeper", 12000),
        world.enqueue("send_test", "t", 60),
        world.enqueue("steps3", 1, 300),
        world.enqueue("parent", 1, True),
    ]
    for id in ids:
        world.becomes(id, "PENDING", "SUCCESS")
    until("they are under way", lambda: all(world.steps(id) for id in ids))
    worker.stop()
    same("stdout in all", worker.stdout, b"ready\n")
    for id in ids:
        holds(f"{id} waits or is done", world.status(id) in ("PENDING", "ENQUEUED", "SUCCESS"))
    same("the blocked one", world.status(ids[0]) in ("PENDING", "ENQUEUED"), True)
    later = world.enqueue("echo")
    stays("nothing is taken any more", lambda: world.status(later) == "ENQUEUED", 1.5)
    world.worker()
    world.client.send(ids[2], "hello", "t")
    same("received", world.result(ids[2]), "hello")
    same("three steps", world.result(ids[3]), 4)
    effects = world.effects(ids[3])
    holds(f"finished steps run once: {effects}", len(effects) <= 4)
    world.succeeded(later)
    steps = len(world.steps(ids[0]))
    until("the blocked one goes on", lambda: len(world.steps(ids[0])) > steps)
    world.client.cancel_workflows([ids[0], ids[4]], cancel_children=True)
    same("the sleeper", world.result(ids[1]), 12000)


@alone
def check_sigterm_in_a_long_step(world):
    """A step that lasts longer than 10 s does not hold up the exit.

    Rules: O3, R12
    """
    worker = world.worker()
    id = world.enqueue("steps3", 1, 30000)
    world.begun(id, "s1")
    worker.stop()
    holds("it waits", world.status(id) in ("PENDING", "ENQUEUED"))


@alone
def check_dead_letters(world):
    """With at most 1 recovery the third dispatch does not happen; a resume revives it.

    Rules: V3, V4, L8
    """
    for attempt in (1, 2):
        worker = world.worker(max_recovery_attempts=1)
        if attempt == 1:
            id = world.enqueue("steps3", 1, 1500, options={"deduplication_id": "d"})
        world.begun(id, "s1", attempt)
        same("attempts", world.row(id)["recovery_attempts"], attempt)
        worker.kill()
    worker = world.worker(max_recovery_attempts=1)
    row = world.ended(id)
    wanted = {
        "status": "MAX_RECOVERY_ATTEMPTS_EXCEEDED",
        "queue_name": None,
        "owner_xid": None,
        "deduplication_id": None,
        "started_at_epoch_ms": None,
        "output": None,
        "error": None,
    }
    same("row", {column: row[column] for column in wanted}, wanted)
    holds("completed_at", row["completed_at"])
    same("effects", world.effects(id), ["s1", "s1"])
    error = world.failure(id)
    same(
        "the client's error", type(error).__name__, "DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded"
    )
    world.client.resume_workflow(id)
    same("revived", world.result(id), 4)
    same("attempts", world.row(id)["recovery_attempts"], 1)


def check_the_hundred_and_second_dispatch(world):
    """By default 101 dispatches run and the next does not.

    Rules: V3
    """
    inputs = '{"positionalArgs":[1]}'
    last = world.insert("steps3", inputs, recovery_attempts=100)
    over = world.insert("steps3", inputs, recovery_attempts=101)
    same("the 101st", world.result(last), 4)
    same("the 102nd", world.ended(over)["status"], "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
    same("effects", world.effects(over), [])


@alone
def check_recovery_is_for_ones_own(world):
    """Rows of other executors, versions and applications that hold no lease are left alone.

    Rules: V1, V7, L2
    """
    worker = world.worker()
    world.run("echo")
    worker.stop()
    inputs = '{"positionalArgs":[1]}'
    running = dict(status="PENDING", recovery_attempts=1, owner_xid="someone", queue="q")
    mine = dict(executor_id="local", application_version=VERSION)
    own = world.insert("steps3", inputs, **running, **mine)
    others = [
        world.insert("steps3", inputs, **running, **{**mine, "executor_id": "never-seen"}),
        world.insert("steps3", inputs, **running, **{**mine, "application_version": "v0"}),
        world.insert("steps3", inputs, **running, **mine, application_name="other-app"),
    ]
    unclaimed = world.insert("steps3", inputs, **running, **mine, application_name=None)
    world.worker()
    same("its own", world.result(own), 4)
    same("attempts", world.row(own)["recovery_attempts"], 2)
    same("an unclaimed one", world.result(unclaimed), 4)
    stays(
        "the others stay PENDING",
        lambda: [world.status(id) for id in others] == ["PENDING"] * 3,
        13,
    )
    for id in others:
        same("effects", world.effects(id), [])


@alone
def check_a_takeover_never_crosses_versions(world):
    """What a killed worker of another version leaves waits for one of that version.

    Rules: V1, V7
    """
    old = world.worker(executor="e1", version="v1")
    id = world.enqueue("steps3", 1, 500, options={"app_version": "v1"})
    world.begun(id, "s2")
    old.kill()
    world.worker(executor="e2", version="v2")
    same("the other works", world.result(world.run("add", 1, 1)), 2)
    stays("PENDING", lambda: world.status(id) == "PENDING", 13)
    world.worker(executor="e1", version="v1")
    row = world.succeeded(id)
    got = (row["application_version"], row["executor_id"], row["output"])
    same("row", got, ("v1", "e1", "4"))


@alone
def check_a_killed_one_of_two_workers(world):
    """What the killed one ran is finished after its return, each recorded step having run once.

    Rules: V1, V2, V5, R6, R12
    """
    world.worker(executor="e1")
    victim = world.worker(executor="e2")
    world.client.register_queue("few", worker_concurrency=4, polling_interval_sec=0.1)
    ids = [world.enqueue("steps3", i, 150, queue="few") for i in range(24)]
    until(
        "both work",
        lambda: {row["executor_id"] for row in map(world.row, ids)} >= {"e1", "e2"}
        and any(len(world.steps(id)) >= 1 for id in ids),
    )
    victim.kill()
    done = {id: len(world.steps(id)) for id in ids}
    before = {id: world.effects(id) for id in ids}
    world.worker(executor="e2")
    for i, id in enumerate(ids):
        same("output", world.succeeded(id)["output"], str(i + 3))
        same("steps", world.step_names(id), [(1, "s1"), (2, "s2"), (3, "s3")])
        effects = world.effects(id)
        for step in ("s1", "s2", "s3")[: done[id]]:
            same(f"{step} of {id} {before[id]} {effects}", effects.count(step), 1)
        for step in ("s1", "s2", "s3"):
            holds(f"{step} ran at most twice", effects.count(step) in (1, 2))


@alone
def check_a_suspended_worker_comes_back_too_late(world):
    """An execution that was taken over while its process stood still changes nothing any more.

    Rules: R6, L3, L4, M5
    """
    first = world.worker(executor="e1")
    id = world.enqueue("steps3", 1, 1000)
    world.begun(id, "s1")
    first.signal(signal.SIGSTOP)
    while not world.database.is_free(id):
        # It stands in the middle of a transaction, which would keep everybody else out.
        first.signal(signal.SIGCONT)
        time.sleep(0.02)
        first.signal(signal.SIGSTOP)
    world.worker(executor="e2")
    world.client.resume_workflow(id)
    row = world.succeeded(id)
    same("executor", row["executor_id"], "e2")
    before = (world.row(id), world.steps(id))
    first.signal(signal.SIGCONT)
    time.sleep(2.5)
    same("nothing changes", (world.row(id), world.steps(id)), before)
    same("output", row["output"], "4")
    same("the first works on", world.result(world.run("add", 1, 1)), 2)


@alone
def check_two_processes_start_at_once(world):
    """On an empty database both come up, and work.

    Rules: O1, V8
    """
    workers = [world.start(executor=f"e{i}") for i in (1, 2)]
    for worker in workers:
        worker.ready()
    ids = [world.enqueue("add", i, 1) for i in range(10)]
    for i, id in enumerate(ids):
        same("result", world.result(id), i + 1)
    versions = world.database.rows("SELECT * FROM application_versions")
    got = [(row["version_name"], row["application_name"]) for row in versions]
    same("versions", got, [(VERSION, APP)])


@alone
def check_options_of_the_command_line(world):
    """In any order, with defaults; without --effects nothing is written.

    Rules: V5, V6, V8, O4
    """
    options = dict(max_recovery_attempts=7, version="v7", app="odd-app", executor="x9")
    url = world.url.replace("postgres@", "postgres:secret@") if world.postgres else world.url
    worker = world.worker(effects=False, url=url, **options)
    client = world.connect("odd-app")
    id = world.enqueue("steps3", 1, client=client)
    row = world.succeeded(id)
    got = (row["application_version"], row["application_name"], row["executor_id"])
    same("row", got, ("v7", "odd-app", "x9"))
    same("stdout", worker.stdout, b"ready\n")
    same("files in its folder", [path.name for path in worker.folder.iterdir()], [])
    same("no effects", world.effects_file.exists(), False)
    (version,) = world.database.rows("SELECT * FROM application_versions")
    same("version", (version["version_name"], version["application_name"]), ("v7", "odd-app"))


@alone
def check_a_launch_that_cannot_succeed(world):
    """Another application's queues, or no database: an exit with a reason and without `ready`.

    Rules: V9, O1
    """
    world.worker().stop()
    complaint = world.start(app="other-app", version="v2").refuses()
    holds(f"the complaint names a queue: {complaint}", "q" in complaint)
    if world.postgres:
        world.start(url="postgresql://postgres@127.0.0.1:1/postgres").refuses()
        nowhere = world.url.rsplit("/", 1)[0] + "/interop_is_not_there"
        world.start(url=nowhere).refuses()
    else:
        world.start(url="sqlite:////dev/null/nowhere/there.db").refuses()
    world.start(url="mongodb://localhost/x").refuses()
    world.worker()
    same("the owner comes up", world.result(world.run("add", 1, 1)), 2)


@alone
def check_retries_start_over_after_a_kill(world):
    """Attempts are not durable, outcomes are.

    Rules: S6, R9
    """
    worker = world.worker()
    id = world.run("retry", 3)
    before = world.row(id)
    worker.kill()
    world.worker()
    time.sleep(1)
    same("an ERROR stays", world.row(id), before)
    same("effects", world.effects(id), ["flaky"] * 3)
    same("error", json.loads(before["error"])["name"], "DBOSMaxStepRetriesExceeded")


@alone
def check_a_sqlite_file_need_not_exist(world):
    """A URL with four slashes names a file that the launch makes."""
    if world.postgres:
        return
    other = Database(f"sqlite:///{world.folder / 'of its own.db'}")
    worker = world.worker(url=other.url)
    same("version", other.value("SELECT version FROM dbos_migrations"), 125)
    worker.stop()
    other.close()
