"""What stands in the tables, byte for byte; and rows that other programs write."""

import base64
import json
import pickle
import time

from dbos._serialization import DBOSPortableJSONSerializer, WorkflowSerializationFormat
from driver import APP, PORTABLE, holds, same, stays

GOLDEN_INPUTS = (
    '{"positionalArgs":["hello-interop",42,"2025-06-15T10:30:00.000Z",["alpha","beta","gamma"],'
    '{"key1":"value1","key2":99,"nested":{"deep":true}},true,null]}'
)
GOLDEN_ARGUMENTS = json.loads(GOLDEN_INPUTS)["positionalArgs"]
GOLDEN_OUTPUT = (
    '{"echo_text":"hello-interop","echo_num":42,"echo_dt":"2025-06-15T10:30:00.000Z",'
    '"items_count":3,"meta_keys":["key1","key2","nested"],"flag":true,"empty":null,'
    '"received":{"sender":"test","payload":[1,2,3]}}'
)
GOLDEN_EVENT = '{"text":"hello-interop","num":42,"flag":true}'
GOLDEN_STREAM = '{"item":"hello-interop"}'
GOLDEN_MESSAGE = {"sender": "test", "payload": [1, 2, 3]}


def golden(world, id):
    """The golden values of the three SDKs' own interoperability tests."""
    row = world.succeeded(id)
    same("output", row["output"], GOLDEN_OUTPUT)
    got = (row["serialization"], row["name"], row["class_name"], row["error"])
    same("row", got, ("portable_json", "canonicalWorkflow", "interop", None))
    for table in ("workflow_events", "workflow_events_history"):
        (event,) = world.database.rows(f"SELECT * FROM {table} WHERE workflow_uuid = ?", id)
        got = (event["key"], event["value"], event["serialization"])
        same(table, got, ("interop_status", GOLDEN_EVENT, "portable_json"))
    (entry,) = world.database.rows("SELECT * FROM streams WHERE workflow_uuid = ?", id)
    got = (entry["key"], entry["offset"], entry["value"], entry["serialization"])
    same("stream", got, ("interop_stream", 0, GOLDEN_STREAM, "portable_json"))
    names = ["DBOS.setEvent", "DBOS.writeStream", "DBOS.recv", "DBOS.sleep"]
    same("steps", world.step_names(id), [(i + 1, name) for i, name in enumerate(names)])


def error_of(world, id):
    row = world.ended(id, patience=20)
    same(f"status of {id}", row["status"], "ERROR")
    holds("the error says something", row["error"])
    return row


def check_canonical_workflow_from_raw_rows(world):
    """Inputs in the minimal form, written into the tables; the message too.

    Rules: F1, F2, F4, F8
    """
    id = world.insert("canonicalWorkflow", GOLDEN_INPUTS, queue="interopq", class_name="interop")
    world.database.execute(
        "INSERT INTO notifications (message_uuid, destination_uuid, topic, message, serialization)"
        " VALUES (?, ?, ?, ?, ?)",
        world.id("message"),
        id,
        "interop_topic",
        '{"sender":"test","payload":[1,2,3]}',
        "portable_json",
    )
    golden(world, id)


def check_canonical_workflow_from_the_client(world):
    """The same, by a default client that asks for portable JSON.

    Rules: F1, F9
    """
    client = world.connect(portable=False)
    options = {"class_name": "interop", "serialization_type": PORTABLE}
    id = world.enqueue(
        "canonicalWorkflow", *GOLDEN_ARGUMENTS, queue="interopq", client=client, options=options
    )
    text = '{"namedArgs":{},"positionalArgs":' + GOLDEN_INPUTS.removeprefix('{"positionalArgs":')
    same("inputs", world.row(id)["inputs"], text)
    client.send(id, GOLDEN_MESSAGE, "interop_topic", serialization_type=PORTABLE)
    golden(world, id)
    same("result", world.result(id, client), json.loads(GOLDEN_OUTPUT))
    same("event", client.get_event(id, "interop_status", 5), json.loads(GOLDEN_EVENT))
    same("stream", list(client.read_stream(id, "interop_stream")), [json.loads(GOLDEN_STREAM)])


