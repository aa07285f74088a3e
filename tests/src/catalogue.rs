//! A schema as its database describes it: one sorted line for each column, constraint, index,
//! trigger and function, so that two schemas compare as text.
//!
//! Our own tables, named `durable_…`, are left out.

use sqlx::{PgConnection, SqliteConnection};

/// The tables of a SQLite file.
pub async fn sqlite(connection: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    // The spelling of a time in milliseconds may differ between SDKs.
    sqlx::query_scalar(
        r#"
        WITH tables AS (
            SELECT name FROM pragma_table_list
            WHERE schema = 'main' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
              AND name NOT LIKE 'durable!_%' ESCAPE '!'
        )
        SELECT concat_ws(' ', 'column', t.name, c.cid, c.name, c.type,
                         CASE WHEN c."notnull" THEN 'NOT NULL' END,
                         CASE WHEN c.dflt_value LIKE '%''now''%' THEN 'DEFAULT now'
                              ELSE 'DEFAULT ' || c.dflt_value END,
                         CASE WHEN c.pk THEN 'KEY ' || c.pk END)
        FROM tables t, pragma_table_xinfo(t.name) c
        UNION ALL
        SELECT concat_ws(' ', 'foreign key', t.name, f."from", f."table", f."to",
                         'ON UPDATE', f.on_update, 'ON DELETE', f.on_delete)
        FROM tables t, pragma_foreign_key_list(t.name) f
        UNION ALL
        SELECT concat_ws(' ', 'index', t.name,
                         CASE WHEN i.origin = 'c' THEN i.name ELSE i.origin END,
                         CASE WHEN i."unique" THEN 'UNIQUE' END,
                         (SELECT '(' || group_concat(
                                     concat_ws(' ', c.name, CASE WHEN c."desc" THEN 'DESC' END),
                                     ', ' ORDER BY c.seqno) || ')'
                          FROM pragma_index_xinfo(i.name) c WHERE c.key),
                         (SELECT 'WHERE ' || replace(substr(s.sql, instr(s.sql, 'WHERE ') + 6),
                                                     '"', '')
                          FROM sqlite_schema s WHERE s.name = i.name AND i.partial))
        FROM tables t, pragma_index_list(t.name) i
        UNION ALL
        SELECT concat_ws(' ', type, name, tbl_name, sql)
        FROM sqlite_schema WHERE type IN ('trigger', 'view')
        ORDER BY 1
        "#,
    )
    .fetch_all(connection)
    .await
}

/// The schema `dbos` of a PostgreSQL database; of a function all but its body.
pub async fn postgres(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        r#"
        SELECT line COLLATE "C" FROM (
            SELECT concat_ws(' ', 'column', relname,
                             row_number() OVER (PARTITION BY attrelid ORDER BY attnum) - 1,
                             attname, format_type(atttypid, atttypmod),
                             CASE WHEN attnotnull THEN 'NOT NULL' END,
                             'DEFAULT ' || pg_get_expr(adbin, adrelid)) AS line
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            WHERE relnamespace = 'dbos'::regnamespace AND relkind = 'r'
              AND attnum > 0 AND NOT attisdropped AND relname NOT LIKE 'durable\_%'
            UNION ALL
            SELECT concat_ws(' ', 'constraint', relname, conname,
                             pg_get_constraintdef(pg_constraint.oid))
            FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
            WHERE connamespace = 'dbos'::regnamespace AND relname NOT LIKE 'durable\_%'
              AND contype <> 'n'
            UNION ALL
            SELECT concat_ws(' ', 'index', indexdef)
            FROM pg_indexes WHERE schemaname = 'dbos' AND tablename NOT LIKE 'durable\_%'
            UNION ALL
            SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(pg_trigger.oid))
            FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE relnamespace = 'dbos'::regnamespace AND NOT tgisinternal
              AND relname NOT LIKE 'durable\_%'
            UNION ALL
            SELECT concat_ws(' ', 'function', proname, pg_get_function_arguments(pg_proc.oid),
                             'RETURNS', pg_get_function_result(pg_proc.oid), lanname,
                             'volatile', provolatile, 'definer', prosecdef, proconfig)
            FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
            WHERE pronamespace = 'dbos'::regnamespace AND proname NOT LIKE 'durable\_%'
        ) AS lines ORDER BY 1
        "#,
    )
    .fetch_all(connection)
    .await
}
