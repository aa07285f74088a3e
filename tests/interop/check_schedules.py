"""Schedules that the Python client makes and the worker's scheduler keeps."""

import json
import time
from datetime import datetime, timedelta, timezone

from driver import APP, VERSION, alone, holds, raises, same, stays, until

EVERY_SECOND = "* * * * * *"


def runs(world, name):
    return world.database.rows(
        "SELECT * FROM workflow_status WHERE schedule_name = ? ORDER BY workflow_uuid", name
    )


def slots(world, name):
    """The slots of a schedule for which there is a run; each id has to be of the right form."""
    found = []
    for row in runs(world, name):
        id = row["workflow_uuid"]
        holds(f"id {id}", id.startswith(f"sched-{name}-"))
        slot = datetime.fromisoformat(id.removeprefix(f"sched-{name}-"))
        holds(f"{id} is a full second with an offset", slot.microsecond == 0 and slot.tzinfo)
        found.append(slot)
    return sorted(found)


def make(world, name, schedule=EVERY_SECOND, **options):
    client = options.pop("client", world.client)
    options.setdefault("workflow_name", "scheduled")
    client.create_schedule(schedule_name=name, schedule=schedule, **options)


@alone
def check_a_schedule_fires_each_slot_once(world):
    """Two workers fire the slots of a schedule, each once, under the id of its slot.

    Rules: C1, C2, C3, C4
    """
    world.worker(executor="e1")
    world.worker(executor="e2")
    began = datetime.now(timezone.utc)
    make(world, "tick", context={"b": 1, "a": [None]})
    # It looks every second in the first minute, and the next second begins the schedule.
    until("it fires soon", lambda: runs(world, "tick"), 6)
    until("it goes on", lambda: len(runs(world, "tick")) >= 5, 15)
    found = slots(world, "tick")
    holds(f"no slot lies before the schedule: {found[0]}", found[0] > began - timedelta(seconds=1))
    gaps = [(later - sooner).total_seconds() for sooner, later in zip(found, found[1:])]
    same("a run for each second", gaps, [1.0] * len(gaps))
    for row in runs(world, "tick")[:5]:
        id = row["workflow_uuid"]
        row = world.succeeded(id)
        slot = datetime.fromisoformat(id.removeprefix("sched-tick-")).astimezone(timezone.utc)
        text = slot.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        same("output", row["output"], f'{{"time":"{text}","context":{{"b":1,"a":[null]}}}}')
        wanted = {
            "queue_name": "_dbos_internal_queue",
            "application_version": VERSION,
            "application_name": APP,
            "schedule_name": "tick",
            "recovery_attempts": 1,
        }
        same("row", {column: row[column] for column in wanted}, wanted)
    until(
        "last_fired_at is kept",
        lambda: datetime.fromisoformat(world.client.get_schedule("tick")["last_fired_at"])
        >= found[-1],
        5,
    )
    raises("the same name", "DBOSException", lambda: make(world, "tick"))


@alone
def check_pause_resume_and_delete(world):
    """A paused schedule rests, a resumed one goes on, a deleted one is gone.

    Rules: C4, C8
    """
    world.worker()
    for name in ("rests", "goes"):
        make(world, name)
        until(f"{name} fires", lambda: runs(world, name), 6)
    world.client.pause_schedule("rests")
    world.client.delete_schedule("goes")
    time.sleep(2.5)
    counts = [len(runs(world, name)) for name in ("rests", "goes")]
    stays(
        "neither fires",
        lambda: [len(runs(world, name)) for name in ("rests", "goes")] == counts,
        2.5,
    )
    world.client.resume_schedule("rests")
    until("it fires again", lambda: len(runs(world, "rests")) > counts[0], 6)


@alone
def check_a_changed_schedule(world):
    """apply_schedules replaces a definition; the worker follows.

    Rules: C4, C8
    """
    world.worker()
    make(world, "change", context="old")
    until("it fires", lambda: runs(world, "change"), 6)
    new = {
        "schedule_name": "change",
        "workflow_name": "echo",
        "schedule": EVERY_SECOND,
        "context": "new",
    }
    world.client.apply_schedules([new])
    named = lambda: [row for row in runs(world, "change") if row["name"] == "echo"]
    until("it fires the new workflow", named, 8)
    row = world.succeeded(named()[0]["workflow_uuid"])
    same("context", json.loads(row["output"])["args"][1], "new")


