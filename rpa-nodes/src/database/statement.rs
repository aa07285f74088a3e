use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{
    Arguments, AssertSqlSafe, Either, Executor, PgConnection, SqlSafeStr, Statement as _, TypeInfo,
};

use super::{Kind, failed};
use crate::fault::Fault;
use crate::value::{Object, text};

/// A statement and the values of its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The statement.
    pub sql: String,
    /// A list, by place; or a dict, by name.
    #[serde(default)]
    pub parameters: Value,
}

/// The statements of a batch: texts, or dicts of `query` and `parameters`.
///
/// # Errors
/// One is neither.
pub(crate) fn statements(list: &[Value]) -> Result<Vec<Statement>, Fault> {
    let statements = list.iter().map(|item| match item {
        Value::String(sql) => Ok(Statement {
            sql: sql.clone(),
            parameters: json!([]),
        }),
        Value::Object(map) => {
            let sql = ["query", "sql", "statement"]
                .iter()
                .find_map(|key| map.get(*key));
            let sql = sql.ok_or_else(|| Fault::value("a statement of the batch has no `query`"))?;
            let given = ["parameters", "params"]
                .iter()
                .find_map(|key| map.get(*key));
            Ok(Statement {
                sql: text(sql),
                parameters: given.cloned().unwrap_or_else(|| json!([])),
            })
        }
        _ => Err(Fault::value(
            "a statement is a text, or a dict of `query` and `parameters`",
        )),
    });
    statements.collect()
}

/// A statement as a database wants it: numbered places, and a value for each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    /// A statement without parameters.
    pub(crate) fn new(sql: &str) -> Self {
        Self {
            sql: sql.to_owned(),
            parameters: json!([]),
        }
    }

    /// Replaces the marks `?`, `%s`, `:name`, `$1` by what the database has, and puts the values into their order.
    pub(super) fn bind(&self, kind: Kind) -> Result<Bound, Fault> {
        let mut values = Vec::new();
        let mut sql = String::with_capacity(self.sql.len());
        let mut next = 0;
        let mut rest = self.sql.as_str();
        while let Some(first) = rest.chars().next() {
            if let Some(length) = skipped(rest, kind) {
                let (whole, behind) = rest.split_at(length);
                sql.push_str(whole);
                rest = behind;
                continue;
            }
            let (value, length) = match parameter(rest, sql.chars().next_back()) {
                None => {
                    sql.push(first);
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                    continue;
                }
                Some((Mark::Next, length)) => {
                    next += 1;
                    (self.by_place(next)?, length)
                }
                Some((Mark::Place(place), length)) => (self.by_place(place)?, length),
                Some((Mark::Name(name), length)) => match &self.parameters {
                    Value::Object(given) => (by_name(given, name)?, length),
                    // Without names it is none: a slice, or a time in a text of another kind.
                    _ => {
                        sql.push(first);
                        rest = rest.get(first.len_utf8()..).unwrap_or_default();
                        continue;
                    }
                },
            };
            values.push(value);
            match kind {
                Kind::MariaDb => sql.push('?'),
                Kind::Postgres => sql.push_str(&format!("${}", values.len())),
                Kind::Sqlite => sql.push_str(&format!("?{}", values.len())),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Bound { sql, values })
    }

    fn by_place(&self, place: usize) -> Result<Value, Fault> {
        let given = match &self.parameters {
            Value::Array(values) => values.get(place.saturating_sub(1)).cloned(),
            Value::Null => None,
            // One value alone stands for a list of it.
            Value::Object(_) => None,
            one => (place == 1).then(|| one.clone()),
        };
        given.ok_or_else(|| {
            Fault::value(format!(
                "the statement has a place number {place}, but `parameters` has no value for it"
            ))
        })
    }
}

fn by_name(given: &Object, name: &str) -> Result<Value, Fault> {
    given.get(name).cloned().ok_or_else(|| {
        Fault::value(format!(
            "the statement names `:{name}`, but `parameters` has no such value"
        ))
    })
}

enum Mark<'s> {
    Next,
    Place(usize),
    Name(&'s str),
}

/// The mark of a parameter that a text begins with, and its length.
fn parameter(rest: &str, before: Option<char>) -> Option<(Mark<'_>, usize)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let word = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    };
    match rest.chars().next()? {
        '?' => {
            let digits = word(1);
            match digits.parse() {
                Ok(place) => Some((Mark::Place(place), 1 + digits.len())),
                Err(_) => Some((Mark::Next, 1)),
            }
        }
        '$' => {
            let digits = word(1);
            let place = digits.parse().ok()?;
            Some((Mark::Place(place), 1 + digits.len()))
        }
        '%' if rest.starts_with("%s") => Some((Mark::Next, 2)),
        ':' if before != Some(':') && !before.is_some_and(is_word) => {
            let name = word(1);
            let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
            is_name.then(|| (Mark::Name(name), 1 + name.len()))
        }
        _ => None,
    }
}

