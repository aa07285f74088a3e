#!/usr/bin/env python3
"""An application of DBOS for Python, with workflows for the worker to call and one to call it.

    python_app.py URL [--app py-app] [--version p1] [--queue pyq] [--no-migrations]

Says `ready` when it is; SIGTERM ends it.
"""

import argparse
import os
import signal
import sys
import threading

from dbos import DBOS, WorkflowSerializationFormat

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("--app", default="py-app")
parser.add_argument("--version", default="p1")
parser.add_argument("--queue", default="pyq")
parser.add_argument("--no-migrations", action="store_true")
given = parser.parse_args()

DBOS(
    config={
        "name": given.app,
        "system_database_url": given.url,
        "application_version": given.version,
        "executor_id": "py-1",
        "run_migrations": not given.no_migrations,
        "log_level": "ERROR",
    }
)


class PyErr(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.code = "E7"
        self.data = {"why": ["py"]}


@DBOS.workflow(name="greet")
def greet(name):
    return f"hello {name}"


@DBOS.workflow(name="boom")
def boom(message):
    raise PyErr(message)


@DBOS.workflow(name="call_rust")
def call_rust(application, queue, name, args):
    options = {
        "workflow_name": name,
        "queue_name": queue,
        "application_name": application,
        "serialization_type": WorkflowSerializationFormat.PORTABLE,
    }
    handle = DBOS.enqueue_workflow_with_options(options, *args)
    return handle.get_result(polling_interval_sec=0.1)


stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
try:
    DBOS.launch()
    DBOS.register_queue(given.queue, polling_interval_sec=0.1)
except Exception as error:
    print(error, file=sys.stderr, flush=True)
    os._exit(1)
print("ready", flush=True)
stopped.wait()
os._exit(0)
