//! Runs that begin where another one was: with its records up to a visit, and from there on with what is given now.

use durable_runtime::Client;
use serde_json::{Map, Value};

use super::failure::StartError;
use super::report::{find, request_of};
use super::request::Request;
use crate::catalogue::catalogue;
use crate::record::{Record, VisitStatus};
use crate::value::Object;
use crate::walk::{Step, Walk};

/// Where a fork begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// The node.
    pub node: String,
    /// Which visit of it; the last unless given.
    pub visit: Option<u32>,
}

impl std::str::FromStr for From {
    type Err = String;

    /// Reads `NODE` or `NODE#VISIT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (node, visit) = match text.rsplit_once('#') {
            None => (text, None),
            Some((node, visit)) => match visit.parse() {
                Ok(visit) if visit > 0 => (node, Some(visit)),
                _ => {
                    return Err(format!(
                        "`{text}` names no visit; write NODE or NODE#VISIT, from 1"
                    ));
                }
            },
        };
        Ok(Self {
            node: node.to_owned(),
            visit,
        })
    }
}

/// What a fork is.
#[derive(Debug, Clone)]
pub struct ForkOptions {
    /// The first visit that is done anew; with outputs in `set`, the last that is not.
    pub from: From,
    /// Outputs that count in the place of what the visit gave. It is not done then: the run goes on behind it.
    pub set: Object,
    /// What is run in the place of what the other run was started with.
    pub request: Option<Request>,
    /// The id of the new run.
    pub id: String,
}

/// The visit of a run that failed last.
///
/// # Errors
/// There is no such run, or nothing in it failed.
pub async fn last_failure(client: &Client, id: &str) -> Result<From, StartError> {
    let visits = super::history::visits(client, id).await?;
    let failed = visits
        .into_iter()
        .rev()
        .find(|visit| visit.status == VisitStatus::Failed);
    match failed {
        Some(visit) => Ok(From {
            node: visit.node,
            visit: Some(visit.visit),
        }),
        None => {
            find(client, id).await?;
            Err(StartError::Fork {
                reason: format!(
                    "nothing failed in the run `{id}`; `rpa fork {id} --from NODE` begins at any node"
                ),
            })
        }
    }
}

/// Makes a run that has the records of another one up to a visit. It is durable when this returns, and runs when somebody
/// [resumes](super::resume) it.
///
/// # Errors
/// There is no such run or visit, the id is in use, or the records do not fit to what is to be run now.
pub async fn fork(client: &Client, id: &str, options: &ForkOptions) -> Result<(), StartError> {
    let row = find(client, id).await?;
    let known = request_of(&row).ok_or_else(|| StartError::Fork {
        reason: format!("`{id}` is no run of a workflow file"),
    })?;
    has_outputs(options.request.as_ref().unwrap_or(&known), options)?;
    let mut document = client.export(id).await?;
    let end = end(&document, id, options)?;
    if let Some(request) = &options.request {
        let is_same_folder = known.folder == request.folder;
        let mut request = request.clone();
        if !is_same_folder {
            request.folder.clone_from(&known.folder);
        }
        request.fired.clone_from(&known.fired);
        fits(&document, end, &request)?;
        input(&mut document, &request)?;
    }
    rewrite(&mut document, end, options)?;
    client
        .import(&document)
        .await
        .map_err(|error| match error {
            durable_runtime::Error::WorkflowIdInUse { .. } => StartError::Fork {
                reason: format!(
                    "the id `{}` is in use; give another one with --id",
                    options.id
                ),
            },
            error => error.into(),
        })?;
    Ok(())
}