def check_kwarg_workflow(world):
    """Rules: F1"""
    inputs = '{"positionalArgs":[],"namedArgs":{"name":"test","count":42,"tags":["a","b"]}}'
    id = world.insert("kwargWorkflow", inputs, queue="interopq", class_name="interop")
    same("output", world.succeeded(id)["output"], '"test-42-a,b"')
    id = world.enqueue(
        "kwargWorkflow", tags=[], name="ü", count=0, options={"class_name": "interop"}
    )
    same("output", world.succeeded(id)["output"], '"ü-0-"')


def check_envelopes_of_every_sdk(world):
    """Any order, missing or null keys, spaces.

    Rules: F1
    """
    for inputs, output in [
        ('{"positionalArgs":[1],"namedArgs":{"k":2}}', '{"args":[1],"kwargs":{"k":2}}'),
        ('{"namedArgs":{"k":2},"positionalArgs":[1]}', '{"args":[1],"kwargs":{"k":2}}'),
        (
            '{"positionalArgs" : [1, {"a" : "b"}], "namedArgs" : {}}',
            '{"args":[1,{"a":"b"}],"kwargs":{}}',
        ),
        ('{"namedArgs":{"k":null}}', '{"args":[],"kwargs":{"k":null}}'),
        ('{"positionalArgs":null,"namedArgs":null}', '{"args":[],"kwargs":{}}'),
        ('{"positionalArgs":[null]}', '{"args":[null],"kwargs":{}}'),
        ("{}", '{"args":[],"kwargs":{}}'),
        ('{"positionalArgs":["\\u00e9\\ud83d\\ude00"]}', '{"args":["é😀"],"kwargs":{}}'),
        ('{"positionalArgs":["a\\u0000b"]}', '{"args":["a\\u0000b"],"kwargs":{}}'),
    ]:
        row = world.succeeded(world.insert("echo", inputs))
        same(f"output for {inputs}", row["output"], output)


def check_rows_that_cannot_be_read(world):
    """An ERROR, never a row that hangs: bad JSON, no inputs, a format that nobody here knows.

    Rules: L11, W2
    """
    bad = {
        "not JSON": dict(inputs="{not json"),
        "no envelope": dict(inputs="[1,2]"),
        "arguments that are no array": dict(inputs='{"positionalArgs":5}'),
        "no row of inputs": dict(inputs=None),
        "js_superjson": dict(inputs='{"json":[1]}', serialization="js_superjson"),
        "rust_serde": dict(inputs="[1]", serialization="rust_serde"),
        "DBOS_JSON": dict(inputs="WzFd", serialization="DBOS_JSON"),
        "a made-up format": dict(inputs="x", serialization="klingon"),
        "no pickle": dict(inputs="!!!", serialization="py_pickle"),
    }
    ids = {
        what: world.insert("echo", columns.pop("inputs"), **columns)
        for what, columns in bad.items()
    }
    ids["a blank id"] = world.insert("echo", '{"positionalArgs":[]}', id="   ")
    for what, id in ids.items():
        row = error_of(world, id)
        same(f"owner of the row with {what}", row["owner_xid"], None)
        holds(f"completed_at of {what}", row["completed_at"])
    for what in ("js_superjson", "rust_serde", "a made-up format"):
        row = world.row(ids[what])
        holds(f"the error names the format: {row['error']}", row["serialization"] in row["error"])
    same("afterwards", world.result(world.run("add", 1, 2)), 3)


def check_odd_but_legal_json(world):
    """Lone surrogates, depth and great numbers may be refused, but come to an end."""
    for inputs in [
        '{"positionalArgs":["\\ud800"]}',
        '{"positionalArgs":[' + "[" * 300 + "]" * 300 + "]}",
        '{"positionalArgs":[1e400]}',
        '{"positionalArgs":[1],"positionalArgs":[2]}',
        '{"positionalArgs":[1],"surplus":true}',
    ]:
        row = world.ended(world.insert("echo", inputs), patience=15)
        holds(f"{inputs[:40]} ends, is {row['status']}", row["status"] in ("SUCCESS", "ERROR"))
    row = world.succeeded(world.enqueue("echo", "x" * 1_000_000))
    same("a megabyte", len(row["output"]), 1_000_000 + len('{"args":[""],"kwargs":{}}'))


