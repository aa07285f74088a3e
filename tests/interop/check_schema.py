"""The tables: those that the worker makes are DBOS's, and those of DBOS stay as they are."""

import subprocess
import sys
from pathlib import Path

import compare_schema
from driver import Failure, alone, holds, same

VERSION_NOW = 125


def catalogue(world, url=None):
    """Everything about the system tables, but for `durable_*` ones, which are the worker's own."""
    url = url or world.url
    return compare_schema.read_postgres(url) if world.postgres else compare_schema.read_sqlite(url)


def differences(first, second):
    return sorted(
        f"{key}: {first.get(key, 'absent')} | {second.get(key, 'absent')}"
        for key in {*first, *second}
        if first.get(key) != second.get(key)
    )


def functions(world):
    """The functions with their bodies."""
    if not world.postgres:
        return []
    return world.database.rows(
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'dbos'::regnamespace ORDER BY 1"
    )


def versions(world):
    return [row["version"] for row in world.database.rows("SELECT version FROM dbos_migrations")]


def migrate_by_python(world, version=None):
    """Migrates with DBOS itself, as far as a version if one is given."""
    if version is None:
        world.dbos("migrate")
        return
    script = Path(__file__).parent / "older_schema.py"
    command = [sys.executable, str(script), world.url, str(version)]
    done = subprocess.run(command, capture_output=True, text=True)
    holds(f"migrated to {version}: {done.stderr[-800:]}", done.returncode == 0)
    same("version", versions(world), [version])


@alone
def check_python_migrates_and_the_worker_changes_nothing(world):
    """A launch at version 125 leaves the catalogue as it is, functions and all."""
    migrate_by_python(world)
    before, bodies = catalogue(world), functions(world)
    worker = world.worker()
    same("result", world.result(world.run("add", 1, 2)), 3)
    worker.stop()
    same("catalogue", differences(before, catalogue(world)), [])
    same("functions", functions(world), bodies)
    same("version", versions(world), [VERSION_NOW])


@alone
def check_the_worker_migrates_and_python_changes_nothing(world):
    """What the worker makes of an empty database is what `dbos migrate` makes: that adds nothing."""
    worker = world.worker()
    same("version", versions(world), [VERSION_NOW])
    before, bodies = catalogue(world), functions(world)
    id = world.run("add", 1, 2)
    said = world.dbos("migrate")
    holds(f"no migration is applied: {said}", "Applying" not in str(said))
    same("catalogue", differences(before, catalogue(world)), [])
    same("functions", functions(world), bodies)
    same("version", versions(world), [VERSION_NOW])
    same("result", world.result(id), 3)
    worker.stop()
    theirs = world.place.make()
    try:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbos"), "migrate", "-s", theirs.url],
            capture_output=True,
            text=True,
            cwd=world.folder,
        )
        same("exit code of dbos migrate", done.returncode, 0)
        same("ours | theirs", differences(before, catalogue(world, theirs.url)), [])
    finally:
        world.place.drop(theirs)


@alone
def check_an_application_launches_without_migrating(world):
    """A Python application that may not migrate runs on what the worker made."""
    world.worker()
    before = catalogue(world)
    world.python("python_app.py", "--no-migrations").ready()
    client = world.connect("py-app", portable=False)
    id = world.enqueue("greet", "bob", queue="pyq", client=client)
    same("result", world.result(id, client), "hello bob")
    same("catalogue", differences(before, catalogue(world)), [])


@alone
def check_newer_schemas_are_tolerated(world):
    """A version beyond 125 is left alone."""
    migrate_by_python(world)
    world.database.execute("UPDATE dbos_migrations SET version = 130")
    before = catalogue(world)
    world.worker()
    same("result", world.result(world.run("add", 1, 2)), 3)
    same("version", versions(world), [130])
    same("catalogue", differences(before, catalogue(world)), [])


def older(world, version):
    migrate_by_python(world, version)
    world.worker()
    same("version", versions(world), [VERSION_NOW])
    same("result", world.result(world.run("add", 1, 2)), 3)
    ours = catalogue(world)
    theirs = world.place.make()
    try:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbos"), "migrate", "-s", theirs.url],
            capture_output=True,
            cwd=world.folder,
        )
        same("exit code of dbos migrate", done.returncode, 0)
        same("ours | theirs", differences(ours, catalogue(world, theirs.url)), [])
    finally:
        world.place.drop(theirs)


@alone
def check_a_schema_of_rust_0_5_is_migrated(world):
    """Version 108, where the payloads are still in workflow_status.

    Rules: F11
    """
    older(world, 108)


@alone
def check_the_oldest_shared_version_is_migrated(world):
    """Version 100, from which on a number means the same change to everybody."""
    older(world, 100)


@alone
def check_a_schema_of_before_the_shared_versions(world):
    """Below 100 the numbers are Python's own: what is there is left as it is, with a complaint, or
    migrated wholly."""
    migrate_by_python(world, 47 if world.postgres else 40)
    before = catalogue(world)
    worker = world.start()
    try:
        worker.ready()
    except Failure:
        worker.refuses()
        same("catalogue", differences(before, catalogue(world)), [])
    else:
        same("version", versions(world), [VERSION_NOW])
        same("result", world.result(world.run("add", 1, 2)), 3)


@alone
def check_rows_of_an_older_schema_run(world):
    """What was enqueued before the migration runs after it.

    Rules: F11
    """
    migrate_by_python(world, 108)
    world.database.execute(
        "INSERT INTO workflow_status"
        " (workflow_uuid, status, name, queue_name, serialization, inputs) VALUES"
        " ('old', 'ENQUEUED', 'add', 'q', 'portable_json', '{\"positionalArgs\":[40,2]}')"
    )
    world.worker()
    same("output", world.succeeded("old")["output"], "42")


@alone
def check_an_interrupted_migration_goes_on(world):
    """Any version in between is continued from."""
    older(world, 117)
