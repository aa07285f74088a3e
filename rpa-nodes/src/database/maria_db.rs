//! What MariaDB and MySQL do in their own way: their values, and statements that they commit by themselves.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sqlx::mysql::types::MySqlTime;
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{Arguments, MySqlConnection, Row, Type, TypeInfo, ValueRef};

use super::answer::number;
use super::{Statement, failed};
use crate::fault::Fault;
use crate::value::float;

/// What statements begin with that end the transaction they are in, and are no part of another one.
const COMMITTING: [&str; 22] = [
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CHANGE",
    "CHECK",
    "COMMIT",
    "CREATE",
    "DROP",
    "FLUSH",
    "GRANT",
    "INSTALL",
    "LOCK",
    "OPTIMIZE",
    "RENAME",
    "REPAIR",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "START",
    "TRUNCATE",
    "UNINSTALL",
    "UNLOCK",
];

/// The word that makes a statement one that is committed by itself.
pub(super) fn committing(statement: &Statement) -> Option<String> {
    let mut words = words(&statement.sql);
    let first = words.next()?;
    let is_temporary =
        matches!(first.as_str(), "CREATE" | "DROP") && words.any(|word| word == "TEMPORARY");
    (COMMITTING.contains(&first.as_str()) && !is_temporary).then_some(first)
}

/// The first words of a statement, behind its comments, in capitals.
fn words(sql: &str) -> impl Iterator<Item = String> {
    let mut rest = sql.trim_start();
    loop {
        let behind = if rest.starts_with('#') || rest.starts_with("--") {
            rest.split_once('\n').map(|(_, behind)| behind)
        } else if rest.starts_with("/*") {
            rest.split_once("*/").map(|(_, behind)| behind)
        } else {
            break;
        };
        rest = behind.unwrap_or_default().trim_start();
    }
    rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .take(4)
        .map(str::to_ascii_uppercase)
}

/// The statements that are committed by themselves, and the others, which can be one transaction.
///
/// # Errors
/// One that is committed by itself stands behind another: what is before it could not be undone any more.
pub(super) fn apart(statements: &[Statement]) -> Result<(&[Statement], &[Statement]), Fault> {
    let alone = statements
        .iter()
        .take_while(|one| committing(one).is_some())
        .count();
    let (alone, together) = statements.split_at(alone);
    match together.iter().find_map(committing) {
        None => Ok((alone, together)),
        Some(word) => Err(in_transaction(&word)),
    }
}

/// Refuses what cannot be part of a transaction.
pub(super) fn refuse_committing(statements: &[Statement]) -> Result<(), Fault> {
    match statements.iter().find_map(committing) {
        None => Ok(()),
        Some(word) => Err(in_transaction(&word)),
    }
}

fn in_transaction(word: &str) -> Fault {
    Fault::of(
        "DatabaseError",
        format!(
            "MariaDB commits by itself when it is told to {word}, so that cannot be part of a transaction; let it come \
             before what has to be done as a whole"
        ),
    )
}

/// Tells whether a transaction that was just rolled back left nothing behind.
///
/// # Errors
/// A table of a kind that knows no transactions was written to.
pub(super) async fn is_undone(connection: &mut MySqlConnection) -> Result<(), Fault> {
    // 1196 is the warning of a rollback that could not undo everything.
    let warnings = sqlx::raw_sql("SHOW WARNINGS")
        .fetch_all(connection)
        .await
        .map_err(|error| failed(&error))?;
    let is_left = warnings.iter().any(|row| {
        row.try_get_unchecked::<u32, _>(1)
            .is_ok_and(|code| code == 1196)
    });
    match is_left {
        false => Ok(()),
        true => Err(Fault::of(
            "DatabaseError",
            "a table of this transaction cannot undo what was written to it, so it was written already; only tables of \
             InnoDB can be part of a transaction (ALTER TABLE … ENGINE = InnoDB)",
        )),
    }
}

/// The values of parameters. The server makes of them what their columns are.
pub(super) fn arguments(values: &[Value]) -> Result<MySqlArguments, Fault> {
    let mut arguments = MySqlArguments::default();
    for value in values {
        let added = match value {
            Value::Null => arguments.add(None::<String>),
            Value::Bool(truth) => arguments.add(*truth),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(integer), ..) => arguments.add(integer),
                (None, Some(integer), _) => arguments.add(integer),
                (None, None, Some(float)) => arguments.add(float),
                (None, None, None) => arguments.add(number.to_string()),
            },
            Value::String(text) => arguments.add(text.clone()),
            other => arguments.add(other.to_string()),
        };
        added.map_err(|error| Fault::value(format!("a parameter cannot be sent: {error}")))?;
    }
    Ok(arguments)
}

