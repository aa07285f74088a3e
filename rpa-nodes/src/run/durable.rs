use std::sync::Arc;
use std::time::Duration;

use durable_runtime::Client;
use durable_runtime::prelude::*;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use super::failure::{RunError, StartError};
use super::report::{Report, Result as RunResult, find, request_of};
use super::request::Request;
use crate::host::Host;
use crate::plan::Plan;
use crate::record::Record;
use crate::visit::{self, Intent};
use crate::walk::{Step, Turn, Walk};

/// Changes when the same records could lead another way than before. Runs of an older program are left alone then.
const VERSION: &str = "rpa-nodes-1";
const APPLICATION: &str = "rpa-nodes";

/// Runs a workflow file: walks through it, with one durable step for each visit of a node.
///
/// A step is recorded as `node:<id>#<visit>`. A node that changes files looks at them first, which is a step of its own,
/// `intent:<id>#<visit>`: repeated after a crash it knows by that what it did already.
#[workflow]
pub async fn run_document(ctx: WorkflowContext, request: Request) -> Result<Report, RunError> {
    let loaded = request.load().map_err(|error| RunError::Unreadable {
        message: error.to_string(),
    })?;
    let plan = Arc::new(Plan::new(&loaded.workflow));
    let mut walk = Walk::new(plan, request.variables, &request.folder);
    loop {
        let round = walk.round();
        if round.is_empty() {
            break;
        }
        // Those that look before they change something take turns, so that none finds what another one just did.
        let (careful, others): (Vec<_>, Vec<_>) = round.into_iter().partition(
            |(_, step)| matches!(step, Step::Visit(turn) if visit::has_intent(&walk, turn)),
        );
        // All calls are made before the first is awaited: the order of their places is that of the strands.
        let calls: Vec<_> = others
            .iter()
            .map(|(_, step)| call(&ctx, &walk, step))
            .collect();
        let records = join_all(calls).await;
        for ((_, step), record) in others.iter().zip(records) {
            if let (Step::Visit(turn), Some(record)) = (step, record?) {
                walk.settle(turn, record);
            }
        }
        for (_, step) in &careful {
            if let Step::Visit(turn) = step {
                let name = walk.visit_name(turn);
                let intent = name.replacen("node:", "intent:", 1);
                let intent = look(&ctx, &walk, turn).named(intent).await?;
                let record = act(&ctx, &walk, turn, Some(&intent)).named(name).await?;
                walk.settle(turn, record);
            }
        }
    }
    let report = Report::new(&walk);
    match report.success {
        true => Ok(report),
        false => Err(RunError::Failed(Box::new(report))),
    }
}

/// The durable call of a step of the walk.
fn call<'w>(
    ctx: &'w WorkflowContext,
    walk: &'w Walk,
    step: &'w Step,
) -> BoxFuture<'w, Result<Option<Record>, RunError>> {
    match step {
        Step::Sleep(milliseconds) => {
            let sleep = ctx.sleep(Duration::from_millis(*milliseconds));
            sleep.map(|()| Ok(None)).boxed()
        }
        Step::Visit(turn) => {
            let name = walk.visit_name(turn);
            let visit = match visit::is_unseen(walk, turn) {
                true => compute(ctx, walk, turn).named(name),
                false => act(ctx, walk, turn, None).named(name),
            };
            visit.map(|record| record.map(Some)).boxed()
        }
    }
}

/// A visit that nobody outside sees.
#[step(pure)]
async fn compute(ctx: StepContext, walk: &Walk, turn: &Turn) -> Result<Record, RunError> {
    let record = visit::perform(walk, turn, None).await;
    tell(&ctx, walk, turn, &record)?;
    Ok(record)
}

/// A visit that changes the world.
#[step]
async fn act(
    ctx: StepContext,
    walk: &Walk,
    turn: &Turn,
    intent: Option<&Intent>,
) -> Result<Record, RunError> {
    let record = visit::perform(walk, turn, intent).await;
    tell(&ctx, walk, turn, &record)?;
    Ok(record)
}

/// Looks at the world before a visit changes it.
#[step(pure)]
async fn look(_ctx: StepContext, walk: &Walk, turn: &Turn) -> Result<Intent, RunError> {
    Ok(visit::intend(walk, turn).await)
}

fn tell(ctx: &StepContext, walk: &Walk, turn: &Turn, record: &Record) -> Result<(), RunError> {
    if ctx.state::<Host>()?.trace {
        visit::trace(walk, turn, record);
    }
    Ok(())
}

/// How a run is started.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What is run.
    pub request: Request,
    /// The id of the run.
    pub id: String,
    /// The database.
    pub db: String,
    /// What the bodies of steps are given.
    pub host: Host,
}

/// Runs a workflow to its end. A run of this id that was interrupted goes on where it was; of one that has ended, the
/// result is given again and nothing is run.
///
/// # Errors
/// The database cannot be used, the id belongs to a run of something else, or the run was interrupted. That a node failed
/// is no error, but a result.
pub async fn run(options: RunOptions) -> Result<RunResult, StartError> {
    let RunOptions {
        request,
        id,
        db,
        host,
    } = options;
    // The executor is the run: whoever starts it again takes up what an earlier process left.
    let durable = Durable::open(&db)
        .application(APPLICATION)
        .version(VERSION)
        .executor_id(format!("rpa:{id}"))
        .register::<run_document>()
        .state(host)
        .launch()
        .await?;
    let client = durable.client();
    let ended = tokio::select! {
        ended = work(&durable, &client, request, &id) => ended,
        () = interrupted() => Err(StartError::Interrupted { id: id.clone() }),
    };
    durable.shutdown(Duration::from_secs(2)).await;
    ended
}

async fn work(
    durable: &Durable,
    client: &Client,
    request: Request,
    id: &str,
) -> Result<RunResult, StartError> {
    let recovered = match find(client, id).await {
        Ok(row) => {
            let known = request_of(&row);
            let is_same = known.is_some_and(|known| {
                known.document == request.document && known.variables == request.variables
            });
            if !is_same {
                return Err(StartError::OtherInput { id: id.to_owned() });
            }
            true
        }
        Err(StartError::NoSuchRun { .. }) => false,
        Err(error) => return Err(error),
    };
    let handle = run_document(durable, request).id(id).start().await?;
    let report = match handle.result().await {
        Ok(report) => report,
        Err(RunError::Failed(report)) => *report,
        Err(RunError::Durable(error)) => return Err(error.into()),
        Err(error) => return Err(StartError::Run(error)),
    };
    let row = find(client, id).await?;
    let ended = row.completed_at_ms.unwrap_or(row.updated_at_ms);
    let duration = ended - row.created_at_ms;
    Ok(report.complete(id.to_owned(), duration.max(0), recovered, true))
}

/// Completes when the user, or the system, asks the program to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        Some(()) = terminated => {}
        else => std::future::pending().await,
    }
}
