"""Databases for checks, and their tables as they are, without any client between."""

import contextlib
import sqlite3
import threading
import uuid
from pathlib import Path

import psycopg


class Database:
    """A system database: its tables as they are, without any client between."""

    def __init__(self, url):
        self.url = url
        self.postgres = url.startswith("postgres")
        self._lock = threading.RLock()
        self._connection = None

    def _connected(self):
        if self._connection is None and self.postgres:
            self._connection = psycopg.connect(
                self.url, autocommit=True, options="-c search_path=dbos,public"
            )
        elif self._connection is None:
            path = self.url.removeprefix("sqlite:///")
            self._connection = sqlite3.connect(
                path, timeout=30, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA foreign_keys = ON")
        return self._connection

    def _execute(self, sql, values):
        if self.postgres:
            sql = sql.replace("%", "%%").replace("?", "%s")
        return self._connected().execute(sql, values)

    def rows(self, sql, *values):
        """Rows as dictionaries."""
        with self._lock:
            cursor = self._execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def value(self, sql, *values):
        rows = self.rows(sql, *values)
        return next(iter(rows[0].values())) if rows else None

    def execute(self, sql, *values):
        with self._lock:
            self._execute(sql, values)

    @contextlib.contextmanager
    def transaction(self):
        with self._lock:
            self.execute("BEGIN" if self.postgres else "BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.execute("ROLLBACK")
                raise
            self.execute("COMMIT")

    def is_free(self, id):
        """Whether nobody holds a lock that keeps a workflow's row from being written."""
        try:
            with self._lock:
                self.execute(
                    "SET lock_timeout = 300" if self.postgres else "PRAGMA busy_timeout = 300"
                )
                self.execute(
                    "UPDATE workflow_status SET status = status WHERE workflow_uuid = ?", id
                )
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
            return False
        finally:
            self.close()
        return True

    def close(self):
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


class Place:
    """Where databases are made: a PostgreSQL server, or a folder."""

    def __init__(self, where):
        self.postgres = where.startswith("postgres")
        if self.postgres:
            self.server = where.replace("postgres://", "postgresql://", 1)
        else:
            self.folder = Path(where).absolute()
            self.folder.mkdir(parents=True, exist_ok=True)

    def _on_server(self, sql):
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql)

    def make(self):
        """A database that is there and empty; a SQLite file comes into being when opened."""
        name = f"interop_{uuid.uuid4().hex[:12]}"
        if not self.postgres:
            return Database(f"sqlite:///{self.folder / name}.db")
        self._on_server(f"CREATE DATABASE {name}")
        return Database(self.server.rsplit("/", 1)[0] + "/" + name)

    def drop(self, database):
        database.close()
        if self.postgres:
            self._on_server(f"DROP DATABASE {database.url.rsplit('/', 1)[1]} WITH (FORCE)")
            return
        path = database.url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(path + suffix).unlink(missing_ok=True)
