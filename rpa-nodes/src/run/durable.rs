use std::time::Duration;

use durable_runtime::Client;
use durable_runtime::prelude::*;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::Value;

use super::answer::asked;
use super::failure::{RunError, StartError};
use super::queue::open;
use super::report::{NEEDS_ATTENTION, Report, Result as RunResult, find, request_of, status};
use super::request::Request;
use crate::browser;
use crate::database::Session;
use crate::doubt::{Decision, unanswered};
use crate::fault::Fault;
use crate::host::Host;
use crate::record::{Record, VisitStatus};
use crate::secrets::Vault;
use crate::subflow::{self, Call, Outcome};
use crate::visit::{self, Intent, Visit};
use crate::walk::{Step, Turn, Walk};

/// Changes when the same records could lead another way than before. Runs of an older program are left alone then.
pub(super) const VERSION: &str = "rpa-nodes-2";
pub(super) const APPLICATION: &str = "rpa-nodes";
/// How long a run waits for a person before it begins to wait anew.
const PATIENCE: Duration = Duration::from_secs(60 * 60 * 24 * 365);
/// How soon a run that has asked looks whether that is recorded; it looks ever more rarely.
const LOOK: Duration = Duration::from_millis(100);
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// Runs a workflow file: walks through it, with one durable step for each visit of a node.
///
/// A step is recorded as `node:<id>#<visit>`. A node that changes the world looks at it first, which is a step of its own,
/// `intent:<id>#<visit>`: repeated after a crash it knows by that what it did already. Where it cannot know, a message with
/// a [`Decision`] is waited for, of the topic `answer:<id>#<visit>`. Workflows that nodes run are children with the id
/// `<run>/<id>#<visit>`.
#[workflow]
pub async fn run_document(ctx: WorkflowContext, request: Request) -> Result<Report, RunError> {
    let loaded = request.load().map_err(|error| RunError::Unreadable {
        message: error.to_string(),
    })?;
    let mut walk = Walk::of(&request, &loaded.workflow);
    loop {
        let round = walk.round();
        if round.is_empty() {
            break;
        }
        let (children, round): (Vec<_>, Vec<_>) = round.into_iter().partition(
            |(_, step)| matches!(step, Step::Visit(turn) if visit::is_child(&walk, turn)),
        );
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
        let turns: Vec<&Turn> = children
            .iter()
            .filter_map(|(_, step)| step.turn())
            .collect();
        let calls: Vec<_> = turns
            .iter()
            .map(|turn| prepared(&ctx, &walk, turn, &request))
            .collect();
        let prepared: Result<Vec<Call>, RunError> = join_all(calls).await.into_iter().collect();
        let prepared = prepared?;
        let calls: Vec<_> = turns
            .iter()
            .zip(&prepared)
            .map(|(turn, call)| child(&ctx, &walk, turn, call))
            .collect();
        let outcomes: Result<Vec<Outcome>, RunError> = join_all(calls).await.into_iter().collect();
        let outcomes = outcomes?;
        let calls: Vec<_> = turns
            .iter()
            .zip(prepared.iter().zip(&outcomes))
            .map(|(turn, (call, outcome))| concluded(&ctx, &walk, turn, call, outcome))
            .collect();
        let records = join_all(calls).await;
        for (turn, record) in turns.into_iter().zip(records) {
            walk.settle(turn, record?);
        }
        for (_, step) in &careful {
            let Step::Visit(turn) = step else { continue };
            let name = walk.visit_name(turn);
            let record = loop {
                let intent = name.replacen("node:", "intent:", 1);
                let intent = look(&ctx, &walk, turn).named(intent).await?;
                let record = match intent.in_journal {
                    true => {
                        commit(&ctx, &walk, turn, &intent)
                            .named(name.clone())
                            .await?
                    }
                    false => {
                        act(&ctx, &walk, turn, Some(&intent))
                            .named(name.clone())
                            .await?
                    }
                };
                let Some(question) = record.question.clone() else {
                    break record;
                };
                let topic = question.topic();
                let decision = loop {
                    let message = ctx.recv::<Value>(Some(&topic), PATIENCE).await?;
                    // What is no decision is nothing that could be followed.
                    if let Some(message) = message
                        && let Ok(decision) = serde_json::from_value::<Decision>(message)
                    {
                        break decision;
                    }
                };
                if decision != Decision::Retry {
                    break follow(&ctx, &walk, turn, &record, &decision)
                        .named(name.clone())
                        .await?;
                }
            };
            walk.settle(turn, record);
        }
    }
    let report = Report::new(&walk, &request.repairs);
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

/// The durable call that puts together what a child is given.
fn prepared<'w>(
    ctx: &'w WorkflowContext,
    walk: &'w Walk,
    turn: &'w Turn,
    caller: &'w Request,
) -> BoxFuture<'w, Result<Call, RunError>> {
    let name = walk.visit_name(turn).replacen("node:", "intent:", 1);
    prepare(ctx, walk, turn, caller).named(name).boxed()
}

