use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Column, Either, Executor, Row, TypeInfo, ValueRef};

use super::maria_db;
use super::statement::{for_postgres, for_sqlite};
use super::wire;
use super::{Kind, Session, Statement, failed};
use crate::fault::Fault;
use crate::value::{Object, float};

/// What a database answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Value>,
    /// Rows that were changed.
    pub(crate) affected: u64,
    /// The key of the last row that was inserted, where the database knows it.
    pub(crate) last_id: Option<i64>,
}

impl Session<'_> {
    /// Asks a statement.
    ///
    /// # Errors
    /// The database refuses it, or a parameter has no value.
    pub(crate) async fn ask(&mut self, statement: &Statement) -> Result<Answer, Fault> {
        let mut answer = Answer::default();
        match self {
            Self::Sqlite(connection) => {
                let bound = statement.bind(Kind::Sqlite)?;
                let arguments = for_sqlite(&bound.values)?;
                let query = sqlx::query_with(AssertSqlSafe(bound.sql), arguments);
                let mut answered = connection.fetch_many(query);
                while let Some(part) = answered.try_next().await.map_err(|error| failed(&error))? {
                    match part {
                        Either::Left(done) => {
                            answer.affected += done.rows_affected();
                            answer.last_id = Some(done.last_insert_rowid());
                        }
                        Either::Right(row) => answer.add(&row, sqlite_value)?,
                    }
                }
            }
            Self::MariaDb(connection) => {
                let bound = statement.bind(Kind::MariaDb)?;
                let arguments = maria_db::arguments(&bound.values)?;
                let query = sqlx::query_with(AssertSqlSafe(bound.sql), arguments);
                let mut answered = connection.fetch_many(query);
                while let Some(part) = answered.try_next().await.map_err(|error| failed(&error))? {
                    match part {
                        Either::Left(done) => {
                            answer.affected += done.rows_affected();
                            // Nothing was given a key.
                            let id = Some(done.last_insert_id()).filter(|id| *id != 0);
                            answer.last_id = id.and_then(|id| i64::try_from(id).ok());
                        }
                        Either::Right(row) => answer.add(&row, maria_db::value)?,
                    }
                }
            }
            Self::Postgres(connection) => {
                let bound = statement.bind(Kind::Postgres)?;
                let (sql, arguments) = for_postgres(connection, &bound).await?;
                let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
                let mut answered = connection.fetch_many(query);
                while let Some(part) = answered.try_next().await.map_err(|error| failed(&error))? {
                    match part {
                        Either::Left(done) => answer.affected += done.rows_affected(),
                        Either::Right(row) => answer.add(&row, postgres_value)?,
                    }
                }
            }
        }
        Ok(answer)
    }
}

impl Answer {
    fn add<R: Row>(
        &mut self,
        row: &R,
        read: fn(&R, usize) -> Result<Value, Fault>,
    ) -> Result<(), Fault> {
        if self.columns.is_empty() {
            self.columns = row
                .columns()
                .iter()
                .map(|column| column.name().to_owned())
                .collect();
        }
        let mut read_row = Object::new();
        for (place, column) in row.columns().iter().enumerate() {
            read_row.insert(column.name().to_owned(), read(row, place)?);
        }
        self.rows.push(Value::Object(read_row));
        Ok(())
    }
}

fn sqlite_value(row: &SqliteRow, place: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(place).map_err(|error| failed(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    // The value counts, not what its column was declared as.
    let kind = raw.type_info().name().to_owned();
    let get = |error: sqlx::Error| failed(&error);
    Ok(match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(place).map_err(get)?.into(),
        "REAL" => number(row.try_get_unchecked::<f64, _>(place).map_err(get)?),
        "BLOB" => BASE64_STANDARD
            .encode(row.try_get_unchecked::<Vec<u8>, _>(place).map_err(get)?)
            .into(),
        _ => row
            .try_get_unchecked::<String, _>(place)
            .map_err(get)?
            .into(),
    })
}

fn postgres_value(row: &PgRow, place: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(place).map_err(|error| failed(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    let get = |error: sqlx::Error| failed(&error);
    Ok(match kind.as_str() {
        "BOOL" => row.try_get::<bool, _>(place).map_err(get)?.into(),
        "INT2" => row.try_get::<i16, _>(place).map_err(get)?.into(),
        "INT4" => row.try_get::<i32, _>(place).map_err(get)?.into(),
        "INT8" => row.try_get::<i64, _>(place).map_err(get)?.into(),
        "OID" => row.try_get_unchecked::<i32, _>(place).map_err(get)?.into(),
        "FLOAT4" => number(f64::from(row.try_get::<f32, _>(place).map_err(get)?)),
        "FLOAT8" => number(row.try_get::<f64, _>(place).map_err(get)?),
        "BYTEA" => BASE64_STANDARD
            .encode(row.try_get::<Vec<u8>, _>(place).map_err(get)?)
            .into(),
        "TEXT" | "VARCHAR" | "CHAR" | "BPCHAR" | "NAME" | "UNKNOWN" | "citext" => row
            .try_get_unchecked::<String, _>(place)
            .map_err(get)?
            .into(),
        other => {
            let raw = raw
                .as_bytes()
                .map_err(|error| Fault::of("DatabaseError", error.to_string()))?;
            match wire::read(other, raw) {
                Some(value) => value,
                None => {
                    return Err(Fault::of(
                        "DatabaseError",
                        format!(
                            "the column `{0}` is of the type {other}, which has no counterpart in a workflow; write \
                             {0}::text in the query",
                            row.column(place).name()
                        ),
                    ));
                }
            }
        }
    })
}

/// A number as a workflow has it. Infinities have no place in JSON.
pub(super) fn number(value: f64) -> Value {
    float(value).unwrap_or_else(|_| json!(value.to_string()))
}
