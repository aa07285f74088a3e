#!/usr/bin/env python3
"""The works of `bench`, done by DBOS Transact for Python (`pip install dbos`)."""

import argparse
import json
import os
import sys
import threading
import time

from dbos import DBOS

QUEUE = "bench"
# How many workflows of the queue may run at once.
AT_ONCE = 64

# Told when the step after the recorded ones begins.
reached = threading.Event()


@DBOS.step()
def nothing():
    pass


@DBOS.workflow()
def one_step():
    nothing()


@DBOS.workflow()
def many_steps(count):
    for _ in range(count):
        nothing()


@DBOS.step()
def wait_for_the_end():
    reached.set()
    threading.Event().wait()


@DBOS.workflow()
def many_steps_then_wait(count):
    for _ in range(count):
        nothing()
    wait_for_the_end()


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=["start", "steps", "queue", "recovery"])
    parser.add_argument("--db", required=True, help="a PostgreSQL database that nothing else uses")
    parser.add_argument("--n", type=int, required=True, help="how many workflows or steps")
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--polling-ms", type=int, default=1000)
    return parser.parse_args()


def launch(run):
    DBOS(
        config={
            "name": "bench",
            "system_database_url": run.db,
            "application_version": "1",
            "sys_db_pool_size": run.connections,
            "max_executor_threads": max(run.in_flight, AT_ONCE),
            "log_level": "WARNING",
        }
    )
    DBOS.launch()


def side_by_side(run, one):
    """Does `one` n times, at most `in_flight` at once: a thread for each, as the library runs them."""
    left = iter(range(run.n))
    lock = threading.Lock()
    problems = []

    def several():
        while not problems:
            with lock:
                if next(left, None) is None:
                    return
            try:
                one()
            except Exception as problem:
                problems.append(problem)

    threads = [threading.Thread(target=several) for _ in range(min(run.in_flight, run.n))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def start(run):
    begin = time.perf_counter()
    side_by_side(run, one_step)
    return time.perf_counter() - begin


def steps(run):
    begin = time.perf_counter()
    many_steps(run.n)
    return time.perf_counter() - begin


def queue(run):
    DBOS.register_queue(
        QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=run.polling_ms / 1000
    )
    begin = time.perf_counter()
    side_by_side(run, lambda: DBOS.enqueue_workflow(QUEUE, one_step))

    # One question for all of them, rather than one for each handle.
    unfinished = {"status": ["ENQUEUED", "PENDING"], "limit": 1, "load_input": False}
    while DBOS.list_workflows(**unfinished):
        time.sleep(0.2)
    return time.perf_counter() - begin


def recovery(run):
    """Leaves a workflow after its recorded steps, launches again, and measures until the next step begins."""
    DBOS.start_workflow(many_steps_then_wait, run.n)
    reached.wait()
    # The first execution stays in its step, and does nothing more.
    DBOS.destroy()
    reached.clear()

    begin = time.perf_counter()
    launch(run)
    reached.wait()
    return time.perf_counter() - begin


def main():
    run = parse()
    launch(run)
    work = {"start": start, "steps": steps, "queue": queue, "recovery": recovery}[run.work]
    seconds = work(run)
    line = {
        "work": run.work,
        "n": run.n,
        "in_flight": run.in_flight,
        "seconds": round(seconds, 6),
        "rate": round(run.n / seconds),
        "store": "postgres",
        "connections": run.connections,
        "polling_ms": run.polling_ms,
    }
    print(json.dumps(line), flush=True)
    # Threads that wait in their steps would keep the interpreter.
    sys.stderr.flush()
    os._exit(0)


main()
