"""What the checks are made of: worker processes, clients of DBOS, the `dbos` command, and what is
expected of them."""

import contextlib
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from dbos import DBOSClient
from dbos._error import DBOSNonExistentWorkflowError
from dbos._serialization import DBOSPortableJSONSerializer, WorkflowSerializationFormat

APP = "rs-app"
VERSION = "v1"
PORTABLE = WorkflowSerializationFormat.PORTABLE
# Far more than anything here needs, for machines that are busy with other things.
PATIENCE = 30.0
# A launch of a Python application alone takes seconds of a processor.
LAUNCH = 90.0
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

# What cannot be read is some check's subject; the log of it would bury the outcome.
logging.getLogger("dbos").setLevel(logging.CRITICAL)


class Failure(Exception):
    """A statement of the contract that does not hold."""


def same(what, got, wanted):
    if got != wanted or isinstance(got, bool) != isinstance(wanted, bool):
        raise Failure(f"{what}: got {got!r}, wanted {wanted!r}")


def holds(what, truth):
    if not truth:
        raise Failure(what)


def raises(what, name, action):
    """Runs `action`, which has to raise an error whose type is called `name`; returns it."""
    try:
        value = action()
    except Exception as error:
        if type(error).__name__ != name:
            raise Failure(f"{what}: raised {error!r}, wanted {name}") from error
        return error
    raise Failure(f"{what}: gave {value!r}, wanted the error {name}")


def until(what, probe, patience=PATIENCE):
    """Asks `probe` until it says something true, which is returned."""
    deadline = time.monotonic() + patience
    while True:
        last = probe()
        if last:
            return last
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {patience:.0f} s, last seen {last!r}")
        time.sleep(0.03)


