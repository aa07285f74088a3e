//! Statements that are done once, whatever crashes.
//!
//! A database that is not the journal's keeps a table of visits, `rpa_visits`. What a visit writes, and the row that tells
//! what it was answered, are one transaction: a visit that finds its row there did its work before a crash.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Answer, Open, Session, Statement, failed, maria_db};
use crate::fault::Fault;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS rpa_visits (visit TEXT PRIMARY KEY, answer TEXT NOT NULL)";
/// In MariaDB a key has a length, and other kinds of tables know no transactions. As bytes, keys that differ in case or in
/// blanks at their end differ.
const MARIA_DB_TABLE: &str = "CREATE TABLE IF NOT EXISTS rpa_visits (visit VARBINARY(700) PRIMARY KEY, answer LONGTEXT \
     CHARACTER SET utf8mb4 NOT NULL) ENGINE = InnoDB";
/// The longest key that the table holds there.
const LONGEST: usize = 700;

/// Does statements in a transaction of their own, and remembers under a key that they are done. Done before, they are not
/// done again: the answers are those of the first time.
///
/// # Errors
/// A statement is refused; then none is done.
pub(crate) async fn once(
    open: &mut Open,
    key: &str,
    statements: &[Statement],
) -> Result<Vec<Answer>, Fault> {
    let mut session = open.session();
    prepare(&mut session).await?;
    let key = &*fitting(&session, key);
    let (alone, together) = match session {
        Session::MariaDb(_) => maria_db::apart(statements)?,
        Session::Postgres(_) | Session::Sqlite(_) => (&[] as &[_], statements),
    };
    let mut first = Vec::new();
    if !alone.is_empty() {
        if let Some(answers) = recall(&mut session, key).await? {
            return Ok(answers);
        }
        first = all(&mut session, alone).await?;
    }
    begin(&mut session).await?;
    let done = async {
        if let Some(answers) = recall(&mut session, key).await? {
            return Ok(answers);
        }
        let mut answers = first;
        answers.extend(all(&mut session, together).await?);
        remember(&mut session, key, &answers).await?;
        Ok(answers)
    }
    .await;
    let Err(fault) = done else {
        session.command("COMMIT").await?;
        return done;
    };
    // What counts is the first failure; a connection that cannot roll back is given up, and that rolls back.
    if session.command("ROLLBACK").await.is_err() {
        return Err(fault);
    }
    // A commit that a process sent before it died may have come between: then this is what was in the way.
    match recall(&mut session, key).await {
        Ok(Some(answers)) => Ok(answers),
        _ => Err(fault),
    }
}

