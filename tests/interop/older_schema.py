#!/usr/bin/env python3
"""Migrate a database with DBOS's own migrations, but stop at an older version.

older_schema.py postgresql://localhost/fresh 108
"""

import sys

from dbos import _migration, _sys_db_sqlite
from dbos.cli.migration import run_dbos_database_migrations


def main(url, version):
    every = _migration.get_dbos_migrations
    _migration.get_dbos_migrations = lambda *given: every(*given)[:version]
    del _sys_db_sqlite.sqlite_migrations[version:]
    run_dbos_database_migrations(url)


main(sys.argv[1], int(sys.argv[2]))
