//! One statement for both databases.
//!
//! A statement is written once, in what PostgreSQL and SQLite have in common; where they differ it has a mark:
//!
//! | mark | PostgreSQL | SQLite |
//! |---|---|---|
//! | `dbos.` before a table | stays | goes |
//! | `{now}` | the transaction's time, in milliseconds | the statement's time, in milliseconds |
//! | `{each:$1}` | the texts of a JSON array, as a subquery | the same |
//! | `{rows:$1}` | the elements of a JSON array, as a table `given` with a column `value` | the same |
//! | `{pg:TEXT}`, `{lite:TEXT}` | the text on the one database, nothing on the other | |

use futures_util::{StreamExt, TryStreamExt};
#[cfg(feature = "postgres")]
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
#[cfg(feature = "sqlite")]
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, TypeInfo, ValueRef};

use super::StoreResult;
use crate::error::StoreError;

/// A value that is passed to a statement. Lists go as JSON arrays.
#[derive(Debug, Clone)]
pub(crate) enum Param {
    Text(Option<String>),
    Int(Option<i64>),
    Float(Option<f64>),
    Bool(bool),
}

/// The parameters of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::store::sql::Param::from($value)),*]
    };
}
pub(crate) use params;

macro_rules! param_from {
    ($($type:ty => |$value:ident| $param:expr;)*) => {$(
        impl From<$type> for Param {
            fn from($value: $type) -> Self {
                $param
            }
        }
    )*};
}

param_from! {
    &str => |value| Self::Text(Some(value.to_owned()));
    &String => |value| Self::Text(Some(value.clone()));
    String => |value| Self::Text(Some(value));
    Option<&str> => |value| Self::Text(value.map(str::to_owned));
    Option<String> => |value| Self::Text(value);
    &Option<String> => |value| Self::Text(value.clone());
    i64 => |value| Self::Int(Some(value));
    i32 => |value| Self::Int(Some(value.into()));
    Option<i64> => |value| Self::Int(value);
    Option<i32> => |value| Self::Int(value.map(i64::from));
    f64 => |value| Self::Float(Some(value));
    Option<f64> => |value| Self::Float(value);
    bool => |value| Self::Bool(value);
    &[String] => |value| Self::json(value);
    &Vec<String> => |value| Self::json(value);
    &[&str] => |value| Self::json(value);
    Vec<serde_json::Value> => |value| Self::json(&value);
}

impl Param {
    /// A list: strings, numbers, and arrays of them, which always serialize.
    fn json(list: &(impl serde::Serialize + ?Sized)) -> Self {
        Self::Text(Some(serde_json::to_string(list).unwrap_or_default()))
    }
}

/// A row that was read, of either database.
#[derive(Debug)]
pub(crate) struct Row {
    cells: Vec<Cell>,
}

/// A value that was read.
#[derive(Debug)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Int(i64),
    Float(f64),
}

/// A type that a column can be read as.
pub(crate) trait FromCell: Sized {
    /// Gives the cell back when the column holds something else.
    fn from_cell(cell: Cell) -> Result<Self, Cell>;
}

impl FromCell for String {
    fn from_cell(cell: Cell) -> Result<Self, Cell> {
        match cell {
            Cell::Text(text) => Ok(text),
            other => Err(other),
        }
    }
}

impl FromCell for i64 {
    fn from_cell(cell: Cell) -> Result<Self, Cell> {
        match cell {
            Cell::Int(number) => Ok(number),
            other => Err(other),
        }
    }
}

impl FromCell for i32 {
    fn from_cell(cell: Cell) -> Result<Self, Cell> {
        let number = i64::from_cell(cell)?;
        number.try_into().map_err(|_| Cell::Int(number))
    }
}

impl FromCell for f64 {
    fn from_cell(cell: Cell) -> Result<Self, Cell> {
        match cell {
            Cell::Float(number) => Ok(number),
            // SQLite keeps whole numbers of a REAL column as integers in places.
            Cell::Int(number) => Ok(number as f64),
            other => Err(other),
        }
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell) -> Result<Self, Cell> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell) -> Result<Self, Cell> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

impl Row {
    /// A row that was read as a JSON array.
    pub(crate) fn of_json(values: Vec<serde_json::Value>) -> Self {
        let cell = |value| match value {
            serde_json::Value::Null => Cell::Null,
            serde_json::Value::Bool(value) => Cell::Int(value.into()),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Cell::Int(number),
                None => Cell::Float(number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(text) => Cell::Text(text),
            value => Cell::Text(value.to_string()),
        };
        let cells = values.into_iter().map(cell).collect();
        Self { cells }
    }

    /// Takes the value of a column, from 0, out of the row.
    pub(crate) fn take<T: FromCell>(&mut self, column: usize) -> StoreResult<T> {
        let cell = self.cells.get_mut(column);
        let cell = cell.map_or(Cell::Null, |cell| std::mem::replace(cell, Cell::Null));
        T::from_cell(cell).map_err(|found| StoreError::Column {
            column,
            wanted: std::any::type_name::<T>(),
            found: format!("{found:?}"),
        })
    }
}

/// The first column of the first row.
pub(crate) fn first<T: FromCell>(rows: Vec<Row>) -> StoreResult<Option<T>> {
    let row = rows.into_iter().next();
    row.map(|mut row| row.take(0)).transpose()
}

/// A connection of either kind.
pub(crate) enum Session<'c> {
    #[cfg(feature = "postgres")]
    Postgres(&'c mut PgConnection),
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut SqliteConnection),
}

impl Session<'_> {
    pub(crate) async fn query(&mut self, sql: &str, params: Vec<Param>) -> sqlx::Result<Vec<Row>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => postgres(connection, sql, params).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => sqlite(connection, sql, params).await,
        }
    }
}

