//! Runs that begin at the times of a schedule, and since when folders are watched.

use std::time::UNIX_EPOCH;

use durable_runtime::WorkflowFilter;
use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::durable::run_document;
use super::failure::RunError;
use super::queue::{Reception, queue};
use super::request::{Fired, Request};
use crate::value::Object;

/// What each slot of a schedule is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tick {
    /// What is run.
    pub(crate) request: Request,
    /// The id of the trigger's node.
    pub(crate) node: String,
    /// The name of the schedule.
    pub(crate) schedule: String,
    /// What the ids of the runs begin with.
    pub(crate) prefix: String,
    /// How often it runs; 0 for always.
    pub(crate) max_runs: u64,
    /// Slots before this one do nothing; in RFC 3339, UTC, to the millisecond.
    pub(crate) not_before: Option<String>,
}

/// A slot of a schedule: puts the run on the queue, with the outputs of its trigger. Gives the id of the run.
#[workflow]
pub async fn scheduled(
    ctx: WorkflowContext,
    due: String,
    tick: Tick,
) -> Result<Option<String>, RunError> {
    // Both are written the same way, so that the order of the texts is that of the times.
    if tick.not_before.as_ref().is_some_and(|begin| due < *begin) {
        return Ok(None);
    }
    let number = number(&ctx, &tick.schedule).await?;
    if tick.max_runs > 0 && number >= tick.max_runs {
        ctx.pause_schedule(&tick.schedule).await?;
        if number > tick.max_runs {
            return Ok(None);
        }
    }
    let id = format!("{}{due}", tick.prefix);
    let outputs = Object::from_iter([
        ("trigger_time".to_owned(), due.clone().into()),
        ("run_number".to_owned(), number.into()),
        ("scheduled_time".to_owned(), due.into()),
    ]);
    let request = tick.request.by(Fired {
        node: tick.node,
        outputs,
    });
    let begun = run_document(&ctx, request).id(&id).queue(&queue(None));
    drop(begun.start().await?);
    Ok(Some(id))
}

/// Which slot of its schedule this is, from 1.
#[step(pure)]
async fn number(ctx: StepContext, schedule: &str) -> Result<u64, RunError> {
    let reception = ctx.state::<Reception>()?;
    let slots = WorkflowFilter::new()
        .name("scheduled")
        .id_prefix(format!("sched-{schedule}-"));
    let counted = reception.client().await.count(slots, &[]).await?;
    Ok(counted.iter().map(|counted| counted.count).sum())
}

/// When a folder was watched for the first time, in milliseconds since 1970.
#[workflow]
pub async fn watched_since(ctx: WorkflowContext) -> Result<u64, RunError> {
    let now = ctx.now().await.duration_since(UNIX_EPOCH);
    Ok(u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or_default())
}
