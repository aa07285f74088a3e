#!/usr/bin/env python3
"""Compare the system tables of two databases and print every difference.

    compare_schema.py postgresql://localhost/ours postgresql://localhost/theirs
    compare_schema.py sqlite:////tmp/ours.db sqlite:////tmp/theirs.db

Compared are the tables with their columns in order (type, nullability, default), constraints,
indexes, triggers, functions (all but the wording of their bodies) and the recorded schema version.
Tables whose names begin with `durable_` are ours alone and left out.

Exits 0 when nothing differs, 1 when something does, 2 when it cannot compare.
PostgreSQL needs the package psycopg.
"""

import re
import sqlite3
import sys

SCHEMA = "dbos"
OWN = "durable\\_%"

POSTGRES = {
    "version": "SELECT 'version', version::text FROM {schema}.dbos_migrations",
    "table": """
        SELECT relname, concat_ws(' ', relkind, relpersistence, relrowsecurity, reloptions)
        FROM pg_class
        WHERE relnamespace = %(schema)s::regnamespace AND relkind NOT IN ('i', 'I', 't')
          AND relname NOT LIKE %(own)s""",
    "column": """
        SELECT relname || '.' || attname,
               concat_ws(' ', 'position', row_number() OVER (PARTITION BY attrelid ORDER BY attnum),
                         format_type(atttypid, atttypmod),
                         CASE WHEN attnotnull THEN 'NOT NULL' END,
                         'DEFAULT ' || pg_get_expr(adbin, adrelid),
                         nullif(attidentity, ''), nullif(attgenerated, ''),
                         nullif(nullif(attcollation::regcollation::text, '"default"'), '-'))
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = %(schema)s::regnamespace AND relkind IN ('r', 'p')
          AND attnum > 0 AND NOT attisdropped AND relname NOT LIKE %(own)s""",
    "constraint": """
        SELECT relname || '.' || conname,
               concat_ws(' ', pg_get_constraintdef(pg_constraint.oid), convalidated)
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE connamespace = %(schema)s::regnamespace AND relname NOT LIKE %(own)s""",
    "index": """
        SELECT relname, concat_ws(' ', pg_get_indexdef(indexrelid), 'valid', indisvalid)
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = %(schema)s::regnamespace
          AND indrelid::regclass::text NOT LIKE %(schema)s || '.' || %(own)s""",
    "trigger": """
        SELECT relname || '.' || tgname, concat_ws(' ', pg_get_triggerdef(pg_trigger.oid), tgenabled)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = %(schema)s::regnamespace AND NOT tgisinternal
          AND relname NOT LIKE %(own)s""",
    "function": """
        SELECT format('%%s(%%s)', proname, pg_get_function_identity_arguments(pg_proc.oid)),
               concat_ws(' ', prokind, pg_get_function_arguments(pg_proc.oid), 'RETURNS',
                         pg_get_function_result(pg_proc.oid), lanname, provolatile, proparallel,
                         'definer', prosecdef, 'strict', proisstrict, 'leakproof', proleakproof,
                         procost, prorows, proconfig)
        FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
        WHERE pronamespace = %(schema)s::regnamespace AND proname NOT LIKE %(own)s""",
}


def read_postgres(url):
    import psycopg

    found = {}
    url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
    with psycopg.connect(url) as connection:
        for kind, query in POSTGRES.items():
            query = query.replace("{schema}", SCHEMA)
            for name, definition in connection.execute(query, {"schema": SCHEMA, "own": OWN}):
                found[kind, name] = definition
    return found


NOW = {
    "unixepoch('subsec')* 1000",
    "strftime('%s','now')* 1000",
    "strftime('%s','now')* 1000 + substr(strftime('%f','now'),4)",
}


def plain(sql):
    """SQL without what does not change its meaning: quotes around names, spaces, letter case."""
    if sql is None:
        return None
    parts = re.split(r"('(?:[^']|'')*')", sql)
    parts[::2] = [re.sub(r"\s+", " ", part.replace('"', "")).lower() for part in parts[::2]]
    return re.sub(r"\s*([(),])\s*", r"\1", "".join(parts)).strip()


def default(sql):
    """A column's default; the spellings of "now in milliseconds" count as one."""
    if plain(sql) in NOW:
        return "now in milliseconds"
    return plain(sql)


def read_sqlite(url):
    path = re.sub(r"^sqlite:(///|//)?", "", url)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {
        ("version", "version"): str(*connection.execute("SELECT version FROM dbos_migrations"))
    }
    tables = connection.execute(
        "SELECT name, type, wr, strict FROM pragma_table_list"
        " WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND name NOT LIKE ? ESCAPE '\\' ORDER BY name",
        (OWN,),
    ).fetchall()
    for table, *kind in tables:
        found["table", table] = repr(kind)
        for position, name, type_, not_null, value, key, hidden in connection.execute(
            "SELECT * FROM pragma_table_xinfo(?)", (table,)
        ):
            found["column", f"{table}.{name}"] = repr(
                (position, type_, not_null, default(value), key, hidden)
            )
        keys = connection.execute(
            'SELECT "from", "table", "to", on_update, on_delete, "match"'
            " FROM pragma_foreign_key_list(?) ORDER BY id, seq",
            (table,),
        ).fetchall()
        if keys:
            found["foreign keys", table] = repr(keys)
        for name, unique, origin, partial in connection.execute(
            'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (table,)
        ).fetchall():
            columns = connection.execute(
                'SELECT name, "desc", coll, key FROM pragma_index_xinfo(?)', (name,)
            ).fetchall()
            (sql,) = connection.execute(
                "SELECT sql FROM sqlite_schema WHERE name = ?", (name,)
            ).fetchone()
            predicate = re.search(r"\swhere\s(.*)", sql or "", re.IGNORECASE | re.DOTALL)
            # An index that a constraint brings is numbered by its place in the table.
            found["index", name if sql else f"{table} {origin} {columns}"] = repr(
                (table, unique, origin, partial, columns, predicate and plain(predicate[1]))
            )
    for name, kind, sql in connection.execute(
        "SELECT name, type, sql FROM sqlite_schema WHERE type NOT IN ('table', 'index')"
    ):
        found[kind, name] = plain(sql)
    return found


def main(arguments):
    readers = [read_sqlite if url.startswith("sqlite:") else read_postgres for url in arguments]
    if len(arguments) != 2 or readers[0] is not readers[1]:
        print(__doc__, file=sys.stderr)
        return 2
    first, second = (reader(url) for reader, url in zip(readers, arguments))
    differences = sorted(key for key in {*first, *second} if first.get(key) != second.get(key))
    for key in differences:
        print(*key)
        print("  first: ", first.get(key, "absent"))
        print("  second:", second.get(key, "absent"))
    print(f"{len({*first, *second})} things compared, {len(differences)} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