#[cfg(feature = "postgres")]
pub(crate) async fn postgres(
    connection: &mut PgConnection,
    sql: &str,
    params: Vec<Param>,
) -> sqlx::Result<Vec<Row>> {
    let mut arguments = PgArguments::default();
    for param in params {
        bind!(arguments, param);
    }
    let sql = AssertSqlSafe(for_postgres(sql));
    // A row is let go of when it is read: a long history is not held twice.
    let rows = sqlx::query_with(sql, arguments).fetch(connection);
    rows.map(|row| postgres_row(&row?)).try_collect().await
}

/// A statement as PostgreSQL takes it.
#[cfg(feature = "postgres")]
pub(super) fn for_postgres(sql: &str) -> String {
    render(sql, &POSTGRES)
}

#[cfg(feature = "sqlite")]
pub(crate) async fn sqlite(
    connection: &mut SqliteConnection,
    sql: &str,
    params: Vec<Param>,
) -> sqlx::Result<Vec<Row>> {
    let mut arguments = SqliteArguments::default();
    for param in params {
        bind!(arguments, param);
    }
    let sql = AssertSqlSafe(render(sql, &SQLITE));
    // A row is let go of when it is read: a long history is not held twice.
    let rows = sqlx::query_with(sql, arguments).fetch(connection);
    rows.map(|row| sqlite_row(&row?)).try_collect().await
}

macro_rules! bind {
    ($arguments:ident, $param:ident) => {
        match $param {
            Param::Text(value) => sqlx::Arguments::add(&mut $arguments, value),
            Param::Int(value) => sqlx::Arguments::add(&mut $arguments, value),
            Param::Float(value) => sqlx::Arguments::add(&mut $arguments, value),
            Param::Bool(value) => sqlx::Arguments::add(&mut $arguments, value),
        }
        .map_err(sqlx::Error::Encode)?
    };
}
use bind;

#[cfg(feature = "postgres")]
pub(super) fn postgres_row(row: &PgRow) -> sqlx::Result<Row> {
    let cell = |index| {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Cell::Null);
        }
        Ok(match raw.type_info().name() {
            "INT2" => Cell::Int(row.try_get::<i16, _>(index)?.into()),
            "INT4" => Cell::Int(row.try_get::<i32, _>(index)?.into()),
            "INT8" => Cell::Int(row.try_get(index)?),
            "BOOL" => Cell::Int(row.try_get::<bool, _>(index)?.into()),
            "FLOAT8" => Cell::Float(row.try_get(index)?),
            _ => Cell::Text(row.try_get(index)?),
        })
    };
    let cells = (0..row.len()).map(cell).collect::<sqlx::Result<_>>()?;
    Ok(Row { cells })
}

#[cfg(feature = "sqlite")]
fn sqlite_row(row: &SqliteRow) -> sqlx::Result<Row> {
    let cell = |index| {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Cell::Null);
        }
        Ok(match raw.type_info().name() {
            "INTEGER" | "BOOLEAN" => Cell::Int(row.try_get_unchecked(index)?),
            "REAL" => Cell::Float(row.try_get_unchecked(index)?),
            _ => Cell::Text(row.try_get_unchecked(index)?),
        })
    };
    let cells = (0..row.len()).map(cell).collect::<sqlx::Result<_>>()?;
    Ok(Row { cells })
}

/// What the marks become.
struct Dialect {
    tables: &'static str,
    now: &'static str,
    each: (&'static str, &'static str),
    rows: (&'static str, &'static str),
    mark: &'static str,
}

#[cfg(any(feature = "postgres", test))]
const POSTGRES: Dialect = Dialect {
    tables: "dbos.",
    now: "(EXTRACT(epoch FROM now()) * 1000.0)::bigint",
    each: ("(SELECT jsonb_array_elements_text((", ")::jsonb))"),
    rows: ("jsonb_array_elements((", ")::jsonb) AS given(value)"),
    mark: "pg",
};

#[cfg(any(feature = "sqlite", test))]
const SQLITE: Dialect = Dialect {
    tables: "",
    now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    each: ("(SELECT value FROM json_each(", "))"),
    rows: ("jsonb_each(", ") AS given"),
    mark: "lite",
};

fn render(sql: &str, dialect: &Dialect) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some((before, mark)) = rest.split_once('{') {
        text.push_str(before);
        let (mark, after) = mark.split_once('}').unwrap_or((mark, ""));
        match mark.split_once(':') {
            None => text.push_str(dialect.now),
            Some(("each", list)) => text.extend([dialect.each.0, list, dialect.each.1]),
            Some(("rows", list)) => text.extend([dialect.rows.0, list, dialect.rows.1]),
            Some((kind, only)) if kind == dialect.mark => text.push_str(only),
            Some(_) => {}
        }
        rest = after;
    }
    text.push_str(rest);
    text.replace("dbos.", dialect.tables)
}

#[cfg(test)]
mod tests {
    use super::{POSTGRES, SQLITE, render};

    #[test]
    fn a_statement_is_written_once() {
        let sql =
            "UPDATE dbos.queues SET t = {now} WHERE name IN {each:$1}{pg: FOR UPDATE}{lite: x}";

        assert_eq!(
            render(sql, &POSTGRES),
            "UPDATE dbos.queues SET t = (EXTRACT(epoch FROM now()) * 1000.0)::bigint \
             WHERE name IN (SELECT jsonb_array_elements_text(($1)::jsonb)) FOR UPDATE"
        );
        assert_eq!(
            render(sql, &SQLITE),
            "UPDATE queues SET t = CAST(unixepoch('subsec') * 1000 AS INTEGER) \
             WHERE name IN (SELECT value FROM json_each($1)) x"
        );
    }
}