/// A value of a row.
pub(super) fn value(row: &MySqlRow, place: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(place).map_err(|error| failed(&error))?;
    // Also a date of zeros, which no calendar has.
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let get = |error: sqlx::Error| failed(&error);
    let kind = raw.type_info().into_owned();
    let bytes = || row.try_get_unchecked::<&[u8], _>(place).map_err(get);
    let name = kind.name();
    Ok(match name {
        // TINYINT(1), which holds more than two values.
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
            row.try_get_unchecked::<i64, _>(place).map_err(get)?.into()
        }
        "FLOAT" => number(f64::from(
            row.try_get_unchecked::<f32, _>(place).map_err(get)?,
        )),
        "DOUBLE" => number(row.try_get_unchecked::<f64, _>(place).map_err(get)?),
        "DECIMAL" => decimal(&String::from_utf8_lossy(bytes()?)),
        "DATE" | "DATETIME" | "TIMESTAMP" => match moment(bytes()?, name == "DATE") {
            Some(moment) => moment.into(),
            None => return Err(unread(row, place, name)),
        },
        "TIME" => {
            let time = row.try_get_unchecked::<MySqlTime, _>(place).map_err(get)?;
            let hours = match time.hours() {
                hours if time.sign().is_negative() => format!("-{hours:02}"),
                hours => format!("{hours:02}"),
            };
            let text = time.to_string();
            let behind = text.find(':').and_then(|colon| text.get(colon..));
            format!("{hours}{}", behind.unwrap_or_default()).into()
        }
        "JSON" => match serde_json::from_slice(bytes()?) {
            Ok(value) => value,
            Err(_) => return Err(unread(row, place, name)),
        },
        _ if name.ends_with(" UNSIGNED") || matches!(name, "YEAR" | "BIT") => {
            row.try_get_unchecked::<u64, _>(place).map_err(get)?.into()
        }
        // A text has a collation, bytes have none.
        _ if matches!(name, "ENUM" | "SET") || <str as Type<sqlx::MySql>>::compatible(&kind) => row
            .try_get_unchecked::<String, _>(place)
            .map_err(get)?
            .into(),
        _ => BASE64_STANDARD.encode(bytes()?).into(),
    })
}

fn unread(row: &MySqlRow, place: usize, name: &str) -> Fault {
    let column = row.columns().get(place).map(sqlx::Column::name);
    Fault::of(
        "DatabaseError",
        format!(
            "the column `{0}` has a {name} that cannot be read; write CAST({0} AS CHAR) in the query",
            column.unwrap_or_default()
        ),
    )
}

/// A number with as many digits as it has: an integer or a float where it is one, else its text.
fn decimal(text: &str) -> Value {
    if let Ok(integer) = text.parse::<i64>() {
        return integer.into();
    }
    // Fifteen digits survive as a float; with more, only the text is exact.
    let significant = text.chars().filter(char::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(number) if significant <= 15 => float(number).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}

/// A date, with a time where it has one, as the server sends it: its length, year, month, day, hour, minute, second and
/// microseconds. What is zero at its end is left out.
fn moment(raw: &[u8], is_date: bool) -> Option<String> {
    let (_, raw) = raw.split_first()?;
    let year = u16::from_le_bytes([*raw.first()?, *raw.get(1)?]);
    let at = |place: usize| raw.get(place).copied().unwrap_or(0);
    let day = format!("{year:04}-{:02}-{:02}", at(2), at(3));
    if is_date {
        return Some(day);
    }
    let time = format!("{:02}:{:02}:{:02}", at(4), at(5), at(6));
    let micros = u32::from_le_bytes([at(7), at(8), at(9), at(10)]);
    let fraction = match micros {
        0 => String::new(),
        micros => format!(".{micros:06}").trim_end_matches('0').to_owned(),
    };
    Some(format!("{day}T{time}{fraction}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_commits_by_itself_is_known_by_its_first_word() {
        let word = |sql: &str| committing(&Statement::new(sql));
        assert_eq!(word("create table t (a int)").as_deref(), Some("CREATE"));
        assert_eq!(
            word("/* why */ -- so\n  Truncate t").as_deref(),
            Some("TRUNCATE")
        );
        assert_eq!(word("CREATE OR REPLACE TEMPORARY TABLE t (a int)"), None);
        assert_eq!(word("INSERT INTO drop_list VALUES (1)"), None);
        assert_eq!(word("-- only a comment"), None);
    }

    #[test]
    fn what_commits_by_itself_may_only_come_first() {
        let all = ["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)"].map(Statement::new);
        let (alone, together) = apart(&all).unwrap();
        assert_eq!((alone.len(), together.len()), (1, 1));
        let wrong = ["DELETE FROM t", "DROP TABLE t"].map(Statement::new);
        assert!(apart(&wrong).unwrap_err().message.contains("DROP"));
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(decimal("12.50"), json!(12.5));
        assert_eq!(decimal("-3"), json!(-3));
        assert_eq!(
            decimal("12345678901234567.89"),
            json!("12345678901234567.89")
        );
    }

    #[test]
    fn moments_are_texts() {
        let day = [4, 0xEA, 0x07, 11, 22];
        assert_eq!(moment(&day, true).as_deref(), Some("2026-11-22"));
        assert_eq!(moment(&day, false).as_deref(), Some("2026-11-22T00:00:00"));
        let late = [11, 0xEA, 0x07, 11, 22, 23, 59, 58, 0x20, 0xA1, 0x07, 0];
        assert_eq!(
            moment(&late, false).as_deref(),
            Some("2026-11-22T23:59:58.5")
        );
    }
}
