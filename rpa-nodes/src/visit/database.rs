//! Visits of nodes that work on databases.
//!
//! **Transactions** that a workflow begins and commits with nodes of their own last over several visits, and so perhaps over
//! a crash, which no open transaction survives. So none is open between visits: what is written within one is rehearsed
//! (done, answered and undone), and the commit does all of it at once.

use serde_json::{Value, json};

use super::{Intent, Visit, in_time};
use crate::catalogue::DatabaseAct;
use crate::database::{
    Address, Answer, Kind, Open, Session, Statement, guarded, name, once, rehearse, statements,
};
use crate::fault::Fault;
use crate::record::{Next, Record, Transact};
use crate::value::{Object, text, truth};

/// A table in a message, or of a query, as a name that needs no quotes.
const SETTINGS: [&str; 10] = [
    "db_type",
    "host",
    "port",
    "database",
    "username",
    "password",
    "connection_string",
    "timeout",
    "ssl",
    "use_ssl",
];

/// The act that a node is for: of the node for all it is what `action` says.
fn meant(act: DatabaseAct, inputs: &Object) -> DatabaseAct {
    if act != DatabaseAct::Any {
        return act;
    }
    match inputs.get("action").map(text).unwrap_or_default().as_str() {
        "Connect" => DatabaseAct::Connect,
        "Execute (INSERT/UPDATE/DELETE)" => DatabaseAct::Execute,
        "Begin Transaction" => DatabaseAct::Begin,
        "Commit" => DatabaseAct::Commit,
        "Rollback" => DatabaseAct::Rollback,
        "Close" => DatabaseAct::Close,
        "Execute Batch" => DatabaseAct::Batch,
        _ => DatabaseAct::Query,
    }
}

/// Where the connection of a node leads. Without one, its own settings count, as of the node for all.
fn address(visit: Visit<'_>, inputs: &Object) -> Result<Address, Fault> {
    let folder = visit.walk.folder();
    let address = match inputs.get("connection") {
        Some(Value::Object(settings)) => Address::new(settings, &folder)?,
        Some(Value::String(url)) if !url.trim().is_empty() => {
            Address::parse(url.trim(), &folder, std::time::Duration::from_secs(30))?
        }
        _ => Address::new(inputs, &folder)?,
    };
    if let Some(path) = address.path() {
        visit.host.file(&folder, &path.display().to_string())?;
    }
    Ok(address)
}

/// What tells the transaction of a connection from those of others.
fn transaction(inputs: &Object) -> String {
    inputs.get("connection").map(name).unwrap_or_default()
}

/// Whether a visit writes to the database that keeps the run.
pub(super) fn is_in_journal(
    visit: Visit<'_>,
    act: DatabaseAct,
    inputs: &Object,
) -> Result<bool, Fault> {
    let act = meant(act, inputs);
    if !matches!(
        act,
        DatabaseAct::Execute | DatabaseAct::Batch | DatabaseAct::Commit
    ) || !deduplicates(inputs)
    {
        return Ok(false);
    }
    let address = address(visit, inputs)?;
    Ok(visit
        .host
        .journal
        .as_ref()
        .is_some_and(|journal| journal.is(&address)))
}

fn deduplicates(inputs: &Object) -> bool {
    inputs.get("deduplicate").is_none_or(truth)
}

pub(super) async fn perform(
    visit: Visit<'_>,
    act: DatabaseAct,
    intent: Option<&Intent>,
    session: Option<Session<'_>>,
    record: &mut Record,
) -> Result<(), Fault> {
    let inputs = record.inputs.clone();
    let act = meant(act, &inputs);
    let is_bounded = session.is_none();
    let going = go(visit, act, intent, session, &inputs, record);
    // What is broken off in the middle could not be undone within the transaction of somebody else.
    let done = match is_bounded {
        true => in_time(visit.walk, going).await.and_then(|done| done),
        false => going.await,
    };
    let is_super = inputs.contains_key("action");
    match done {
        Ok(()) => {
            give(record, "success", true);
            if is_super {
                record.exit = Some("exec_out".to_owned());
            }
            Ok(())
        }
        Err(fault) => Err(fault),
    }
}