/// The durable call of a child.
fn child<'w>(
    ctx: &'w WorkflowContext,
    walk: &'w Walk,
    turn: &'w Turn,
    call: &'w Call,
) -> BoxFuture<'w, Result<Outcome, RunError>> {
    let Some(request) = call.request.clone() else {
        return std::future::ready(Ok(Outcome::Refused(String::new()))).boxed();
    };
    let child = run_document(ctx, request).id(child_id(ctx.workflow_id(), walk, turn));
    if !call.waits {
        let begun = child.start();
        return begun
            .map(|begun| Ok(begun.map(|_| Outcome::Begun)?))
            .boxed();
    }
    let ended = async move {
        match child.await {
            Ok(report) => Ok(Outcome::Ended(Box::new(report))),
            Err(RunError::Failed(report)) => Ok(Outcome::Ended(report)),
            Err(RunError::Unreadable { message }) => Ok(Outcome::Refused(message)),
            Err(error @ RunError::Durable(_)) => Err(error),
        }
    };
    ended.boxed()
}

fn child_id(run: &str, walk: &Walk, turn: &Turn) -> String {
    walk.visit_name(turn)
        .replacen("node:", &format!("{run}/"), 1)
}

/// The durable call that records what became of a child.
fn concluded<'w>(
    ctx: &'w WorkflowContext,
    walk: &'w Walk,
    turn: &'w Turn,
    call: &'w Call,
    outcome: &'w Outcome,
) -> BoxFuture<'w, Result<Record, RunError>> {
    conclude(ctx, walk, turn, call, outcome)
        .named(walk.visit_name(turn))
        .boxed()
}

/// A visit that nobody outside sees.
#[step(pure)]
async fn compute(ctx: StepContext, walk: &Walk, turn: &Turn) -> Result<Record, RunError> {
    done(&ctx, walk, turn, None).await
}

/// A visit that changes the world.
#[step]
async fn act(
    ctx: StepContext,
    walk: &Walk,
    turn: &Turn,
    intent: Option<&Intent>,
) -> Result<Record, RunError> {
    done(&ctx, walk, turn, intent).await
}

async fn done(
    ctx: &StepContext,
    walk: &Walk,
    turn: &Turn,
    intent: Option<&Intent>,
) -> Result<Record, RunError> {
    let host = ctx.state::<Host>()?;
    let visit = at(walk, turn, &host, ctx.workflow_id());
    let record = visit::perform(visit, intent, None).await;
    visit::tell(visit, &record);
    if record.question.is_some() {
        host.ask();
    }
    Ok(record)
}

/// A visit that writes to the database that keeps the run: what it writes is committed with its record, or neither is.
#[transaction]
async fn commit(
    mut ctx: TransactionContext,
    walk: &Walk,
    turn: &Turn,
    intent: &Intent,
) -> Result<Record, RunError> {
    let host = ctx.state::<Host>()?;
    let run = ctx.workflow_id().to_owned();
    let session = match ctx.connection() {
        Connection::Postgres(connection) => Session::Postgres(connection),
        Connection::Sqlite(connection) => Session::Sqlite(connection),
        _ => {
            return Err(RunError::Unreadable {
                message: "this database is not known here".to_owned(),
            });
        }
    };
    let visit = at(walk, turn, &host, &run);
    let record = visit::perform(visit, Some(intent), Some(session)).await;
    visit::tell(visit, &record);
    Ok(record)
}

