#!/usr/bin/env python3
"""Drive a worker with the real DBOS: its Python client, its command, its applications.

    run.py --worker target/debug/conformance-worker --db postgresql://localhost/postgres
    run.py --worker target/debug/conformance-worker --db /tmp/databases --only check_queues

The checks are the functions `check_*` of the files `check_*.py` in this folder. Those of a file
share a database and a worker, but for those that are marked `@alone`. Their documentation names
the rules that they show, in a line `Rules: W1, W7`.

Exits 0 when every check holds, 1 when one does not. Needs Python with the package dbos 3.4.0.
"""

import argparse
import importlib
import re
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from databases import Place
from driver import Failure, World


def checks(only):
    """The checks whose file or name is `only`; all without."""
    found = []
    for path in sorted(Path(__file__).parent.glob("check_*.py")):
        module = importlib.import_module(path.stem)
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == path.stem
            if name.startswith("check_") and own and only in (None, path.stem, name):
                found.append((path.stem, name, value))
    return found


class Suite:
    def __init__(self, command, place, folder):
        self.command, self.place, self.folder = command, place, folder
        self.shared = {}

    def world(self):
        return World(self.command, self.place, self.folder)

    def share(self, file):
        """Makes the database and the worker of a file's checks; or keeps why it cannot."""
        world = self.world()
        try:
            world.worker()
            self.shared[file] = world
        except Exception as error:
            world.close()
            self.shared[file] = error

    def run(self, check):
        file, name, function = check
        began = time.monotonic()
        reason = None
        try:
            if getattr(function, "alone", False):
                world = self.world()
                try:
                    function(world)
                finally:
                    world.close()
            elif isinstance(self.shared[file], World):
                function(self.shared[file])
            else:
                raise self.shared[file]
        except Failure as failure:
            line = traceback.extract_tb(failure.__traceback__)
            place = next((at.lineno for at in line if "/check_" in at.filename), "?")
            reason = f"line {place}: {failure}"
        except Exception:
            reason = traceback.format_exc()
        verdict = "ok  " if reason is None else "FAIL"
        print(f"{verdict} {time.monotonic() - began:5.1f} s  {file}.{name}", flush=True)
        return (f"{file}.{name}", reason) if reason else None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worker", help="the command that starts a worker")
    parser.add_argument("--db", help="a PostgreSQL URL, or a folder for SQLite files")
    parser.add_argument("--only", help="a file (check_queues) or a check")
    parser.add_argument("--list", action="store_true", help="name the checks and their rules")
    parser.add_argument("--threads", type=int, default=8, help="checks that run at once")
    given = parser.parse_args()

    chosen = checks(given.only)
    if given.list:
        for file, name, function in chosen:
            rules = re.search(r"Rules: (.*)", function.__doc__ or "")
            print(f"{file}.{name}  {rules[1] if rules else ''}")
        return 0
    if not given.worker or not given.db:
        parser.error("--worker and --db are needed")
    if not chosen:
        parser.error(f"there is no check {given.only}")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        suite = Suite(given.worker, Place(given.db), Path(folder))
        try:
            # The long ones first: those that start workers of their own.
            chosen.sort(key=lambda check: not getattr(check[2], "alone", False))
            with ThreadPoolExecutor(given.threads) as pool:
                files = {file for file, _, check in chosen if not getattr(check, "alone", False)}
                list(pool.map(suite.share, files))
                failures = [failure for failure in pool.map(suite.run, chosen) if failure]
        finally:
            for world in suite.shared.values():
                if isinstance(world, World):
                    world.close()
    for name, reason in failures:
        print(f"\n{name}\n  {reason}")
    print(f"\n{len(chosen)} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
