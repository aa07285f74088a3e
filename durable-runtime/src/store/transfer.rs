//! Takes workflows out of a database as one document, and puts them into another.

use serde_json::{Map, Value as Json};

use super::sql::{first, params};
use super::{Isolation, Store, Transaction};
use crate::error::{Error, Result, StoreError};

/// A table with rows about workflows.
struct Table {
    name: &'static str,
    /// The column with the workflow's id.
    owner: &'static str,
    columns: &'static [&'static str],
}

/// What is known about a workflow; the row that the others refer to first.
const TABLES: [Table; 8] = [
    Table {
        name: "workflow_status",
        owner: "workflow_uuid",
        columns: &[
            "workflow_uuid",
            "status",
            "name",
            "authenticated_user",
            "assumed_role",
            "authenticated_roles",
            "request",
            "output",
            "error",
            "executor_id",
            "created_at",
            "updated_at",
            "application_version",
            "application_id",
            "class_name",
            "config_name",
            "recovery_attempts",
            "queue_name",
            "workflow_timeout_ms",
            "workflow_deadline_epoch_ms",
            "inputs",
            "started_at_epoch_ms",
            "deduplication_id",
            "priority",
            "queue_partition_key",
            "forked_from",
            "owner_xid",
            "parent_workflow_id",
            "serialization",
            "delay_until_epoch_ms",
            "was_forked_from",
            "rate_limited",
            "completed_at",
            "attributes",
            "schedule_name",
            "debounce_deadline_epoch_ms",
            "is_debounced",
            "application_name",
            "creator_xid",
        ],
    },
    Table {
        name: "workflow_input",
        owner: "workflow_uuid",
        columns: &["workflow_uuid", "inputs", "retention_timestamp"],
    },
    Table {
        name: "workflow_output",
        owner: "workflow_uuid",
        columns: &["workflow_uuid", "output", "error", "retention_timestamp"],
    },
    Table {
        name: "operation_outputs",
        owner: "workflow_uuid",
        columns: &[
            "workflow_uuid",
            "function_id",
            "function_name",
            "output",
            "error",
            "child_workflow_id",
            "started_at_epoch_ms",
            "completed_at_epoch_ms",
            "serialization",
            "application_name",
            "retention_timestamp",
        ],
    },
    Table {
        name: "notifications",
        owner: "destination_uuid",
        columns: &[
            "message_uuid",
            "destination_uuid",
            "topic",
            "message",
            "created_at_epoch_ms",
            "serialization",
            "consumed",
            "consumed_by_function_id",
        ],
    },
    Table {
        name: "workflow_events",
        owner: "workflow_uuid",
        columns: &["workflow_uuid", "key", "value", "serialization"],
    },
    Table {
        name: "workflow_events_history",
        owner: "workflow_uuid",
        columns: &[
            "workflow_uuid",
            "function_id",
            "key",
            "value",
            "serialization",
        ],
    },
    Table {
        name: "streams",
        owner: "workflow_uuid",
        columns: &[
            "workflow_uuid",
            "key",
            "value",
            "offset",
            "function_id",
            "serialization",
        ],
    },
];

/// Columns that are true or false, which SQLite keeps as numbers.
const BOOLEANS: [&str; 4] = [
    "was_forked_from",
    "rate_limited",
    "is_debounced",
    "consumed",
];

/// The name of the document's form.
const FORM: &str = "durable-workflows-1";

impl dyn Store {
    /// All rows about these workflows, and about everything that they started if `children`, at one moment. A missing
    /// one fails all.
    pub(crate) async fn export(&self, workflow_ids: &[String], children: bool) -> Result<Json> {
        let mut transaction = self.begin(Isolation::RepeatableRead).await?;
        let ids = match children {
            true => self.family(&mut transaction, workflow_ids).await?,
            false => workflow_ids.to_vec(),
        };
        let mut document = Map::new();
        document.insert("form".to_owned(), FORM.into());
        for table in &TABLES {
            let rows = export(&mut transaction, table, &ids).await?;
            document.insert(table.name.to_owned(), Json::Array(rows));
        }
        transaction.rollback().await?;
        let rows = document.get("workflow_status").and_then(Json::as_array);
        let there = |id: &str| {
            rows.is_some_and(|rows| {
                rows.iter()
                    .any(|row| row.get("workflow_uuid").is_some_and(|it| it == id))
            })
        };
        match workflow_ids.iter().find(|id| !there(id)) {
            Some(id) => Err(Error::NoSuchWorkflow { id: id.clone() }),
            None => Ok(Json::Object(document)),
        }
    }

