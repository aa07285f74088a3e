"""Messages, events and streams between the Python client and the worker's workflows."""

import json
import time

from dbos._serialization import WorkflowSerializationFormat
from dbos._sys_db import SendMessage
from driver import PORTABLE, holds, raises, same, until

RICH_DATE = "2025-06-15T10:30:00.000Z"
RICH_ITEMS = [1, "two", [3, 4], {"nested": True}, None, 3.14]
RICH_NESTED = {"a": 1, "b": {"c": [2, 3]}, "d": "hello", "e": None}


def messages(world, id):
    return world.database.rows("SELECT * FROM notifications WHERE destination_uuid = ?", id)


def events(world, id):
    rows = world.database.rows("SELECT * FROM workflow_events WHERE workflow_uuid = ?", id)
    return {row["key"]: (row["value"], row["serialization"]) for row in rows}


def stream(world, id, key):
    rows = world.database.rows(
        'SELECT * FROM streams WHERE workflow_uuid = ? AND "key" = ? ORDER BY "offset"', id, key
    )
    same(f"offsets of {key}", [row["offset"] for row in rows], list(range(len(rows))))
    return [(row["value"], row["serialization"]) for row in rows]


def check_send_and_receive(world):
    """With and without a topic; whatever JSON it is; consumed once.

    Rules: G1, G2, N3
    """
    for topic, message in (
        (None, "plain"),
        ("t", {"z": 1, "a": [None, 2**70, "ü"]}),
        (None, None),
        ("", [1.5, True]),
    ):
        id = world.enqueue("send_test", topic)
        world.client.send(id, message, topic)
        same(f"{message!r} on {topic!r}", world.result(id), message)
        same("steps", world.step_names(id), [(1, "DBOS.recv"), (2, "DBOS.sleep")])
        (row,) = messages(world, id)
        got = (bool(row["consumed"]), row["consumed_by_function_id"], row["topic"])
        same("the message's row", got, (True, 1, "__null__topic__" if topic is None else topic))


def check_a_waiting_receiver_wakes(world):
    """A message for a workflow that waits already arrives at once.

    Rules: G2, G7
    """
    id = world.enqueue("send_test", "late")
    until("it waits", lambda: len(world.steps(id)) == 1)
    time.sleep(0.2)
    sent = time.time()
    world.client.send(id, 1, "late")
    same("result", world.result(id), 1)
    took = time.time() - sent
    holds(f"it wakes within 2 s (took {took:.1f} s)", took < 2)


def check_receive_times_out(world):
    """null after the timeout, which is recorded.

    Rules: G3, P2
    """
    began = time.time()
    id = world.enqueue("send_test", "never", 0.5)
    row = world.succeeded(id)
    same("output", row["output"], "null")
    holds("it waits", time.time() - began >= 0.5)
    same("steps", world.step_names(id), [(1, "DBOS.recv"), (2, "DBOS.sleep")])
    same("by name", world.result(world.run("send_test", topic="x", timeout_s=0.1)), None)
    world.client.send(id, "too late", "never")
    same("a finished one still takes it", len(messages(world, id)), 1)


def check_messages_keep_their_order_and_topic(world):
    """First in, first out, for each topic; the rest stays.

    Rules: G2, G4, G5
    """
    id = world.enqueue("send_test", "a", options={"delay_seconds": 3600})
    client = world.client
    client.send(id, "other", "b")
    client.send(id, "first", "a")
    time.sleep(1.1 if not world.postgres else 0.01)
    client.send_bulk([SendMessage(id, "second", "a", None, None)])
    client.set_workflow_delay(id, delay_seconds=0)
    same("result", world.result(id), "first")
    consumed = {json.loads(row["message"]): bool(row["consumed"]) for row in messages(world, id)}
    same("consumed", consumed, {"other": False, "first": True, "second": False})
    once = world.enqueue("send_test", "a", options={"delay_seconds": 3600})
    for text in ("kept", "ignored"):
        client.send(once, text, "a", idempotency_key="key")
    same("one message for one key", len(messages(world, once)), 1)
    client.set_workflow_delay(once, delay_seconds=0)
    same("result", world.result(once), "kept")
    raises("nobody", "DBOSNonExistentWorkflowError", lambda: client.send(world.id("nobody"), 1))