/// The length of what a text begins with, if no parameter can stand in it: a quoted text or name, a comment.
fn skipped(rest: &str, kind: Kind) -> Option<usize> {
    let is_maria_db = kind == Kind::MariaDb;
    let until = |open: &str, close: &str| {
        let inner = rest.get(open.len()..)?;
        let end = inner
            .find(close)
            .map_or(rest.len(), |end| open.len() + end + close.len());
        Some(end)
    };
    match rest.as_bytes().first()? {
        quote @ (b'\'' | b'"') if is_maria_db => Some(escaped(rest, *quote)),
        b'\'' => until("'", "'"),
        b'"' => until("\"", "\""),
        b'`' if is_maria_db => until("`", "`"),
        b'#' if is_maria_db => until("#", "\n"),
        b'-' if rest.starts_with("--") => until("--", "\n"),
        b'/' if rest.starts_with("/*") => until("/*", "*/"),
        b':' if rest.starts_with("::") => Some(2),
        b'$' if !is_maria_db => {
            let tag = rest
                .get(1..)?
                .find('$')
                .and_then(|end| rest.get(..end + 2))?;
            let is_tag = tag
                .chars()
                .all(|letter| letter == '$' || letter == '_' || letter.is_alphabetic());
            if is_tag { until(tag, tag) } else { None }
        }
        _ => None,
    }
}

/// The length of a quoted text in which `\` takes the meaning of what follows.
fn escaped(rest: &str, quote: u8) -> usize {
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((place, byte)) = bytes.next() {
        if byte == quote {
            return place + 1;
        }
        if byte == b'\\' {
            bytes.next();
        }
    }
    rest.len()
}

/// The statement with its values for PostgreSQL. The server says what type each place has; all values are sent as texts
/// and become that type there, so that whatever a workflow holds fits where its text does.
pub(super) async fn for_postgres(
    connection: &mut PgConnection,
    bound: &Bound,
) -> Result<(String, PgArguments), Fault> {
    let mut arguments = PgArguments::default();
    if bound.values.is_empty() {
        return Ok((bound.sql.clone(), arguments));
    }
    let prepared = connection
        .prepare(AssertSqlSafe(bound.sql.clone()).into_sql_str())
        .await
        .map_err(|error| failed(&error))?;
    let types: Vec<String> = match prepared.parameters() {
        Some(Either::Left(types)) => types.iter().map(|kind| kind.name().to_owned()).collect(),
        _ => Vec::new(),
    };
    let mut sql = bound.sql.clone();
    // From the last place to the first, so that `$1` is not found in `$12`.
    for place in (1..=bound.values.len()).rev() {
        if let Some(kind) = types.get(place - 1)
            && kind != "TEXT"
        {
            sql = replace_place(&sql, place, &format!("${place}::text::{kind}"));
        }
    }
    for value in &bound.values {
        let written = match value {
            Value::Null => None,
            Value::Array(_) | Value::Object(_) => Some(value.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            other => Some(text(other)),
        };
        arguments
            .add(written)
            .map_err(|error| Fault::value(format!("a parameter cannot be sent: {error}")))?;
    }
    Ok((sql, arguments))
}

/// Replaces the mark of a place, where it is one.
fn replace_place(sql: &str, place: usize, with: &str) -> String {
    let mark = format!("${place}");
    let mut result = String::with_capacity(sql.len() + with.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest, Kind::Postgres).or_else(|| {
            let behind = rest.strip_prefix(&mark)?;
            (!behind.starts_with(|next: char| next.is_ascii_digit())).then_some(mark.len())
        });
        let (whole, behind) = rest.split_at(length.unwrap_or(first.len_utf8()));
        result.push_str(if whole == mark { with } else { whole });
        rest = behind;
    }
    result
}

/// The values for SQLite.
pub(super) fn for_sqlite(values: &[Value]) -> Result<SqliteArguments, Fault> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Null => arguments.add(None::<String>),
            Value::Bool(truth) => arguments.add(*truth),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => arguments.add(integer),
                (None, Some(float)) => arguments.add(float),
                (None, None) => arguments.add(number.to_string()),
            },
            Value::String(text) => arguments.add(text.clone()),
            other => arguments.add(other.to_string()),
        };
        added.map_err(|error| Fault::value(format!("a parameter cannot be given: {error}")))?;
    }
    Ok(arguments)
}
