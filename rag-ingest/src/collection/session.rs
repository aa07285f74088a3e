//! One connection to either database, and statements that are written once for both.
//!
//! Parameters are `$1`, `$2` and so on, which both understand. `{list:$1}` stands for the values of a JSON list of
//! strings, as the right side of `IN`; `{numbers:$1}` for those of a list of whole numbers.

use sqlx::{Postgres, Sqlite, SqliteConnection};

use durable_runtime::Connection;
use sqlx::PgConnection;

/// A connection, in a transaction or not.
pub(crate) enum Session<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// An open transaction. Rolled back when it is dropped.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    pub(crate) fn session(&mut self) -> Session<'_> {
        match self {
            Self::Sqlite(transaction) => Session::Sqlite(transaction),
            Self::Postgres(transaction) => Session::Postgres(transaction),
        }
    }

    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

impl<'c> Session<'c> {
    /// The session that a transaction of a workflow lends.
    pub(crate) fn of(connection: Connection<'c>) -> sqlx::Result<Self> {
        match connection {
            Connection::Sqlite(connection) => Ok(Self::Sqlite(connection)),
            Connection::Postgres(connection) => Ok(Self::Postgres(connection)),
            _ => Err(sqlx::Error::Configuration(
                "a collection is kept in SQLite or PostgreSQL".into(),
            )),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// A statement in the words of one database.
pub(crate) fn dialect(sql: &str, postgres: bool) -> String {
    let sql = replaced(sql, "{list:", |parameter| {
        if postgres {
            format!("(SELECT jsonb_array_elements_text({parameter}::text::jsonb))")
        } else {
            format!("(SELECT value FROM json_each({parameter}))")
        }
    });
    replaced(&sql, "{numbers:", |parameter| {
        if postgres {
            format!("(SELECT jsonb_array_elements({parameter}::text::jsonb)::bigint)")
        } else {
            format!("(SELECT value FROM json_each({parameter}))")
        }
    })
}

/// Puts something in the place of every mark, which ends with a brace.
fn replaced(sql: &str, mark: &str, with: impl Fn(&str) -> String) -> String {
    let mut parts = sql.split(mark);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (parameter, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(&with(parameter));
        text.push_str(rest);
    }
    text
}

/// A JSON list of strings, for `{list:$1}`.
pub(crate) fn list<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> String {
    let values: Vec<_> = values
        .into_iter()
        .map(|value| serde_json::Value::from(value.as_ref()))
        .collect();
    serde_json::Value::from(values).to_string()
}

/// The rows of a statement.
macro_rules! rows {
    ($session:expr, $sql:expr $(, $value:expr)* $(,)?) => {{
        let session: &mut $crate::collection::session::Session<'_> = $session;
        let sql = sqlx::AssertSqlSafe($crate::collection::session::dialect($sql, session.is_postgres()));
        match session {
            $crate::collection::session::Session::Sqlite(connection) =>
                sqlx::query_as(sql)$(.bind($value))*.fetch_all(&mut **connection).await,
            $crate::collection::session::Session::Postgres(connection) =>
                sqlx::query_as(sql)$(.bind($value))*.fetch_all(&mut **connection).await,
        }
    }};
}

/// Runs a statement and gives how many rows it touched.
macro_rules! run {
    ($session:expr, $sql:expr $(, $value:expr)* $(,)?) => {{
        let session: &mut $crate::collection::session::Session<'_> = $session;
        let sql = sqlx::AssertSqlSafe($crate::collection::session::dialect($sql, session.is_postgres()));
        match session {
            $crate::collection::session::Session::Sqlite(connection) =>
                sqlx::query(sql)$(.bind($value))*.execute(&mut **connection).await.map(|done| done.rows_affected()),
            $crate::collection::session::Session::Postgres(connection) =>
                sqlx::query(sql)$(.bind($value))*.execute(&mut **connection).await.map(|done| done.rows_affected()),
        }
    }};
}

pub(crate) use {rows, run};

#[cfg(test)]
mod tests {
    use super::{dialect, list};

    #[test]
    fn a_list_is_written_in_the_words_of_each_database() {
        let sql = "SELECT 1 WHERE 'a' IN {list:$1} AND 2 = $2";
        assert_eq!(
            dialect(sql, false),
            "SELECT 1 WHERE 'a' IN (SELECT value FROM json_each($1)) AND 2 = $2"
        );
        assert_eq!(
            dialect(sql, true),
            "SELECT 1 WHERE 'a' IN (SELECT jsonb_array_elements_text($1::text::jsonb)) AND 2 = $2"
        );
    }

    #[test]
    fn numbers_stay_numbers_in_both() {
        let sql = "a IN {numbers:$1} OR b IN {list:$2}";
        assert_eq!(
            dialect(sql, false),
            "a IN (SELECT value FROM json_each($1)) OR b IN (SELECT value FROM json_each($2))"
        );
        assert_eq!(
            dialect(sql, true),
            "a IN (SELECT jsonb_array_elements($1::text::jsonb)::bigint) OR b IN \
             (SELECT jsonb_array_elements_text($2::text::jsonb))"
        );
    }

    #[test]
    fn names_with_quotes_stay_names() {
        assert_eq!(list(["a\"b", "c"]), r#"["a\"b","c"]"#);
    }
}
