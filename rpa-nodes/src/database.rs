//! Databases that workflows work on: where they are, what is asked of them, and what they answer.

mod address;
mod answer;
mod maria_db;
mod once;
mod statement;
mod wire;

#[cfg(test)]
mod tests;

use sqlx::{MySqlConnection, PgConnection, SqliteConnection};

pub(crate) use self::address::{Address, Kind, Open, name};
pub(crate) use self::answer::Answer;
pub(crate) use self::once::{guarded, once, rehearse};
pub use self::statement::Statement;
pub(crate) use self::statement::statements;
use crate::fault::Fault;

/// A connection, of whichever kind.
#[derive(Debug)]
pub(crate) enum Session<'s> {
    /// MariaDB or MySQL.
    MariaDb(&'s mut MySqlConnection),
    /// PostgreSQL.
    Postgres(&'s mut PgConnection),
    /// SQLite.
    Sqlite(&'s mut SqliteConnection),
}

impl Session<'_> {
    /// Runs statements of this program's own, which take no values.
    pub(crate) async fn command(&mut self, sql: &'static str) -> Result<(), Fault> {
        match self {
            Self::MariaDb(connection) => sqlx::raw_sql(sql)
                .execute(&mut **connection)
                .await
                .map(drop),
            Self::Postgres(connection) => sqlx::raw_sql(sql)
                .execute(&mut **connection)
                .await
                .map(drop),
            Self::Sqlite(connection) => sqlx::raw_sql(sql)
                .execute(&mut **connection)
                .await
                .map(drop),
        }
        .map_err(|error| failed(&error))
    }
}

/// A database refused something.
pub(crate) fn failed(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(error) => Fault::of("DatabaseError", error.message()),
        other => Fault::of("DatabaseError", other.to_string()),
    }
}