/// The key, or what stands for it where it is too long.
fn fitting<'k>(session: &Session<'_>, key: &'k str) -> Cow<'k, str> {
    if !matches!(session, Session::MariaDb(_)) || key.len() <= LONGEST {
        return key.into();
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    let mut short = String::from("sha256:");
    for byte in digest.as_ref() {
        // A text takes whatever is written to it.
        let _ = write!(short, "{byte:02x}");
    }
    short.into()
}

/// Does statements within a transaction that somebody else commits. If one is refused, all are undone, and the transaction
/// goes on.
///
/// # Errors
/// A statement is refused.
pub(crate) async fn guarded(
    session: &mut Session<'_>,
    statements: &[Statement],
) -> Result<Vec<Answer>, Fault> {
    session.command("SAVEPOINT rpa_visit").await?;
    let done = all(session, statements).await;
    match done {
        Ok(_) => session.command("RELEASE SAVEPOINT rpa_visit").await?,
        Err(_) => {
            session.command("ROLLBACK TO SAVEPOINT rpa_visit").await?;
            session.command("RELEASE SAVEPOINT rpa_visit").await?;
        }
    }
    done
}

/// Does statements one after the other.
pub(super) async fn all(
    session: &mut Session<'_>,
    statements: &[Statement],
) -> Result<Vec<Answer>, Fault> {
    let mut answers = Vec::with_capacity(statements.len());
    for statement in statements {
        answers.push(session.ask(statement).await?);
    }
    Ok(answers)
}

/// Does statements to see what they would be answered, and undoes them.
///
/// # Errors
/// A statement is refused.
pub(crate) async fn rehearse(
    open: &mut Open,
    statements: &[Statement],
) -> Result<Vec<Answer>, Fault> {
    let mut session = open.session();
    if let Session::MariaDb(_) = session {
        maria_db::refuse_committing(statements)?;
    }
    session.command("BEGIN").await?;
    let done = all(&mut session, statements).await;
    session.command("ROLLBACK").await?;
    if let Session::MariaDb(connection) = session {
        maria_db::is_undone(connection).await?;
    }
    done
}

async fn begin(session: &mut Session<'_>) -> Result<(), Fault> {
    match session {
        Session::MariaDb(_) | Session::Postgres(_) => session.command("BEGIN").await,
        // The lock to write comes first: a transaction that only reads at its beginning could not wait for it.
        Session::Sqlite(_) => session.command("BEGIN IMMEDIATE").await,
    }
}

/// Makes the table of visits where it is not there yet.
async fn prepare(session: &mut Session<'_>) -> Result<(), Fault> {
    let table = match session {
        Session::MariaDb(_) => MARIA_DB_TABLE,
        Session::Postgres(_) | Session::Sqlite(_) => TABLE,
    };
    let there = match session {
        // Asked first, as a user may be allowed to write to the table and not to make it.
        Session::MariaDb(connection) => sqlx::query_scalar::<_, i64>(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'rpa_visits'",
        )
        .fetch_one(&mut **connection)
        .await
        .map(|found| found > 0)
        .map_err(|error| failed(&error))?,
        Session::Postgres(connection) => {
            sqlx::query_scalar::<_, bool>("SELECT to_regclass('rpa_visits') IS NOT NULL")
                .fetch_one(&mut **connection)
                .await
                .map_err(|error| failed(&error))?
        }
        Session::Sqlite(_) => false,
    };
    if there {
        return Ok(());
    }
    let made = session.command(table).await;
    made.map_err(|fault| {
        Fault::of(
            fault.error_type,
            format!(
                "the table that keeps statements from being done twice cannot be made ({}); let this user create tables, make \
                 it with `{table}`, or set `deduplicate` to false and be content with at least once",
                fault.message
            ),
        )
    })
}

async fn recall(session: &mut Session<'_>, key: &str) -> Result<Option<Vec<Answer>>, Fault> {
    let text: Option<String> = match session {
        Session::MariaDb(connection) => {
            sqlx::query_scalar("SELECT answer FROM rpa_visits WHERE visit = ?")
                .bind(key.as_bytes())
                .fetch_optional(&mut **connection)
                .await
        }
        Session::Postgres(connection) => {
            sqlx::query_scalar("SELECT answer FROM rpa_visits WHERE visit = $1")
                .bind(key)
                .fetch_optional(&mut **connection)
                .await
        }
        Session::Sqlite(connection) => {
            sqlx::query_scalar("SELECT answer FROM rpa_visits WHERE visit = ?1")
                .bind(key)
                .fetch_optional(&mut **connection)
                .await
        }
    }
    .map_err(|error| failed(&error))?;
    let answers = text.map(|text| serde_json::from_str(&text));
    answers.transpose().map_err(|error| {
        Fault::of(
            "DatabaseError",
            format!("the row of visit {key} in rpa_visits cannot be read: {error}"),
        )
    })
}

async fn remember(session: &mut Session<'_>, key: &str, answers: &[Answer]) -> Result<(), Fault> {
    let text = serde_json::to_string(answers)
        .map_err(|error| Fault::value(format!("an answer cannot be kept: {error}")))?;
    let kept = match session {
        Session::MariaDb(connection) => {
            sqlx::query("INSERT INTO rpa_visits (visit, answer) VALUES (?, ?)")
                .bind(key.as_bytes())
                .bind(text)
                .execute(&mut **connection)
                .await
                .map(drop)
        }
        Session::Postgres(connection) => {
            sqlx::query("INSERT INTO rpa_visits (visit, answer) VALUES ($1, $2)")
                .bind(key)
                .bind(text)
                .execute(&mut **connection)
                .await
                .map(drop)
        }
        Session::Sqlite(connection) => {
            sqlx::query("INSERT INTO rpa_visits (visit, answer) VALUES (?1, ?2)")
                .bind(key)
                .bind(text)
                .execute(&mut **connection)
                .await
                .map(drop)
        }
    };
    kept.map_err(|error| failed(&error))
}