def check_messages_of_a_client_with_pickles(world):
    """Portable messages of a default client are read; a pickle is read or is an ERROR.

    Rules: F8, F9, L11
    """
    client = world.connect(portable=False)
    options = {"serialization_type": PORTABLE}
    id = world.enqueue("send_test", client=client, options=options)
    client.send(id, {"a": 1}, serialization_type=PORTABLE)
    same("result", world.result(id, client), {"a": 1})
    id = world.enqueue("send_test", client=client, options=options)
    client.send(id, {"a": [1, "x", None]})
    row = world.ended(id, patience=15)
    if row["status"] == "SUCCESS":
        same("result", world.result(id, client), {"a": [1, "x", None]})
    else:
        same("status", row["status"], "ERROR")


def check_events_of_any_kind(world):
    """The client reads what the workflow set; rows, history and step agree.

    Rules: E1, E4, N3
    """
    for value in ("v", {"z": [1, None], "a": "ü"}, [1.5], None, True, 10**20):
        id = world.run("event_test", "k", value)
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        same("event", world.client.get_event(id, "k", 5), value)
        same("stored", events(world, id), {"k": (text, "portable_json")})
        history = world.database.rows(
            "SELECT * FROM workflow_events_history WHERE workflow_uuid = ?", id
        )
        got = [(row["function_id"], row["key"], row["value"]) for row in history]
        same("history", got, [(1, "k", text)])
        same("steps", world.step_names(id), [(1, "DBOS.setEvent")])
        (step,) = world.steps(id)
        same("step", (step["output"], step["error"], step["serialization"]), (None, None, None))
    same("result", world.result(world.run("event_test", "k", "v")), "k-v")


def check_events_are_updated(world):
    """The latest value is read; history keeps both.

    Rules: E1, E2
    """
    id = world.enqueue("event_test", "k", "v", 1.5)
    same("a waiting reader", world.client.get_event(id, "k", 20), "v")
    same("result", world.result(id), "k-v")
    same("at the end", world.client.get_event(id, "k", 5), "updated-v")
    names = [(1, "DBOS.setEvent"), (2, "DBOS.sleep"), (3, "DBOS.setEvent")]
    same("steps", world.step_names(id), names)
    history = world.database.rows(
        "SELECT * FROM workflow_events_history WHERE workflow_uuid = ? ORDER BY function_id", id
    )
    got = [(row["function_id"], row["value"]) for row in history]
    same("history", got, [(1, '"v"'), (3, '"updated-v"')])
    same("by name", world.result(world.run("event_test", key="a", value="b", update=0.1)), "a-b")


def check_events_that_are_not_there(world):
    """Rules: E2, E3"""
    id = world.run("echo")
    same("no such key", world.client.get_event(id, "none", 0.3), None)
    same("no such workflow", world.client.get_event(world.id("nobody"), "k", 0.3), None)


def check_events_reach_a_listening_client(world):
    """A client that listens is told of an event, rather than finding it by looking.

    Rules: E1, G7
    """
    if not world.postgres:
        return
    client = world.connect(use_listen_notify=True)
    time.sleep(0.5)
    id = world.enqueue("event_test", "k", "v", 2.0)
    same("event", client.get_event(id, "k", 20), "v")
    until("the update is written", lambda: events(world, id)["k"][0] == '"updated-v"')
    stream_id = world.enqueue("stream_writer", "s", 3, True)
    began = time.time()
    same("stream", list(client.read_stream(stream_id, "s")), [0, 1, 2])
    holds("long before the 60 s of the fallback", time.time() - began < 20)


def check_streams(world):
    """One row a value, in order; the end is a value of its own.

    Rules: X1, X2, X3, X4
    """
    id = world.run("stream_writer", "s", 5, True)
    same("result", world.result(id), 5)
    same("read", list(world.client.read_stream(id, "s")), [0, 1, 2, 3, 4])
    same("from an offset", list(world.client.read_stream(id, "s", offset=3)), [3, 4])
    same("one", world.client.read_stream_offset(id, "s", 2, timeout_seconds=5), 2)
    values = [(str(i), "portable_json") for i in range(5)]
    end = ('"__DBOS_STREAM_CLOSED__"', "portable_json")
    same("stored", stream(world, id, "s"), [*values, end])
    names = [(i + 1, "DBOS.writeStream") for i in range(5)] + [(6, "DBOS.closeStream")]
    same("steps", world.step_names(id), names)
    ids = world.database.rows(
        'SELECT function_id FROM streams WHERE workflow_uuid = ? ORDER BY "offset"', id
    )
    same("function ids", [row["function_id"] for row in ids], [1, 2, 3, 4, 5, 6])
    raises(
        "past the end",
        "DBOSStreamTimeoutError",
        lambda: world.client.read_stream_offset(id, "s", 7, timeout_seconds=1),
    )


