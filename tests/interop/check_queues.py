"""Queues: their rows, and the limits that the Python client gives them."""

import time

from dbos import DebouncerClient
from driver import APP, alone, holds, raises, same, stays, until

WAITING = ("ENQUEUED", "DELAYED")


def make(world, name, **limits):
    """A queue of the worker's application that is looked at often."""
    limits.setdefault("polling_interval_sec", 0.1)
    return world.client.register_queue(name, **limits)


def most_at_once(world, ids, patience=40):
    """Waits until all have ended; the greatest numbers that were PENDING together, in all and
    for one executor and one partition."""
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT * FROM workflow_status WHERE workflow_uuid IN ({marks})"
    most = {"all": 0, "executor": 0, "partition": 0}

    def ended():
        rows = world.database.rows(sql, *ids)
        running = [row for row in rows if row["status"] == "PENDING"]
        most["all"] = max(most["all"], len(running))
        for kind, column in (("executor", "executor_id"), ("partition", "queue_partition_key")):
            values = [row[column] for row in running]
            most[kind] = max([most[kind], *(values.count(value) for value in values)])
        return all(row["status"] not in ("PENDING", *WAITING) for row in rows)

    until("all end", ended, patience)
    for id in ids:
        world.succeeded(id)
    return most


def order(world, ids):
    """The ids in the order in which they were started."""
    for id in ids:
        world.succeeded(id)
    # Started one after the other: the steps' times tell more than the rows', which may be whole
    # seconds on SQLite.
    return sorted(ids, key=lambda id: world.steps(id)[0]["started_at_epoch_ms"])


def check_queue_rows_of_the_worker(world):
    """What the launch writes into `queues`.

    Rules: Q1, V9
    """
    rows = {row["name"]: row for row in world.database.rows("SELECT * FROM queues")}
    for name in ("q", "qp", "interopq"):
        holds(f"queue {name} is there", name in rows)
        row = rows[name]
        same(f"application of {name}", row["application_name"], APP)
        same(f"polling interval of {name}", row["polling_interval_sec"], 1.0)
        same(f"priority_enabled of {name}", bool(row["priority_enabled"]), True)
        same(f"partition_queue of {name}", bool(row["partition_queue"]), name == "qp")
    limits = [
        column
        for column in rows["qp"]
        if column.startswith("partition_") and column != "partition_queue"
    ]
    holds("qp has a partition limit", any(rows["qp"][column] is not None for column in limits))
    for name in ("q", "interopq"):
        same(f"partition limits of {name}", [rows[name][column] for column in limits], [None] * 4)
    listed = {queue.name for queue in world.client.list_queues()}
    holds(f"the client lists them: {listed}", {"q", "qp", "interopq"} <= listed)


def check_global_concurrency(world):
    """Never more than the limit run at once, and as many as that do.

    Rules: Q11, Q8
    """
    name = world.id("two")
    make(world, name, global_concurrency=2)
    ids = [world.enqueue("sleeper", 300, queue=name) for _ in range(6)]
    same("at once", most_at_once(world, ids)["all"], 2)


def check_limits_can_be_changed_while_it_runs(world):
    """A new limit holds from the next look on.

    Rules: Q4, Q2
    """
    name = world.id("change")
    queue = make(world, name, global_concurrency=1)
    ids = [world.enqueue("sleeper", 1500, queue=name) for _ in range(4)]
    world.becomes(ids[0], "PENDING")
    queue.set_global_concurrency(4)
    same("at once", most_at_once(world, ids)["all"] >= 3, True)
    make(world, name, global_concurrency=1)
    # The worker looks at the queues every second.
    time.sleep(1.5)
    ids = [world.enqueue("sleeper", 200, queue=name) for _ in range(3)]
    same("at once after registering again", most_at_once(world, ids)["all"], 1)


@alone
def check_worker_concurrency_and_two_workers(world):
    """Each process keeps to its own limit, together they keep to the queue's.

    Rules: Q11, Q17, Q13
    """
    world.worker(executor="e1")
    world.worker(executor="e2")
    make(world, "each", worker_concurrency=1)
    make(world, "together", global_concurrency=2)
    each = [world.enqueue("sleeper", 400, queue="each") for _ in range(6)]
    most = most_at_once(world, each)
    same("in one process", most["executor"], 1)
    same("in both", most["all"], 2)
    executors = {world.row(id)["executor_id"] for id in each}
    same("executors", executors, {"e1", "e2"})
    together = [world.enqueue("sleeper", 300, queue="together") for _ in range(6)]
    same("at once", most_at_once(world, together)["all"], 2)


@alone
def check_two_workers_run_each_workflow_once(world):
    """Nothing is taken twice.

    Rules: Q8, Q13, W6
    """
    world.worker(executor="e1")
    world.worker(executor="e2")
    ids = [world.enqueue("steps3", i, 5) for i in range(40)]
    for i, id in enumerate(ids):
        same("output", world.succeeded(id)["output"], str(i + 3))
    for id in ids:
        same("effects", world.effects(id), ["s1", "s2", "s3"])
        same("attempts", world.row(id)["recovery_attempts"], 1)