/// What is set has to be an output of the node; else the fork would run as if nothing had been set.
fn has_outputs(request: &Request, options: &ForkOptions) -> Result<(), StartError> {
    let loaded = request.load()?;
    let node = loaded.workflow.nodes.get(&options.from.node);
    let Some(known) = node.and_then(|node| catalogue().get(&node.node_type)) else {
        return Ok(());
    };
    let unknown = |name: &&String| !known.is_open && known.find_output(name).is_none();
    match options.set.keys().find(unknown) {
        None => Ok(()),
        Some(name) => {
            let outputs: Vec<&str> = known.outputs.iter().map(|output| output.name).collect();
            Err(StartError::Fork {
                reason: format!(
                    "`{}` ({}) gives no `{name}`; it gives {}",
                    options.from.node,
                    known.name,
                    match outputs.is_empty() {
                        true => "nothing".to_owned(),
                        false => outputs.join(", "),
                    }
                ),
            })
        }
    }
}

fn rows<'d>(document: &'d Value, table: &str) -> impl Iterator<Item = &'d Value> + use<'d> {
    document
        .get(table)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn number(row: &Value) -> i64 {
    row.get("function_id").and_then(Value::as_i64).unwrap_or(0)
}

fn name(row: &Value) -> &str {
    row.get("function_name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The first step that is not taken over.
fn end(document: &Value, id: &str, options: &ForkOptions) -> Result<i64, StartError> {
    let From { node, visit } = &options.from;
    let numbered = |row: &Value| -> Option<u32> {
        let (found, visit) = name(row).strip_prefix("node:")?.rsplit_once('#')?;
        (found == node).then(|| visit.parse().ok())?
    };
    let visits = rows(document, "operation_outputs").filter_map(numbered);
    let wanted = visit.or_else(|| visits.max());
    let missing = || StartError::NoSuchVisit {
        id: id.to_owned(),
        visit: match visit {
            Some(visit) => format!("{node}#{visit}"),
            None => format!("of `{node}`"),
        },
    };
    let wanted = wanted.ok_or_else(missing)?;
    let names = [
        format!("node:{node}#{wanted}"),
        format!("intent:{node}#{wanted}"),
    ];
    let steps = rows(document, "operation_outputs")
        .filter(|row| names.iter().any(|known| known == name(row)));
    let steps: Vec<i64> = steps.map(number).collect();
    let wanted = match options.set.is_empty() {
        true => steps.iter().min().copied(),
        // The visit itself is taken over.
        false => steps.iter().max().map(|last| last + 1),
    };
    wanted.ok_or_else(missing)
}

/// Walks over the records that are taken over with what is to be run now: each visit must be the one that comes next.
fn fits(document: &Value, end: i64, request: &Request) -> Result<(), StartError> {
    let mut walk = Walk::of(request, &request.load()?.workflow);
    let mut steps: Vec<&Value> = rows(document, "operation_outputs")
        .filter(|row| number(row) < end)
        .collect();
    steps.sort_by_key(|row| number(row));
    let mut records: Vec<(String, Record)> = Vec::new();
    for row in steps {
        let output = row
            .get("output")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if name(row).starts_with("node:")
            && let Ok(record) = serde_json::from_str(output)
        {
            records.retain(|(known, _)| known != name(row));
            records.push((name(row).to_owned(), record));
        }
    }
    while !records.is_empty() {
        let round = walk.round();
        let mut settled = 0;
        // Those of one round may be recorded in any order, but before those of the next.
        let mut side_by_side = round.len();
        let due: Vec<String> = round
            .iter()
            .filter_map(|(_, step)| step.turn())
            .map(|turn| walk.visit_name(turn))
            .collect();
        for (_, step) in &round {
            let Step::Visit(turn) = step else {
                settled += 1;
                continue;
            };
            let due = walk.visit_name(turn);
            let place = records
                .iter()
                .take(side_by_side)
                .position(|(name, _)| *name == due);
            if let Some(place) = place {
                let (_, record) = records.remove(place);
                walk.settle(turn, record);
                settled += 1;
                side_by_side -= 1;
            }
        }
        if settled == round.len() && !round.is_empty() {
            continue;
        }
        if let Some((left, _)) = records.first() {
            let plain = |name: &str| name.trim_start_matches("node:").to_owned();
            let due = match due.first() {
                Some(due) => format!("goes to {}", plain(due)),
                None => "ends".to_owned(),
            };
            return Err(StartError::Fork {
                reason: format!(
                    "the run went to {} there, the workflow as it is now {due}; fork from a visit before, or undo the change",
                    plain(left)
                ),
            });
        }
    }
    Ok(())
}

/// Puts another request in the place of the arguments.
fn input(document: &mut Value, request: &Request) -> Result<(), StartError> {
    let refused = |reason: String| StartError::Fork { reason };
    let request = serde_json::to_value(request).map_err(|error| refused(error.to_string()))?;
    for table in ["workflow_status", "workflow_input"] {
        for row in document
            .get_mut(table)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let Some(Value::String(inputs)) = row.get_mut("inputs") else {
                continue;
            };
            let mut read: Value =
                serde_json::from_str(inputs).map_err(|error| refused(error.to_string()))?;
            if let Some(first) = read.pointer_mut("/positionalArgs/0") {
                *first = request.clone();
            }
            *inputs = read.to_string();
        }
    }
    Ok(())
}

/// Makes a new run of the document of another one.
fn rewrite(document: &mut Value, end: i64, options: &ForkOptions) -> Result<(), StartError> {
    let refused = |reason: &str| StartError::Fork {
        reason: reason.to_owned(),
    };
    let new: Value = options.id.clone().into();
    let source = document
        .pointer("/workflow_status/0/workflow_uuid")
        .cloned()
        .unwrap_or_default();
    let Value::Object(tables) = document else {
        return Err(refused("its records cannot be read"));
    };
    for (table, rows) in tables {
        let Value::Array(rows) = rows else { continue };
        match table.as_str() {
            "operation_outputs" => rows.retain(|row| number(row) < end),
            // What it told others, and what others told it, is its own.
            "workflow_status" | "workflow_input" => {}
            _ => rows.clear(),
        }
        for row in rows.iter_mut() {
            let Value::Object(row) = row else { continue };
            row.insert("workflow_uuid".to_owned(), new.clone());
        }
    }
    let row = document
        .pointer_mut("/workflow_status/0")
        .and_then(Value::as_object_mut);
    let row = row.ok_or_else(|| refused("it has no row"))?;
    begin_anew(row, &options.id, source);
    if !options.set.is_empty() {
        let last = document
            .get_mut("operation_outputs")
            .and_then(Value::as_array_mut)
            .and_then(|rows| rows.iter_mut().max_by_key(|row| number(row)));
        replace(
            last.ok_or_else(|| refused("there is no visit before"))?,
            &options.set,
        )?;
    }
    Ok(())
}

fn begin_anew(row: &mut Map<String, Value>, id: &str, source: Value) {
    let mut put = |column: &str, value: Value| row.insert(column.to_owned(), value);
    put("status", "PENDING".into());
    put("executor_id", format!("rpa:{id}").into());
    put("recovery_attempts", 0.into());
    put("forked_from", source);
    for column in [
        "output",
        "error",
        "completed_at",
        "owner_xid",
        "creator_xid",
        "parent_workflow_id",
        "queue_name",
        "deduplication_id",
        "started_at_epoch_ms",
        "workflow_deadline_epoch_ms",
    ] {
        put(column, Value::Null);
    }
}

/// Puts outputs in the place of what a visit gave.
fn replace(row: &mut Value, set: &Object) -> Result<(), StartError> {
    let wrong = || StartError::Fork {
        reason: "its record cannot be changed".to_owned(),
    };
    let text = row
        .get("output")
        .and_then(Value::as_str)
        .ok_or_else(wrong)?;
    let mut record: Record = serde_json::from_str(text).map_err(|_| wrong())?;
    record.status = VisitStatus::Success;
    record.error = None;
    record.question = None;
    record.outputs.extend(set.clone());
    let text = serde_json::to_string(&record).map_err(|_| wrong())?;
    if let Some(output) = row.get_mut("output") {
        *output = text.into();
    }
    Ok(())
}