/// Looks at the world before a visit changes it.
#[step(pure)]
async fn look(ctx: StepContext, walk: &Walk, turn: &Turn) -> Result<Intent, RunError> {
    let host = ctx.state::<Host>()?;
    Ok(visit::intend(at(walk, turn, &host, ctx.workflow_id())).await)
}

/// Puts together what a child is given.
#[step(pure)]
async fn prepare(
    ctx: StepContext,
    walk: &Walk,
    turn: &Turn,
    caller: &Request,
) -> Result<Call, RunError> {
    let host = ctx.state::<Host>()?;
    Ok(subflow::prepare(
        at(walk, turn, &host, ctx.workflow_id()),
        caller,
    ))
}

/// Takes note of what became of a child.
#[step(pure)]
async fn conclude(
    ctx: StepContext,
    walk: &Walk,
    turn: &Turn,
    call: &Call,
    outcome: &Outcome,
) -> Result<Record, RunError> {
    let host = ctx.state::<Host>()?;
    let visit = at(walk, turn, &host, ctx.workflow_id());
    let id = child_id(ctx.workflow_id(), walk, turn);
    let record = subflow::conclude(visit, call, &id, outcome);
    visit::tell(visit, &record);
    Ok(record)
}

/// Takes note of what a person decided on a visit.
#[step(pure)]
async fn follow(
    ctx: StepContext,
    walk: &Walk,
    turn: &Turn,
    record: &Record,
    decision: &Decision,
) -> Result<Record, RunError> {
    let mut record = record.clone();
    record.question = None;
    match decision {
        Decision::Fail { reason } => {
            let reason = reason
                .as_deref()
                .unwrap_or("somebody decided that it failed");
            let mut fault = Fault::new(reason);
            fault.node = walk
                .plan()
                .node(turn.place)
                .map(|node| node.id.clone())
                .unwrap_or_default();
            record.status = VisitStatus::Failed;
            record.error = Some(fault);
        }
        Decision::Skip { outputs } => {
            record.status = VisitStatus::Skipped;
            record.outputs = match outputs.is_empty() {
                true => unanswered(outputs.clone()),
                false => outputs.clone(),
            };
        }
        Decision::Retry => {}
    }
    let host = ctx.state::<Host>()?;
    visit::tell(at(walk, turn, &host, ctx.workflow_id()), &record);
    Ok(record)
}