def check_limiter(world):
    """No window of the period holds more starts than the limit.

    Rules: Q12
    """
    name = world.id("limited")
    make(world, name, limiter={"limit": 3, "period": 3.0})
    ids = [world.enqueue("steps3", 1, queue=name) for _ in range(7)]
    ids = order(world, ids)
    starts = [world.steps(id)[0]["started_at_epoch_ms"] for id in ids]
    for first, fourth in zip(starts, starts[3:]):
        # Where Python made the tables of a SQLite file, its clock may count whole seconds.
        holds(f"three starts in 3 s (four in {fourth - first} ms)", fourth - first > 1900)
    holds("and not much slower", starts[-1] - starts[0] < 15000)
    same("marked", [bool(world.row(id)["rate_limited"]) for id in ids], [True] * 7)


def check_priority_and_order(world):
    """Lower numbers first, none is the lowest, and among equals the oldest first.

    Rules: Q9, Q18, Q6
    """
    name = world.id("order")
    wanted = []
    for priority in (5, 1, None, 3, 1, None, 2147483647):
        options = {} if priority is None else {"priority": priority}
        wanted.append((priority or 0, world.enqueue("steps3", 1, queue=name, options=options)))
        time.sleep(0.01)
    stays("they wait for a queue", lambda: world.status(wanted[0][1]) == "ENQUEUED", 1.5)
    if not world.postgres:
        # A Python whose SQLite default counts whole seconds leaves the age open.
        for age, (_, id) in enumerate(wanted):
            world.database.execute(
                "UPDATE workflow_status SET created_at = created_at + ? WHERE workflow_uuid = ?",
                age,
                id,
            )
    make(world, name, global_concurrency=1)
    got = order(world, [id for _, id in wanted])
    by_priority = [id for _, id in sorted(wanted, key=lambda pair: pair[0])]
    same("order", got, by_priority)
    for priority in (0, -1, 2**31):
        raises(
            f"priority {priority}",
            "DBOSException",
            lambda: world.enqueue("echo", queue=name, options={"priority": priority}),
        )


def check_deduplication(world):
    """An id is held until its workflow has ended or is cancelled.

    Rules: Q19, Q20
    """
    name = world.id("dedup")
    make(world, name)
    key = {"deduplication_id": "k"}
    first = world.enqueue("sleeper", 1500, queue=name, options=dict(key))
    collide = lambda: world.enqueue("echo", queue=name, options=dict(key))
    raises("held while it waits", "DBOSQueueDeduplicatedError", collide)
    world.becomes(first, "PENDING")
    raises("held while it runs", "DBOSQueueDeduplicatedError", collide)
    same("shown", world.row(first)["deduplication_id"], "k")
    attach = {"workflow_name": "echo", "queue_name": name, "duplication_policy": "return-existing"}
    handle = world.client.enqueue({**attach, **key})
    same("attached to the holder", handle.workflow_id, first)
    world.enqueue("echo", queue="q", options=dict(key))
    world.enqueue("sleeper", 1, queue=name, options={"workflow_id": first, **key})
    same("result", world.result(first), 1500)
    same("released", world.row(first)["deduplication_id"], None)
    second = world.enqueue("blocked_workflow", queue=name, options=dict(key))
    world.becomes(second, "PENDING")
    world.client.cancel_workflow(second)
    same(
        "free after a cancel",
        world.result(world.run("add", 1, 1, queue=name, options=dict(key))),
        2,
    )
    failed = world.run("fail", "x", queue=name, options=dict(key))
    same("free after an error", world.row(failed)["deduplication_id"], None)


def check_delay(world):
    """A delayed workflow starts after its delay, and counts as queued until then.

    Rules: Q23, I3
    """
    name = world.id("later")
    make(world, name, global_concurrency=1)
    began = time.time()
    id = world.enqueue("steps3", 1, queue=name, options={"delay_seconds": 4})
    same("status", world.status(id), "DELAYED")
    quick = world.enqueue("echo", queue=name)
    world.succeeded(quick)
    same("it takes no slot", world.status(id), "DELAYED")
    listed = [status.workflow_id for status in world.client.list_queued_workflows(queue_name=name)]
    same("queued", listed, [id])
    world.succeeded(id)
    waited = world.steps(id)[0]["started_at_epoch_ms"] / 1000 - began
    holds(f"it starts after 4 s (after {waited:.1f} s)", 3.9 <= waited < 15)