@alone
def check_schedules_onto_a_queue_and_of_others(world):
    """A schedule's queue takes its runs; unclaimed schedules run here, those of others do not.

    Rules: C1, C3, V9
    """
    world.worker()
    make(world, "queued", queue_name="q")
    make(world, "open", client=world.connect(None))
    make(world, "theirs", client=world.connect("other-app"))
    until("queued fires", lambda: runs(world, "queued"), 6)
    until("open fires", lambda: runs(world, "open"), 6)
    row = world.succeeded(runs(world, "queued")[0]["workflow_uuid"])
    same("queue", row["queue_name"], "q")
    row = world.succeeded(runs(world, "open")[0]["workflow_uuid"])
    same("application", row["application_name"], APP)
    stays("theirs does not fire", lambda: not runs(world, "theirs"), 1.5)


@alone
def check_automatic_backfill(world):
    """Slots missed while no worker ran are made up at the next launch.

    Rules: C6, C2
    """
    first = world.worker()
    make(world, "missed", automatic_backfill=True)
    until("it fires", lambda: world.client.get_schedule("missed")["last_fired_at"], 8)
    first.kill()
    time.sleep(3)
    world.worker()
    until("it goes on", lambda: len(runs(world, "missed")) >= 6, 15)
    found = slots(world, "missed")
    gaps = [(later - sooner).total_seconds() for sooner, later in zip(found, found[1:])]
    same("no slot is missing", gaps, [1.0] * len(gaps))
    for row in runs(world, "missed")[:6]:
        world.succeeded(row["workflow_uuid"])


def check_trigger(world):
    """The client triggers a run by hand.

    Rules: C2, C3, F8
    """
    name = world.id("trigger")
    make(world, name, "0 0 1 1 *", context={"c": 1})
    handle = world.client.trigger_schedule(name)
    id = handle.get_workflow_id()
    holds(f"id {id}", id.startswith(f"sched-{name}-trigger-"))
    inputs = json.loads(world.row(id)["inputs"])
    same("format", world.row(id)["serialization"], None)
    row = world.succeeded(id)
    same("output", row["output"], f'{{"time":"{inputs["args"][0]}","context":{{"c":1}}}}')
    same("version", row["application_version"], VERSION)


def check_backfill(world):
    """The client enqueues what lies between two times; what is there is not run again.

    Rules: C7, C9, F8
    """
    name = world.id("backfill")
    make(world, name, "0 0 * * *", context=None, cron_timezone="Europe/Berlin")
    start = datetime(2025, 3, 28, 12, tzinfo=timezone.utc)
    handles = world.client.backfill_schedule(name, start, start + timedelta(days=3))
    ids = [handle.get_workflow_id() for handle in handles]
    days = ("2025-03-29T00:00:00+01:00", "2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00")
    same("ids", ids, [f"sched-{name}-{day}" for day in days])
    times = ("2025-03-28T23:00:00.000Z", "2025-03-29T23:00:00.000Z", "2025-03-30T22:00:00.000Z")
    for id, at in zip(ids, times):
        same("output", world.succeeded(id)["output"], f'{{"time":"{at}","context":null}}')
    world.client.backfill_schedule(name, start, start + timedelta(days=3))
    for id in ids:
        same("attempts", world.row(id)["recovery_attempts"], 1)


def check_schedules_of_a_client_with_pickles(world):
    """Its contexts are pickles without a marker. Runs with them end, one way or other, and no other
    schedule suffers.

    Rules: C10, L11
    """
    client, name = world.connect(portable=False), world.id("pickled")
    make(world, name, "0 0 1 1 *", client=client)
    id = client.trigger_schedule(name).get_workflow_id()
    row = world.ended(id, patience=15)
    holds(f"status {row['status']}", row["status"] in ("SUCCESS", "ERROR"))
    make(world, name + "-pickle", EVERY_SECOND, client=client)
    time.sleep(1.5)
    make(world, name + "-json", EVERY_SECOND)
    until("another schedule fires", lambda: runs(world, name + "-json"), 8)
    for end in ("-pickle", "-json"):
        client.delete_schedule(name + end)
    for row in runs(world, name + "-pickle")[:2]:
        row = world.ended(row["workflow_uuid"], patience=15)
        holds(f"status {row['status']}", row["status"] in ("SUCCESS", "ERROR"))


def check_schedule_of_an_unknown_workflow(world):
    """Its runs are an ERROR or wait; they hold nothing up."""
    name = world.id("unknown")
    make(world, name, "0 0 1 1 *", workflow_name="nobody")
    id = world.client.trigger_schedule(name).get_workflow_id()
    world.becomes(id, "ERROR", "ENQUEUED", "DELAYED", patience=10)
    same("class", world.row(id)["class_name"], None)
    make(world, name + "-class", "0 0 1 1 *", workflow_class_name="nowhere")
    id = world.client.trigger_schedule(name + "-class").get_workflow_id()
    world.becomes(id, "ERROR", "ENQUEUED", "DELAYED", patience=10)
    same("afterwards", world.result(world.run("add", 1, 2)), 3)