    /// Puts all rows of a document into the database, or none when one of its workflows is there; says which
    /// workflows it holds.
    pub(crate) async fn import(&self, document: &Json) -> Result<Vec<String>> {
        let wrong = |what: String| Error::Misuse(format!("this is no export of workflows: {what}"));
        if document.get("form").and_then(Json::as_str) != Some(FORM) {
            return Err(wrong(format!("its `form` is not `{FORM}`")));
        }
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let mut imported = Vec::new();
        for table in &TABLES {
            let rows = document.get(table.name).and_then(Json::as_array);
            let rows = rows.ok_or_else(|| wrong(format!("`{}` is missing", table.name)))?;
            let inserted = import(&mut transaction, table, rows).await?;
            if table.name == "workflow_status" {
                let wanted = rows.iter().filter_map(|row| row.get(table.owner)?.as_str());
                for id in wanted {
                    if !inserted.iter().any(|it| it == id) {
                        return Err(Error::WorkflowIdInUse { id: id.to_owned() });
                    }
                }
                imported = inserted;
            }
        }
        transaction.commit(&[]).await?;
        Ok(imported)
    }
}

async fn export(transaction: &mut Transaction, table: &Table, ids: &[String]) -> Result<Vec<Json>> {
    let field = |column: &&str| match *column {
        "attributes" => {
            "'attributes', CASE WHEN json_valid(attributes) THEN json(attributes) END".to_owned()
        }
        column => format!("'{column}', \"{column}\""),
    };
    let fields: Vec<_> = table.columns.iter().map(field).collect();
    let sql = format!(
        "SELECT {{pg:to_jsonb(t)::text}}{{lite:json_object({})}} FROM dbos.{} t WHERE {} IN {{each:$1}} ORDER BY {}",
        fields.join(", "),
        table.name,
        table.owner,
        order(table),
    );
    let rows = transaction
        .query("export workflows", &sql, params![ids])
        .await?;
    let read = |row| {
        let text: String = first(vec![row])?.unwrap_or_default();
        let mut row: Map<String, Json> =
            serde_json::from_str(&text).map_err(|error| StoreError::Corrupt {
                workflow_id: ids.join(", "),
                reason: format!("a row of `{}` is no JSON: {error}", table.name),
            })?;
        // As PostgreSQL has it, in this order of columns.
        let value = |column: &&str| {
            let value = row.remove(*column).unwrap_or_default();
            let value = match value.as_i64() {
                Some(number) if BOOLEANS.contains(column) => Json::Bool(number != 0),
                _ => value,
            };
            ((*column).to_owned(), value)
        };
        Ok(Json::Object(table.columns.iter().map(value).collect()))
    };
    rows.into_iter().map(read).collect()
}

/// The order in which the rows of a workflow belong.
fn order(table: &Table) -> &'static str {
    match table.name {
        "workflow_status" => "created_at, workflow_uuid",
        "operation_outputs" => "workflow_uuid, function_id",
        "notifications" => "destination_uuid, created_at_epoch_ms, message_uuid",
        "workflow_events" => "workflow_uuid, key",
        "workflow_events_history" => "workflow_uuid, function_id, key",
        "streams" => "workflow_uuid, key, \"offset\"",
        _ => "workflow_uuid",
    }
}

async fn import(
    transaction: &mut Transaction,
    table: &Table,
    rows: &[Json],
) -> Result<Vec<String>> {
    let quoted: Vec<_> = table
        .columns
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let columns = quoted.join(", ");
    let extracted: Vec<_> = table
        .columns
        .iter()
        .map(|name| format!("value ->> '{name}'"))
        .collect();
    let conflict = match table.name {
        "workflow_status" => "ON CONFLICT (workflow_uuid) DO NOTHING",
        _ => "",
    };
    let sql = format!(
        "INSERT INTO dbos.{name} ({columns})
         SELECT {{pg:{columns}}}{{lite:{extracted}}}
         FROM {{pg:jsonb_populate_recordset(NULL::dbos.{name}, $1::jsonb)}}{{lite:json_each($1)}}
         WHERE TRUE {conflict} RETURNING {owner}",
        name = table.name,
        extracted = extracted.join(", "),
        owner = table.owner,
    );
    let rows = transaction
        .query("import workflows", &sql, params![rows.to_vec()])
        .await?;
    Ok(super::cancel::ids(rows)?)
}