def check_a_new_queue_is_seen_within_a_second(world):
    """Rows may be there before their queue; the worker looks for queues every second.

    Rules: Q5, Q6, Q4
    """
    name = world.id("new")
    id = world.enqueue("echo", queue=name)
    make(world, name)
    world.becomes(id, "SUCCESS", patience=4)
    world.client.delete_queue(name)
    time.sleep(1.5)
    id = world.enqueue("echo", queue=name)
    stays("it waits while there is no queue", lambda: world.status(id) == "ENQUEUED", 2)
    make(world, name)
    world.becomes(id, "SUCCESS", patience=4)


def check_whose_queue_and_whose_row(world):
    """Own and unclaimed queues and rows are served, those of other applications are not.

    Rules: Q5, Q10, Q13, V9
    """
    other, nameless = world.connect("other-app"), world.connect(None)
    theirs, open_ = world.id("theirs"), world.id("open")
    other.register_queue(theirs, polling_interval_sec=0.1)
    nameless.register_queue(open_, polling_interval_sec=0.1)
    mine = world.enqueue("echo", queue=open_)
    unclaimed = world.enqueue("echo", queue=open_, client=nameless)
    foreign = world.enqueue("echo", queue=open_, client=other)
    at_theirs = world.enqueue("echo", queue=theirs)
    same("mine", world.succeeded(mine)["application_name"], APP)
    same("unclaimed becomes mine", world.succeeded(unclaimed)["application_name"], APP)
    stays(
        "theirs are left alone",
        lambda: [world.status(foreign), world.status(at_theirs)] == ["ENQUEUED"] * 2,
        2.5,
    )
    raises("their queue", "DBOSException", lambda: make(world, theirs))
    raises("our queue", "DBOSException", lambda: other.register_queue("q"))


def check_the_internal_queue_is_served(world):
    """Rules: Q5"""
    same("result", world.result(world.run("add", 1, 2, queue="_dbos_internal_queue")), 3)


def check_failures_free_their_slot(world):
    """Neither an error nor a panic nor an unreadable row keeps the only slot of a queue.

    Rules: Q11, Q14, L5, L11
    """
    name = world.id("one")
    make(world, name, global_concurrency=1)
    bad = [
        world.enqueue("panics", queue=name),
        world.enqueue("fail", "x", queue=name),
        world.insert("echo", "{not json", queue=name),
        world.insert("echo", None, queue=name),
        world.insert("echo", "AAAA", queue=name, serialization="js_superjson"),
        world.enqueue("blocked_workflow", queue=name, options={"workflow_timeout": 0.5}),
    ]
    last = world.enqueue("echo", queue=name)
    world.becomes(last, "SUCCESS", patience=20)
    for id in bad:
        world.becomes(id, "ERROR", "CANCELLED", patience=5)


def check_many_at_once(world):
    """A look at a queue takes all that its limits allow.

    Rules: Q26, Q7
    """
    name = world.id("many")
    make(world, name, polling_interval_sec=1.0)
    ids = [world.enqueue("sleeper", 2000, queue=name) for _ in range(60)]
    most = most_at_once(world, ids)
    holds(f"60 sleepers run together, not {most['all']}", most["all"] >= 30)


def check_debouncing(world):
    """Calls within the period are one workflow with the last arguments; then the key is free.

    Rules: B1, B2, B3, B4
    """
    options = {"workflow_name": "echo", "queue_name": "q"}
    debouncer = DebouncerClient(world.client, options)
    key = world.id("key")
    ids = {debouncer.debounce(key, 1.5, i).get_workflow_id() for i in range(3)}
    same("one workflow", len(ids), 1)
    id = ids.pop()
    collide = {"deduplication_id": f"echo-{key}"}
    raises(
        "held", "DBOSQueueDeduplicatedError", lambda: world.enqueue("echo", options=dict(collide))
    )
    same("the last arguments", world.result(id), {"args": [2], "kwargs": {}})
    same("its key", world.row(id)["deduplication_id"], None)
    later = debouncer.debounce(key, 0.2, "again").get_workflow_id()
    holds("a new workflow", later != id)
    same("result", world.result(later), {"args": ["again"], "kwargs": {}})
    # Once it may start the key is free, though it has not started.
    stuck = DebouncerClient(world.client, {**options, "queue_name": world.id("nowhere")})
    first = stuck.debounce(key, 0.2).get_workflow_id()
    world.becomes(first, "ENQUEUED")
    second = stuck.debounce(key, 3600.0).get_workflow_id()
    holds("a new workflow while the first waits", second != first)
    world.client.cancel_workflows([first, second])


def check_deadlines_of_rows_that_wait(world):
    """A deadline that has passed cancels rows that nobody runs, too.

    Rules: T4
    """
    past = dict(workflow_deadline_epoch_ms=int(time.time() * 1000) - 5, queue=world.id("nowhere"))
    later = int(time.time() * 1000) + 3_600_000
    ids = [
        world.insert("echo", "{}", **past),
        world.insert("echo", "{}", **past, status="DELAYED", delay_until_epoch_ms=later),
    ]
    for id in ids:
        same("status", world.ended(id, patience=10)["status"], "CANCELLED")