def check_rows_without_a_format(world):
    """NULL is the application's own format, portable JSON, with the envelope of schedules.

    Rules: C3, F8
    """
    id = world.insert("echo", '{"args":[1,{"b":2}],"kwargs":{"k":3}}', serialization=None)
    output = '{"args":[1,{"b":2}],"kwargs":{"k":3}}'
    same("output", world.succeeded(id)["output"], output)
    row = world.ended(world.insert("fail", '{"args":["m"],"kwargs":{}}', serialization=None))
    same("error", row["error"], '{"name":"MyErr","message":"m","code":42,"data":{"k":[1]}}')
    # The other envelope may be understood or refused, but not left.
    id = world.insert(
        "echo", '{"positionalArgs":[1,{"b":2}],"namedArgs":{"k":3}}', serialization=None
    )
    row = world.ended(id, patience=15)
    holds("refused or understood", row["status"] == "ERROR" or row["output"] == output)


def check_payloads_where_2_x_kept_them(world):
    """Inputs and outputs in workflow_status itself are read too.

    Rules: F11
    """
    id = world.insert("add", None, inputs='{"positionalArgs":[40,2]}')
    same("output", world.succeeded(id)["output"], "42")
    parent = world.id("parent")
    world.insert("add", None, id=f"{parent}-1", status="SUCCESS", output="42")
    world.enqueue("parent", 1, options={"workflow_id": parent})
    same("result of the legacy child", world.result(parent), [42])


def check_pickled_rows(world):
    """A default client gets a pickled result, or an error that it can show; nothing hangs.

    Rules: F8, F12, L11
    """
    client = world.connect(portable=False)
    ids = {
        "add": world.enqueue("add", 20, 22, client=client),
        "echo": world.enqueue("echo", [1, "ü"], client=client, k=None),
        "fail": world.enqueue("fail", "boom ü", client=client),
        "sleeper": world.enqueue("sleeper", 10, client=client),
        "set": world.enqueue("echo", {1, 2}, client=client),
        "object": world.enqueue("echo", time.gmtime(), client=client),
        "none": world.enqueue("send_test", "never", 0.1, client=client),
    }
    wanted = {
        "add": 42,
        "echo": {"args": [[1, "ü"]], "kwargs": {"k": None}},
        "sleeper": 10,
        "none": None,
    }
    for what, id in ids.items():
        row = world.ended(id, patience=15)
        same(f"format of {what}", row["serialization"], "py_pickle")
        status = client.retrieve_workflow(id).get_status()
        if row["status"] == "SUCCESS":
            value = pickle.loads(base64.b64decode(row["output"], validate=True))
            same(
                f"what the client gets of {what}", client.retrieve_workflow(id).get_result(), value
            )
            if what in wanted:
                plain = json.loads(json.dumps(value))
                same(f"result of {what}", plain, wanted[what])
            holds("fail fails", what != "fail")
        else:
            same(f"status of {what}", row["status"], "ERROR")
            error = pickle.loads(base64.b64decode(row["error"], validate=True))
            holds(f"an exception: {error!r}", isinstance(error, Exception))
            holds(f"the status shows it: {status.error!r}", isinstance(status.error, Exception))
            same("what the client raises", type(world.failure(id, client)), type(error))
            holds("it says something", str(error))
            if what == "fail":
                holds(
                    "it says it was a pickle, or boom",
                    "pickle" in str(error) or "boom" in str(error),
                )


def check_native_rows_of_a_portable_client(world):
    """A row says itself which format it has.

    Rules: F8, F9
    """
    options = {"serialization_type": WorkflowSerializationFormat.NATIVE}
    id = world.enqueue("add", 1, 2, options=options)
    row = world.ended(id, patience=15)
    same("format", row["serialization"], "py_pickle")
    if row["status"] == "SUCCESS":
        same("result", world.result(id), 3)
    else:
        holds("an exception", isinstance(world.failure(id), Exception))