def check_streams_that_stay_open(world):
    """A reader ends when the workflow has.

    Rules: X3
    """
    id = world.enqueue("stream_writer", key="s", n=3)
    same("read", list(world.client.read_stream(id, "s", polling_interval_sec=0.1)), [0, 1, 2])
    world.succeeded(id)
    same("no sentinel", len(stream(world, id, "s")), 3)
    same("nothing", world.result(world.run("stream_writer", "s", 0, True)), 0)
    raises(
        "of nobody",
        "DBOSNonExistentWorkflowError",
        lambda: list(world.client.read_stream(world.id("nobody"), "s")),
    )


def check_workflow_portable(world):
    """Events, streams, messages and result of `workflowPortable`.

    Rules: E4, X1, G1, F4
    """
    receivers = [world.enqueue("send_test", t) for t in ("default", "native", "portable")]
    options = {"class_name": "workflows"}
    object_ = {"k": "k", "v": ["v"]}
    id = world.enqueue("workflowPortable", "s", 1, object_, options=options)
    world.client.send(id, "M", "incoming")
    row = world.succeeded(id)
    same("output", row["output"], json.dumps('s-1-k:v@"M"'))
    wanted = {
        key: (f'{{"status":"{key}"}}', "portable_json") for key in ("defstat", "nstat", "pstat")
    }
    same("events", events(world, id), wanted)
    for key in ("defstream", "nstream", "pstream"):
        same(key, stream(world, id, key), [(f'{{"stream":"{key}"}}', "portable_json")])
        same("read", list(world.client.read_stream(id, key)), [{"stream": key}])
    for receiver, topic in zip(receivers, ("default", "native", "portable")):
        # One destination a run: each waits on the topic of its own.
        id = world.enqueue(
            "workflowPortable", "t", 2, {"k": "ü", "v": ["a", "b"]}, receiver, options=options
        )
        message = {"z": [1, None], "a": "é"}
        world.client.send(id, message, "incoming")
        same("result", world.result(id), 't-2-ü:a,b@{"z":[1,null],"a":"é"}')
        same("received", world.result(receiver), {"message": topic})
        sent = {
            (row["topic"], row["message"], row["serialization"])
            for row in messages(world, receiver)
        }
        wanted = {
            (t, f'{{"message":"{t}"}}', "portable_json") for t in ("default", "native", "portable")
        }
        same("messages", sent, wanted)


def check_workflow_rich_types(world):
    """Dates, arrays and objects come out as they went in, in the order of the contract.

    Rules: F2, F3, F7
    """
    id = world.enqueue(
        "workflowRichTypes", RICH_DATE, RICH_ITEMS, RICH_NESTED, options={"class_name": "workflows"}
    )
    message = {"from": ["x", None], "at": 1.25}
    world.client.send(id, message, "rich_incoming")
    compact = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    wanted = {
        "date_echo": RICH_DATE,
        "date_obj": RICH_DATE,
        "items": RICH_ITEMS,
        "items_count": 6,
        "nested": RICH_NESTED,
        "nested_keys": ["a", "b", "d", "e"],
        "received_msg": message,
    }
    same("output", world.succeeded(id)["output"], compact(wanted))
    named = {"date_event": RICH_DATE, "array_event": RICH_ITEMS, "map_event": RICH_NESTED}
    stored = {key: (compact(value), "portable_json") for key, value in named.items()}
    same("events", events(world, id), stored)
    id = world.enqueue(
        "workflowRichTypes",
        date="2025-06-15T12:30:00+02:00",
        items=[],
        nested={},
        options={"class_name": "workflows"},
    )
    world.client.send(id, None, "rich_incoming")
    same("in UTC", world.result(id)["date_obj"], RICH_DATE)


def check_workflow_recv_test(world):
    """Rules: G2"""
    id = world.enqueue("workflowRecvTest", options={"class_name": "workflows"})
    world.client.send(id, {"b": 1, "a": 2}, "incoming")
    same("output", world.succeeded(id)["output"], '{"b":1,"a":2}')


def check_messages_of_each_format(world):
    """Native and portable messages of a portable client.

    Rules: F9, F8
    """
    id = world.enqueue("send_test")
    world.client.send(id, [1], serialization_type=WorkflowSerializationFormat.PORTABLE)
    same("portable", world.result(id), [1])
    id = world.enqueue("send_test")
    world.client.send(id, [1], serialization_type=WorkflowSerializationFormat.NATIVE)
    row = world.ended(id, patience=15)
    holds("native is read or an ERROR", row["status"] == "ERROR" or row["output"] == "[1]")