async fn go(
    visit: Visit<'_>,
    act: DatabaseAct,
    intent: Option<&Intent>,
    session: Option<Session<'_>>,
    inputs: &Object,
    record: &mut Record,
) -> Result<(), Fault> {
    let address = address(visit, inputs)?;
    let id = transaction(inputs);
    let earlier = visit.walk.transaction(&id);
    if let Some(connection) = inputs.get("connection") {
        give(record, "connection", connection.clone());
    }
    match act {
        DatabaseAct::Connect => {
            connected(visit, &address, &Statement::new("SELECT 1")).await?;
            let mut settings: Object = inputs.clone();
            settings.retain(|name, _| SETTINGS.contains(&name.as_str()));
            settings.insert("id".to_owned(), visit.walk.visit_name(visit.turn).into());
            give(record, "connection", Value::Object(settings));
        }
        DatabaseAct::Close => {}
        DatabaseAct::Query => {
            let statement = statement(inputs)?;
            let answer = match earlier {
                None => connected(visit, &address, &statement).await?,
                Some(earlier) => last(rehearsed(visit, &address, earlier, vec![statement]).await?),
            };
            give(record, "results", answer.rows.clone());
            give(record, "row_count", answer.rows.len());
            give(record, "columns", answer.columns);
        }
        DatabaseAct::TableExists => {
            let statement = table_exists(&address, inputs);
            let answer = connected(visit, &address, &statement).await?;
            give(record, "exists", !answer.rows.is_empty());
        }
        DatabaseAct::Columns => {
            let answer = connected(visit, &address, &table_columns(&address, inputs)).await?;
            let names = answer
                .rows
                .iter()
                .filter_map(|row| row.get("name").cloned());
            give(record, "column_names", names.collect::<Vec<_>>());
            give(record, "columns", answer.rows);
        }
        DatabaseAct::Execute => {
            let statement = statement(inputs)?;
            let done = write(
                visit,
                &address,
                session,
                intent,
                record,
                &id,
                vec![statement],
            )
            .await?;
            let answer = last(done);
            give(record, "rows_affected", answer.affected);
            if let Some(id) = key(&answer, address.kind()) {
                give(record, "last_insert_id", id);
            }
        }
        DatabaseAct::Batch => batch(visit, &address, session, intent, record, &id, inputs).await?,
        DatabaseAct::Begin => {
            if earlier.is_some() {
                return Err(Fault::of(
                    "DatabaseError",
                    "a transaction of this connection has begun already",
                ));
            }
            record.next = Some(Next::Transaction {
                connection: id,
                what: Transact::Begin,
            });
        }
        DatabaseAct::Commit => {
            let Some(earlier) = earlier else {
                return Err(no_transaction("commit"));
            };
            write_now(visit, &address, session, intent, earlier.to_vec()).await?;
            record.next = Some(Next::Transaction {
                connection: id,
                what: Transact::End,
            });
        }
        DatabaseAct::Rollback => {
            if earlier.is_none() {
                return Err(no_transaction("roll back"));
            }
            record.next = Some(Next::Transaction {
                connection: id,
                what: Transact::End,
            });
        }
        DatabaseAct::Any => {}
    }
    Ok(())
}

fn no_transaction(what: &str) -> Fault {
    Fault::of(
        "DatabaseError",
        format!(
            "there is no transaction of this connection to {what}; put a BeginTransactionNode before"
        ),
    )
}

async fn batch(
    visit: Visit<'_>,
    address: &Address,
    session: Option<Session<'_>>,
    intent: Option<&Intent>,
    record: &mut Record,
    id: &str,
    inputs: &Object,
) -> Result<(), Fault> {
    let list = match inputs.get("statements") {
        Some(Value::Array(list)) => list.as_slice(),
        _ => &[],
    };
    let done = write(
        visit,
        address,
        session,
        intent,
        record,
        id,
        statements(list)?,
    )
    .await?;
    let results = done.iter().map(
        |answer| json!({"success": true, "rows_affected": answer.affected, "results": answer.rows}),
    );
    give(record, "results", results.collect::<Vec<_>>());
    let affected: u64 = done.iter().map(|answer| answer.affected).sum();
    give(record, "total_rows_affected", affected);
    give(record, "rows_affected", affected);
    Ok(())
}

/// Writes, or rehearses within a transaction of the workflow.
async fn write(
    visit: Visit<'_>,
    address: &Address,
    session: Option<Session<'_>>,
    intent: Option<&Intent>,
    record: &mut Record,
    id: &str,
    statements: Vec<Statement>,
) -> Result<Vec<Answer>, Fault> {
    let Some(earlier) = visit.walk.transaction(id) else {
        return write_now(visit, address, session, intent, statements).await;
    };
    let answers = match session {
        // Undone before anybody sees it.
        Some(mut session) => {
            let all = [earlier, &statements].concat();
            session.command("SAVEPOINT rpa_rehearsal").await?;
            let done = guarded(&mut session, &all).await;
            session
                .command("ROLLBACK TO SAVEPOINT rpa_rehearsal")
                .await?;
            session.command("RELEASE SAVEPOINT rpa_rehearsal").await?;
            done?.split_off(earlier.len())
        }
        None => rehearsed(visit, address, earlier, statements.clone()).await?,
    };
    record.next = Some(Next::Transaction {
        connection: id.to_owned(),
        what: Transact::Add(statements),
    });
    Ok(answers)
}