def check_everything_recorded_is_portable(world):
    """Step outputs and results of children carry their format.

    Rules: R15, E4
    """
    id = world.run("parent", 1)
    start, result = world.steps(id)
    same("a start", start["serialization"], None)
    same("a result", (result["output"], result["serialization"]), ("0", "portable_json"))
    receiver = world.enqueue("send_test", "t")
    world.client.send(receiver, {"b": 1, "a": [2]}, "t")
    same("result", world.result(receiver), {"b": 1, "a": [2]})
    recv, sleep = world.steps(receiver)
    same("recv", (recv["output"], recv["serialization"]), ('{"b":1,"a":[2]}', "portable_json"))
    same("its timeout", sleep["serialization"], "portable_json")


def check_the_sql_functions(world):
    """enqueue_workflow and send_message, from any PostgreSQL client.

    Rules: F1, G1, Q18, Q23
    """
    if not world.postgres:
        return
    database, id = world.database, world.id("sql")
    got = database.value(
        "SELECT dbos.enqueue_workflow('canonicalWorkflow', 'interopq', ?::json[],"
        " class_name => 'interop', workflow_id => ?, application_name => ?)",
        [json.dumps(argument) for argument in GOLDEN_ARGUMENTS],
        id,
        APP,
    )
    same("its answer", got, id)
    database.execute(
        "SELECT dbos.send_message(?, ?::json, 'interop_topic')",
        id,
        '{"sender" : "test", "payload" : [1, 2, 3]}',
    )
    golden(world, id)
    id = database.value(
        "SELECT dbos.enqueue_workflow('kwargWorkflow', 'q', named_args => ?::json,"
        " class_name => 'interop', priority => 4, deduplication_id => ?, timeout_ms => 60000)",
        '{"name": "test", "count": 42, "tags": ["a", "b"]}',
        world.id("dedup"),
    )
    row = world.succeeded(id)
    same("output", row["output"], '"test-42-a,b"')
    got = (
        row["application_name"],
        row["priority"],
        row["workflow_timeout_ms"],
        row["deduplication_id"],
    )
    same("row", got, (APP, 4, 60000, None))
    later = int(time.time() * 1000) + 700
    id = database.value(
        "SELECT dbos.enqueue_workflow('echo', 'q', delay_until_epoch_ms => ?)", later
    )
    same("delayed", world.status(id), "DELAYED")
    same("output", world.succeeded(id)["output"], '{"args":[],"kwargs":{}}')
    waiting = world.enqueue("send_test", None)
    database.execute("SELECT dbos.send_message(?, ?::json)", waiting, '"hi"')
    same("without a topic", world.result(waiting), "hi")


def check_any_client_shows_the_outcome(world):
    """Portable rows are shown alike by portable and default clients, named or not.

    Rules: F8, I2, I5
    """
    done, failed = world.run("add", 1, 2), world.run("fail", "boom")
    for client in (world.client, world.connect(portable=False), world.connect(None)):
        same("result", world.result(done, client), 3)
        same("error", str(world.failure(failed, client)), "boom")
        statuses = {s.workflow_id: s for s in client.list_workflows(workflow_ids=[done, failed])}
        same("listed output", statuses[done].output, 3)
        same("listed error", str(statuses[failed].error), "boom")
    other = world.connect("other-app")
    listed = {status.workflow_id for status in other.list_workflows(workflow_id_prefix=done)}
    same("another application does not list it", listed, set())


def check_stale_formats_stay_out(world):
    """What the worker writes never carries another format than portable JSON or the row's."""
    serializer = DBOSPortableJSONSerializer().name()
    id = world.run("event_test", "k", {"a": 1})
    for table in ("operation_outputs", "workflow_events", "workflow_events_history"):
        rows = world.database.rows(f"SELECT serialization FROM {table} WHERE workflow_uuid = ?", id)
        formats = {row["serialization"] for row in rows}
        holds(f"formats in {table}: {formats}", formats <= {serializer, None})
    stays("SUCCESS", lambda: world.status(id) == "SUCCESS", 0.2)
