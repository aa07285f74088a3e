use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::failure::StartError;
use super::report::{Report, Result};
use super::request::Request;
use crate::host::Host;
use crate::plan::Plan;
use crate::record::Record;
use crate::visit;
use crate::walk::{Step, Turn, Walk};

/// Runs a workflow without a database. It takes the same way as a durable run, and a crash ends it for good: the result
/// says so.
///
/// # Errors
/// The workflow cannot be read. That a node failed is no error, but a result.
pub async fn run_ephemeral(
    request: &Request,
    host: &Host,
) -> std::result::Result<Result, StartError> {
    let begun = Instant::now();
    let plan = Arc::new(Plan::new(&request.load()?.workflow));
    let mut walk = Walk::new(plan, request.variables.clone(), &request.folder);
    loop {
        let round = walk.round();
        if round.is_empty() {
            break;
        }
        let taken = join_all(round.iter().map(|(_, step)| take(&walk, step, host))).await;
        for ((_, step), record) in round.iter().zip(taken) {
            if let (Step::Visit(turn), Some(record)) = (step, record) {
                walk.settle(turn, record);
            }
        }
    }
    let duration = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let mut report = Report::new(&walk);
    report.warnings.push(
        "this run was ephemeral: nothing of it was recorded, and a crash would have ended it"
            .to_owned(),
    );
    Ok(report.complete("ephemeral".to_owned(), duration, false, false))
}

async fn take(walk: &Walk, step: &Step, host: &Host) -> Option<Record> {
    match step {
        Step::Sleep(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            None
        }
        Step::Visit(turn) => Some(once(walk, turn, host).await),
    }
}

async fn once(walk: &Walk, turn: &Turn, host: &Host) -> Record {
    let record = match visit::has_intent(walk, turn) {
        true => {
            let intent = visit::intend(walk, turn).await;
            visit::perform(walk, turn, Some(&intent)).await
        }
        false => visit::perform(walk, turn, None).await,
    };
    if host.trace {
        visit::trace(walk, turn, &record);
    }
    record
}