/// Writes now, once.
async fn write_now(
    visit: Visit<'_>,
    address: &Address,
    session: Option<Session<'_>>,
    intent: Option<&Intent>,
    statements: Vec<Statement>,
) -> Result<Vec<Answer>, Fault> {
    if let Some(mut session) = session {
        return guarded(&mut session, &statements).await;
    }
    let mut open = visit.host.connect(address).await?;
    let deduplicates =
        visit.host.journal.is_some() && intent.is_none_or(|intent| deduplicates(&intent.inputs));
    let done = match deduplicates {
        true => once(&mut open, &visit.key(), &statements).await?,
        false => plainly(&mut open, &statements).await?,
    };
    visit.host.keep(address, open);
    Ok(done)
}

/// Statements that are not kept from being done twice. Each is a transaction of its own, so also those can be done that
/// refuse to be part of one.
async fn plainly(open: &mut Open, statements: &[Statement]) -> Result<Vec<Answer>, Fault> {
    let mut answers = Vec::new();
    for statement in statements {
        answers.push(open.session().ask(statement).await?);
    }
    Ok(answers)
}

async fn rehearsed(
    visit: Visit<'_>,
    address: &Address,
    earlier: &[Statement],
    statements: Vec<Statement>,
) -> Result<Vec<Answer>, Fault> {
    let all = [earlier, &statements].concat();
    let mut open = visit.host.connect(address).await?;
    let mut answers = rehearse(&mut open, &all).await?;
    visit.host.keep(address, open);
    Ok(answers.split_off(earlier.len()))
}

async fn connected(
    visit: Visit<'_>,
    address: &Address,
    statement: &Statement,
) -> Result<Answer, Fault> {
    let mut open = visit.host.connect(address).await?;
    let answer = open.session().ask(statement).await?;
    visit.host.keep(address, open);
    Ok(answer)
}

fn last(mut answers: Vec<Answer>) -> Answer {
    answers.pop().unwrap_or_default()
}

/// The key of what was inserted: SQLite and MariaDB know it; PostgreSQL tells it when the statement says RETURNING.
fn key(answer: &Answer, kind: Kind) -> Option<i64> {
    let returned = answer
        .rows
        .first()
        .and_then(|row| row.as_object()?.values().next()?.as_i64());
    returned.or(match kind {
        Kind::MariaDb | Kind::Sqlite => answer.last_id,
        Kind::Postgres => None,
    })
}

fn statement(inputs: &Object) -> Result<Statement, Fault> {
    let sql = inputs.get("query").map(text).unwrap_or_default();
    if sql.trim().is_empty() {
        return Err(Fault::value("there is no statement; set `query`"));
    }
    Ok(Statement {
        sql,
        parameters: inputs.get("parameters").cloned().unwrap_or_default(),
    })
}

fn table_exists(address: &Address, inputs: &Object) -> Statement {
    let sql = match address.kind() {
        Kind::MariaDb => {
            "SELECT 1 AS found FROM information_schema.tables WHERE (table_schema = DATABASE() AND table_name = $1) \
             OR CONCAT(table_schema, '.', table_name) = $1"
        }
        Kind::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?"
        }
        Kind::Postgres => "SELECT 1 AS found WHERE to_regclass(?) IS NOT NULL",
    };
    named(sql, inputs)
}

fn table_columns(address: &Address, inputs: &Object) -> Statement {
    let sql = match address.kind() {
        Kind::MariaDb => {
            "SELECT column_name AS name, column_type AS type, is_nullable = 'YES' AS nullable, column_default AS `default` \
             FROM information_schema.columns WHERE (table_schema = DATABASE() AND table_name = $1) \
             OR CONCAT(table_schema, '.', table_name) = $1 ORDER BY ordinal_position"
        }
        Kind::Sqlite => {
            "SELECT name, type, CASE WHEN \"notnull\" = 0 THEN 1 ELSE 0 END AS nullable, dflt_value AS \"default\" FROM \
             pragma_table_info(?)"
        }
        Kind::Postgres => {
            "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, \
             pg_get_expr(d.adbin, d.adrelid) AS \"default\" FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid \
             AND d.adnum = a.attnum WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        }
    };
    named(sql, inputs)
}

fn named(sql: &str, inputs: &Object) -> Statement {
    Statement {
        sql: sql.to_owned(),
        parameters: json!([inputs.get("table_name").map(text).unwrap_or_default()]),
    }
}

fn give(record: &mut Record, name: &str, value: impl Into<Value>) {
    record.outputs.insert(name.to_owned(), value.into());
}