def stays(what, probe, seconds):
    """Asks `probe` again and again for some time, and it has to say something true each time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        holds(what, probe())
        time.sleep(0.05)


def alone(check):
    """Marks a check that wants an empty database and starts its workers itself."""
    check.alone = True
    return check


class Worker:
    """A process of the worker under test."""

    def __init__(self, command, arguments, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self.folder,
        )
        self.stdout = b""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 4096):
            with self._changed:
                self.stdout += piece
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def stderr(self):
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-1500:]

    def ready(self):
        with self._changed:
            self._changed.wait_for(
                lambda: b"\n" in self.stdout or not self._reader.is_alive(), LAUNCH
            )
            said = self.stdout
        if not said.startswith(b"ready\n"):
            self.kill()
            raise Failure(f"the worker does not get ready: stdout {said!r}, {self.stderr()}")
        return self

    def refuses(self):
        """It has to exit with a failure, and without a word on stdout. Returns its complaint."""
        try:
            code = self.process.wait(LAUNCH)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"the worker goes on, stdout {self.stdout!r}, {self.stderr()}") from None
        self._reader.join()
        holds("a launch that fails exits non-zero", code != 0)
        same("stdout of a launch that fails", self.stdout, b"")
        return self.stderr()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; the contract gives it 10 s to exit with 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("after SIGTERM the worker is still there 10 s later") from None
        same("exit code after SIGTERM", code, 0)


class World:
    """One database with its workers and clients."""

    def __init__(self, command, place, folder):
        self.command = shlex.split(command)
        self.place = place
        self.folder = Path(folder)
        self.database = place.make()
        self.url = self.database.url
        self.postgres = self.database.postgres
        self.effects_file = self.folder / f"effects-{uuid.uuid4().hex[:8]}"
        self._workers = []
        self._clients = {}
        self._lock = threading.Lock()

    # Processes

    def start(self, *, effects=True, url=None, **options):
        """Starts a worker without waiting for it; options are those of its command line."""
        pairs = [("--" + name.replace("_", "-"), str(value)) for name, value in options.items()]
        if effects:
            pairs.append(("--effects", str(self.effects_file)))
        # The order of options is nobody's business: each worker gets another one.
        pairs.insert(len(self._workers) % (len(pairs) + 1), ("--db", url or self.url))
        arguments = [word for pair in pairs for word in pair]
        worker = Worker(self.command, arguments, self.folder / uuid.uuid4().hex)
        with self._lock:
            self._workers.append(worker)
        return worker

    def worker(self, **options):
        return self.start(**options).ready()

    def dbos(self, *arguments, fails=False):
        """Runs the `dbos` command on this database; returns what it prints, parsed if JSON."""
        command = [str(Path(sys.executable).parent / "dbos"), *arguments, "-s", self.url]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        if fails:
            holds(f"dbos {' '.join(arguments)} has to fail", done.returncode != 0)
        elif done.returncode != 0:
            raise Failure(f"dbos {' '.join(arguments)}: {done.stderr[-1500:]}")
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    def python(self, script, *arguments):
        """Starts a Python program of this folder, with the database's URL as first argument."""
        path = Path(__file__).parent / script
        command = [sys.executable, str(path)]
        worker = Worker(command, [self.url, *arguments], self.folder / uuid.uuid4().hex)
        with self._lock:
            self._workers.append(worker)
        return worker

    # Clients

    def connect(self, application_name=APP, portable=True, **options):
        """A client of DBOS; one that is portable writes portable JSON throughout."""
        key = (application_name, portable, *sorted(options.items()))
        with self._lock:
            if key not in self._clients:
                if portable:
                    options["serializer"] = DBOSPortableJSONSerializer()
                self._clients[key] = DBOSClient(
                    system_database_url=self.url,
                    application_name=application_name,
                    system_database_pool_size=16,
                    **options,
                )
            return self._clients[key]

    @property
    def client(self):
        return self.connect()

    def id(self, name):
        return f"{name}-{uuid.uuid4().hex[:10]}"

    def enqueue(self, name, /, *args, queue="q", client=None, options=None, **kwargs):
        """Enqueues through the client; returns the workflow's id."""
        given = {"workflow_name": name, "queue_name": queue, **(options or {})}
        given.setdefault("workflow_id", self.id(name))
        (client or self.client).enqueue(given, *args, **kwargs)
        return given["workflow_id"]

    def run(self, name, /, *args, **options):
        """Enqueues and waits for the outcome; returns the workflow's id."""
        id = self.enqueue(name, *args, **options)
        self.ended(id)
        return id

    def result(self, id, client=None):
        """The result as the client gives it; the error as the client raises it."""
        self.ended(id)
        handle = (client or self.client).retrieve_workflow(id)
        return handle.get_result(polling_interval_sec=0.1)

    def failure(self, id, client=None):
        """The error of a workflow as the client raises it."""
        self.ended(id)
        try:
            value = self.result(id, client)
        except Exception as error:
            return error
        raise Failure(f"{id} gives {value!r}, wanted an error")

    # Tables

    def insert(
        self, name, inputs, /, *, id=None, queue="q", serialization="portable_json", **columns
    ):
        """Writes an enqueued workflow as another program would, without any client."""
        columns = {
            "workflow_uuid": id or self.id(name.strip() or "blank"),
            "status": "ENQUEUED",
            "name": name,
            "queue_name": queue,
            "serialization": serialization,
            "application_name": APP,
            **columns,
        }
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        with self.database.transaction():
            self.database.execute(
                f"INSERT INTO workflow_status ({names}) VALUES ({marks})", *columns.values()
            )
            if inputs is not None:
                self.database.execute(
                    "INSERT INTO workflow_input (workflow_uuid, inputs) VALUES (?, ?)",
                    columns["workflow_uuid"],
                    inputs,
                )
        return columns["workflow_uuid"]

    def row(self, id):
        """The row of workflow_status, with inputs, output and error from where 3.x keeps them."""
        rows = self.database.rows("SELECT * FROM workflow_status WHERE workflow_uuid = ?", id)
        if not rows:
            return None
        (row,) = rows
        for table, columns in (("input", ["inputs"]), ("output", ["output", "error"])):
            found = self.database.rows(
                f"SELECT * FROM workflow_{table} WHERE workflow_uuid = ?", id
            )
            for column in columns:
                row["legacy_" + column] = row[column]
                row[column] = found[0][column] if found else None
        return row

    def status(self, id):
        return self.database.value("SELECT status FROM workflow_status WHERE workflow_uuid = ?", id)

    def becomes(self, id, *statuses, patience=PATIENCE):
        try:
            until("", lambda: self.status(id) in statuses, patience)
        except Failure:
            row = self.row(id)
            error = f", error {row['error']}" if row and row["error"] else ""
            raise Failure(
                f"{id} has to become {' or '.join(statuses)} within {patience:.0f} s, "
                f"is {row and row['status']}{error}"
            ) from None

    def ended(self, id, patience=PATIENCE):
        """Waits until the workflow has an outcome; returns its row."""
        self.becomes(id, *ENDED, patience=patience)
        return self.row(id)

    def succeeded(self, id):
        row = self.ended(id)
        same(f"status of {id} ({row['error']})", row["status"], "SUCCESS")
        return row

    def steps(self, id):
        return self.database.rows(
            "SELECT * FROM operation_outputs WHERE workflow_uuid = ? ORDER BY function_id", id
        )

    def step_names(self, id):
        return [(step["function_id"], step["function_name"]) for step in self.steps(id)]

    def effects(self, id):
        """The names of the steps that began for a workflow, in order."""
        if not self.effects_file.exists():
            return []
        lines = self.effects_file.read_text().splitlines()
        return [line.removeprefix(id + " ") for line in lines if line.startswith(id + " ")]

    def begun(self, id, step, times=1):
        """Waits until a step's body has begun that many times."""
        until(f"{step} of {id} begins", lambda: self.effects(id).count(step) >= times)

    def gone(self, id):
        try:
            self.client.retrieve_workflow(id)
        except DBOSNonExistentWorkflowError:
            return True
        return False

    def close(self):
        for worker in self._workers:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
        for client in self._clients.values():
            client.destroy()
        self.place.drop(self.database)
