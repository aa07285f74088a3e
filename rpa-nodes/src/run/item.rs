//! Work items: runs that are tried again when they fail, unless what failed is the item itself.

use std::collections::BTreeMap;
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, Status, WorkflowFilter, WorkflowStatus};
use serde::{Deserialize, Serialize};

use super::durable::run_document;
use super::failure::{RunError, StartError};
use super::queue::{QUEUE, WorkOptions, launch, queue};
use super::report::{Report, find};
use super::request::Request;
use crate::secrets::Vault;

/// Failures of these classes say that the item is wrong: to do the same again would not help.
const BUSINESS: [&str; 3] = [
    "BusinessError",
    "BusinessException",
    "BusinessRuleException",
];
/// What the ids of items begin with.
const PREFIX: &str = "item:";

/// A piece of work for a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What is run for it.
    pub request: Request,
    /// How often it is tried in all.
    pub attempts: u32,
    /// How long it rests after the first failure, in milliseconds; then twice as long each time.
    pub rest_ms: u64,
}

/// Works on an item until its workflow succeeds. Each attempt is a child, `<item>/<attempt>`. A failure of the class
/// `BusinessError` ends it; any other is tried again, and the last one leaves the item as a dead letter.
#[workflow]
pub async fn work_item(ctx: WorkflowContext, item: Item) -> Result<Report, RunError> {
    let mut rest = item.rest_ms;
    let mut attempt = 1;
    loop {
        let id = format!("{}/{attempt}", ctx.workflow_id());
        let ended = run_document(&ctx, item.request.clone()).id(id).await;
        match ended {
            Err(RunError::Failed(report))
                if attempt < item.attempts && !is_business(report.error.as_deref()) => {}
            ended => return ended,
        }
        ctx.sleep(Duration::from_millis(rest)).await;
        rest = rest.saturating_mul(2);
        attempt += 1;
    }
}

/// Whether what failed is the item itself.
fn is_business(error: Option<&str>) -> bool {
    let class = error.and_then(|error| error.split(':').next());
    class.is_some_and(|class| BUSINESS.contains(&class.trim()))
}

/// What is run for an item.
pub(crate) fn item_of(row: &WorkflowStatus) -> Option<Request> {
    let input: serde_json::Value = serde_json::from_str(row.input.as_deref()?).ok()?;
    let item = input.pointer("/positionalArgs/0")?.clone();
    let item: Item = serde_json::from_value(item).ok()?;
    Some(item.request)
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// Nobody had time for it yet.
    Waiting,
    /// It is worked on, or rests between two attempts.
    Working,
    /// Its workflow succeeded.
    Done,
    /// It is wrong itself: its workflow said so.
    Business,
    /// All attempts failed.
    Dead,
    /// Somebody cancelled it.
    Cancelled,
}

/// An item in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemLine {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub state: ItemState,
    /// Why it failed.
    pub error: Option<String>,
}

impl ItemLine {
    fn new(row: WorkflowStatus) -> Self {
        let error = row.error_value();
        let error = error.and_then(|error| error.get("message")?.as_str().map(str::to_owned));
        let state = match row.status {
            Status::Enqueued | Status::Delayed => ItemState::Waiting,
            Status::Pending => ItemState::Working,
            Status::Success => ItemState::Done,
            Status::Cancelled => ItemState::Cancelled,
            _ if is_business(error.as_deref()) => ItemState::Business,
            _ => ItemState::Dead,
        };
        Self {
            id: row.workflow_id,
            state,
            error,
        }
    }
}

/// Puts items on the queue, all of them durable when this returns. An item whose id is known is left as it is. Gives the ids
/// of those that are new.
///
/// # Errors
/// The database cannot be used, or a secret is missing.
pub async fn add_item(
    items: Vec<(String, Item)>,
    options: &WorkOptions,
) -> Result<Vec<String>, StartError> {
    let vault: &Vault = &options.host.vault;
    let mut sealed = Vec::new();
    for (id, mut item) in items {
        item.request.seal(vault)?;
        for name in item.request.secrets() {
            vault.get(&name)?;
        }
        sealed.push((format!("{PREFIX}{id}"), item));
    }
    let durable = launch(options, false).await?;
    let mut added = Vec::new();
    let mut failed = None;
    for (id, item) in sealed {
        let begun = work_item(&durable, item)
            .id(&id)
            .queue(&queue(None))
            .reject_existing()
            .start()
            .await;
        match begun {
            Ok(_) => added.push(id),
            Err(durable_runtime::Error::WorkflowIdInUse { .. }) => {}
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    durable.shutdown(Duration::ZERO).await;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(added),
    }
}

/// The items of a database, the oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn items(client: &Client) -> Result<Vec<ItemLine>, StartError> {
    let all = || {
        WorkflowFilter::new()
            .name("work_item")
            .id_prefix(PREFIX)
            .without_input()
    };
    // Results may be large, and only errors are told.
    let rows = client.list(all().without_output()).await?;
    let failed = client.list(all().status(Status::Error)).await?;
    let failed = failed.into_iter().map(ItemLine::new);
    let mut failed: BTreeMap<String, ItemLine> =
        failed.map(|line| (line.id.clone(), line)).collect();
    let line = |row: WorkflowStatus| match failed.remove(&row.workflow_id) {
        Some(line) => line,
        None => ItemLine::new(row),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Works on an item again that failed: as a new one of the same input, `<item>~<number>`. Gives its id.
///
/// # Errors
/// There is no such item, it did not fail, or the database cannot be used.
pub async fn retry_item(client: &Client, id: &str) -> Result<String, StartError> {
    let row = find(client, id).await?;
    let refused = |reason: &str| StartError::Fork {
        reason: format!("`{id}` {reason}"),
    };
    if !id.starts_with(PREFIX) {
        return Err(refused("is no work item; `rpa items list` lists all"));
    }
    let line = ItemLine::new(row);
    if !matches!(
        line.state,
        ItemState::Dead | ItemState::Business | ItemState::Cancelled
    ) {
        return Err(refused("did not fail"));
    }
    let (base, number) = match id.rsplit_once('~') {
        Some((base, number)) => match number.parse::<u32>() {
            Ok(number) => (base, number + 1),
            Err(_) => (id, 2),
        },
        None => (id, 2),
    };
    let next = format!("{base}~{number}");
    let forked = client.fork(id).from_step(1).id(&next).queue_named(QUEUE);
    forked.start().await?;
    Ok(next)
}
