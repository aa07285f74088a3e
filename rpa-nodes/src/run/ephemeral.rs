use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use super::failure::StartError;
use super::report::{Report, Result};
use super::request::Request;
use crate::host::Host;
use crate::record::Record;
use crate::subflow::{self, Outcome};
use crate::visit::{self, Visit};
use crate::walk::{Step, Turn, Walk};

/// Runs a workflow without a database. It takes the same way as a durable run, and a crash ends it for good: the result
/// says so.
///
/// # Errors
/// The workflow cannot be read, or a secret is missing. That a node failed is no error, but a result.
pub async fn run_ephemeral(
    request: &Request,
    host: &Host,
) -> std::result::Result<Result, StartError> {
    let begun = Instant::now();
    let mut request = request.clone();
    request.seal(&host.vault)?;
    for name in request.secrets() {
        host.vault.get(&name)?;
    }
    if let Some(reason) = request.lacks_browser()? {
        return Err(StartError::NoBrowser { reason });
    }
    let walked = walked(&request, host).await;
    host.close_browsers().await;
    let mut report = walked?;
    let duration = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    report.warnings.push(
        "this run was ephemeral: nothing of it was recorded, and a crash would have ended it"
            .to_owned(),
    );
    Ok(report.complete("ephemeral".to_owned(), duration, false, false))
}

/// Boxed, because a workflow may run another one.
fn walked<'r>(
    request: &'r Request,
    host: &'r Host,
) -> BoxFuture<'r, std::result::Result<Report, StartError>> {
    async move {
        let mut walk = Walk::of(request, &request.load()?.workflow);
        loop {
            let round = walk.round();
            if round.is_empty() {
                break;
            }
            let taken = round
                .iter()
                .map(|(_, step)| take(&walk, step, host, request));
            let taken = join_all(taken).await;
            for ((_, step), record) in round.iter().zip(taken) {
                if let (Step::Visit(turn), Some(record)) = (step, record) {
                    walk.settle(turn, record);
                }
            }
        }
        Ok(Report::new(&walk, &request.repairs))
    }
    .boxed()
}

async fn take(walk: &Walk, step: &Step, host: &Host, caller: &Request) -> Option<Record> {
    match step {
        Step::Sleep(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            None
        }
        Step::Visit(turn) => Some(once(walk, turn, host, caller).await),
    }
}

async fn once(walk: &Walk, turn: &Turn, host: &Host, caller: &Request) -> Record {
    let visit = Visit {
        walk,
        turn,
        host,
        run: "ephemeral",
    };
    let record = if visit::is_child(walk, turn) {
        let call = subflow::prepare(visit, caller);
        let outcome = match &call.request {
            None => Outcome::Refused(String::new()),
            Some(request) => match walked(request, host).await {
                Ok(report) => Outcome::Ended(Box::new(report)),
                Err(error) => Outcome::Refused(error.to_string()),
            },
        };
        subflow::conclude(visit, &call, "ephemeral", &outcome)
    } else if visit::has_intent(walk, turn) {
        let intent = visit::intend(visit).await;
        visit::perform(visit, Some(&intent), None).await
    } else {
        visit::perform(visit, None, None).await
    };
    visit::tell(visit, &record);
    record
}