fn at<'v>(walk: &'v Walk, turn: &'v Turn, host: &'v Host, run: &'v str) -> Visit<'v> {
    Visit {
        walk,
        turn,
        host,
        run,
    }
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

/// Runs a workflow to its end, or until a person has to decide something. A run of this id that was interrupted goes on
/// where it was; of one that has ended, the result is given again and nothing is run.
///
/// # Errors
/// The database cannot be used, the id belongs to a run of something else, a secret is missing, or the run was
/// interrupted. That a node failed is no error, but a result.
pub async fn run(options: RunOptions) -> Result<RunResult, StartError> {
    let RunOptions {
        request,
        id,
        db,
        host,
    } = options;
    with_process(&id, &db, host, Some(request)).await
}

/// Goes on with a run that was interrupted, with what it was started with; of one that has ended, gives the result.
///
/// # Errors
/// As [`run`]; or there is no such run.
pub async fn resume(id: &str, db: &str, host: Host) -> Result<RunResult, StartError> {
    with_process(id, db, host, None).await
}

async fn with_process(
    id: &str,
    db: &str,
    host: Host,
    request: Option<Request>,
) -> Result<RunResult, StartError> {
    refuse_without_browser(id, db, request.as_ref()).await?;
    let host = host.kept_in(db);
    // The executor is the run: whoever starts it again takes up what an earlier process left.
    // What others put on queues is the work of servers and workers.
    let durable = open(db, host.clone(), format!("rpa:{id}"), &[], &[]).await?;
    let client = durable.client();
    let ended = tokio::select! {
        ended = work(&durable, &client, request, id, &host) => ended,
        () = interrupted() => Err(StartError::Interrupted { id: id.to_owned() }),
    };
    durable.shutdown(Duration::from_secs(2)).await;
    host.close_browsers().await;
    ended
}

/// Refuses a run that works in a browser where there is none, so that it stays as it is: with the process that begins here
/// it would go on, and fail.
async fn refuse_without_browser(
    id: &str,
    db: &str,
    request: Option<&Request>,
) -> Result<(), StartError> {
    if browser::missing(None).is_none() {
        return Ok(());
    }
    // Where nothing can be found, the run tells why in a moment.
    let row = match Client::connect(db).await {
        Ok(client) => find(&client, id).await.ok(),
        Err(_) => None,
    };
    if row
        .as_ref()
        .is_some_and(|row| row.completed_at_ms.is_some())
    {
        return Ok(());
    }
    let known = row.as_ref().and_then(request_of);
    let lacks = known.as_ref().or(request).map(Request::lacks_browser);
    match lacks.transpose()?.flatten() {
        Some(reason) => Err(StartError::NoBrowser { reason }),
        None => Ok(()),
    }
}

async fn work(
    durable: &Durable,
    client: &Client,
    request: Option<Request>,
    id: &str,
    host: &Host,
) -> Result<RunResult, StartError> {
    let known = match find(client, id).await {
        Ok(row) => Some(request_of(&row)),
        Err(StartError::NoSuchRun { .. }) if request.is_some() => None,
        Err(error) => return Err(error),
    };
    let recovered = known.is_some();
    let request = match (known, request) {
        (Some(Some(known)), Some(mut request)) => {
            request.seal(&host.vault)?;
            if !known.is(&request, &host.vault)? {
                return Err(StartError::OtherInput { id: id.to_owned() });
            }
            known
        }
        (Some(Some(known)), None) => known,
        (Some(None), _) => return Err(StartError::OtherInput { id: id.to_owned() }),
        (None, Some(mut request)) => {
            request.seal(&host.vault)?;
            request
        }
        (None, None) => return Err(StartError::NoSuchRun { id: id.to_owned() }),
    };
    for name in request.secrets() {
        host.vault.get(&name)?;
    }
    if recovered && let Some(parked) = parked(client, id).await? {
        return Ok(parked);
    }
    let handle = run_document(durable, request).id(id).start().await?;
    let ended = tokio::select! {
        ended = handle.result() => ended,
        parked = asks(client, id, host) => return parked,
    };
    let report = match ended {
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

/// Refuses a request of an id that belongs to a run of something else.
pub(super) async fn same(
    client: &Client,
    id: &str,
    request: &Request,
    vault: &Vault,
) -> Result<(), StartError> {
    match request_of(&find(client, id).await?) {
        Some(known) if known.is(request, vault)? => Ok(()),
        _ => Err(StartError::OtherInput { id: id.to_owned() }),
    }
}

/// Completes when the run waits until a person decides.
async fn asks(client: &Client, id: &str, host: &Host) -> Result<RunResult, StartError> {
    let mut pause = LONGEST_LOOK;
    loop {
        // What is asked here is recorded in a moment. Of what another process asks nobody tells.
        tokio::select! {
            () = host.asked() => pause = LOOK,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_LOOK),
        }
        if let Some(parked) = parked(client, id).await? {
            return Ok(parked);
        }
    }
}

/// The result of a run that waits until a person decides.
async fn parked(client: &Client, id: &str) -> Result<Option<RunResult>, StartError> {
    let Some(question) = asked(client, id).await? else {
        return Ok(None);
    };
    let status = status(client, id).await?;
    let row = find(client, id).await?;
    let report = Report {
        workflow_name: status.workflow_name,
        executed_nodes: status.executed_nodes as u64,
        distinct_nodes: status.distinct_nodes,
        total_nodes: status.total_nodes,
        error: Some(format!(
            "{} Answer with: rpa answer {id} retry|skip|fail, then: rpa resume {id}",
            question.question.question
        )),
        ..Report::default()
    };
    let duration = row.updated_at_ms - row.created_at_ms;
    let mut result = report.complete(id.to_owned(), duration.max(0), true, true);
    result.status = NEEDS_ATTENTION;
    result.question = Some(question);
    Ok(Some(result))
}

/// Completes when the user, or the system, asks the program to end.
pub(crate) async fn interrupted() {
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
