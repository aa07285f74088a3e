"""Queues with limits for each partition key."""

from check_queues import make, most_at_once, order
from driver import holds, same, stays


def check_qp_runs_what_has_a_key(world):
    """Rows with a partition key run; a row without one is never taken.

    Rules: Q15, Q16
    """
    without = world.enqueue("echo", queue="qp")
    ids = [
        world.enqueue("echo", queue="qp", options={"queue_partition_key": key})
        for key in ("a", "a", "b")
    ]
    for id in ids:
        world.succeeded(id)
    stays("ENQUEUED", lambda: world.status(without) == "ENQUEUED", 2.5)
    world.client.cancel_workflow(without)


def check_partition_concurrency(world):
    """One at a time of each key, several keys at once, none without a key.

    Rules: Q15, Q16, Q11
    """
    name = world.id("parts")
    make(world, name, partition_concurrency=1)
    same(
        "flag for other SDKs",
        bool(world.database.value("SELECT partition_queue FROM queues WHERE name = ?", name)),
        True,
    )
    without = world.enqueue("echo", queue=name)
    ids = [
        world.enqueue("sleeper", 400, queue=name, options={"queue_partition_key": key})
        for key in "aaabbbc"
    ]
    most = most_at_once(world, ids)
    same("of one key", most["partition"], 1)
    holds(f"keys at once: {most['all']}", most["all"] >= 2)
    same("without a key", world.status(without), "ENQUEUED")
    world.client.cancel_workflow(without)


def check_partition_limits_with_queue_limits(world):
    """Both hold: those of each key and those of the queue.

    Rules: Q11, Q8, Q16
    """
    name = world.id("both")
    make(world, name, global_concurrency=3, partition_concurrency=2)
    ids = [
        world.enqueue("sleeper", 400, queue=name, options={"queue_partition_key": key})
        for key in "aaaabbbb"
    ]
    most = most_at_once(world, ids)
    same("in all", most["all"], 3)
    same("of one key", most["partition"], 2)
    name = world.id("worker")
    make(world, name, partition_worker_concurrency=1)
    ids = [
        world.enqueue("sleeper", 300, queue=name, options={"queue_partition_key": key})
        for key in "aabb"
    ]
    same("of one key in one process", most_at_once(world, ids)["partition"], 1)


def check_partition_limiter(world):
    """The rate of each key on its own.

    Rules: Q12, Q11
    """
    name = world.id("rates")
    make(world, name, partition_limiter={"limit": 1, "period": 3.0})
    ids = {
        key: [
            world.enqueue("steps3", 1, queue=name, options={"queue_partition_key": key})
            for _ in range(2)
        ]
        for key in "ab"
    }
    firsts = []
    for key in "ab":
        starts = [world.steps(id)[0]["started_at_epoch_ms"] for id in order(world, ids[key])]
        holds(f"one start of {key} in 3 s", starts[1] - starts[0] > 1900)
        firsts.append(starts[0])
    holds("keys do not wait for each other", abs(firsts[0] - firsts[1]) < 1500)
