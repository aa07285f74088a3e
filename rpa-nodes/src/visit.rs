//! One visit of a node: its inputs are put together, it does what it is for, and what became of it is recorded.
//!
//! All of this happens in the body of a step. What follows from the record happens in the [walk](crate::walk).

mod call;
mod control;
mod database;
mod inputs;
mod intent;
mod mask;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::RuntimeFlavor;

pub use self::call::Call;
pub(crate) use self::control::holds;
pub(crate) use self::inputs::is_empty;
pub(crate) use self::intent::{Intent, has_intent, intend, put_together};
pub(crate) use self::mask::Mask;
pub use self::work::Work;
use crate::catalogue::{Action, NodeType};
use crate::database::Session;
use crate::doubt::{OnUncertain, Question};
use crate::fault::Fault;
use crate::host::Host;
use crate::plan::PlanNode;
use crate::progress::Moment;
use crate::record::{Record, VisitStatus};
use crate::walk::{Turn, Walk};

/// How long a node waits before it is tried again, the first time; then twice as long each time.
const FIRST_RETRY: Duration = Duration::from_millis(100);

/// A visit that happens now, in this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit<'v> {
    pub(crate) walk: &'v Walk,
    pub(crate) turn: &'v Turn,
    pub(crate) host: &'v Host,
    /// The id of the run.
    pub(crate) run: &'v str,
}

impl<'v> Visit<'v> {
    fn node(self) -> Option<&'v PlanNode> {
        self.walk.plan().node(self.turn.place)
    }

    fn known(self) -> Option<(&'v PlanNode, &'static NodeType)> {
        let node = self.node()?;
        Some((node, node.node_type?))
    }

    /// What tells this visit from all others, in this run and every other one.
    fn key(self) -> String {
        let id = self.node().map_or("?", |node| node.id.as_str());
        format!("{}/{id}/{}", self.run, self.turn.number)
    }

    pub(crate) fn mask(self) -> Result<&'v Mask, Fault> {
        self.walk
            .mask(&self.host.vault)
            .map_err(|error| Fault::of("SecretError", error.to_string()))
    }
}

/// Whether a visit runs another workflow.
pub(crate) fn is_child(walk: &Walk, turn: &Turn) -> bool {
    walk.plan().node(turn.place).is_some_and(|node| {
        !node.disabled
            && node
                .node_type
                .is_some_and(|node_type| matches!(node_type.action, Action::Child))
    })
}

/// Whether nobody outside sees that a visit was done.
pub(crate) fn is_unseen(walk: &Walk, turn: &Turn) -> bool {
    let Some(node) = walk.plan().node(turn.place).filter(|node| !node.disabled) else {
        return true;
    };
    node.node_type
        .is_none_or(|node_type| node_type.effect.is_unseen() || is_harmless(node, node_type))
}

/// Whether the config of a node says already that it only reads.
fn is_harmless(node: &PlanNode, node_type: &NodeType) -> bool {
    let reads = node_type.reads_if.is_some_and(|reads| reads(&node.config));
    // What a link brings is not known before.
    reads
        && !node
            .feeds
            .iter()
            .any(|feed| matches!(feed.input.as_str(), "method" | "action"))
}

/// Visits a node. A session is given when the record is committed with what the visit writes there.
pub(crate) async fn perform(
    visit: Visit<'_>,
    intent: Option<&Intent>,
    session: Option<Session<'_>>,
) -> Record {
    let mut record = Record::default();
    let done = match visit.known() {
        Some((node, node_type)) if node.disabled => {
            inputs::pass_through(visit.walk, visit.turn, node, node_type, &mut record);
            Ok(())
        }
        Some((node, node_type)) => {
            match run(visit, node, node_type, intent, session, &mut record).await {
                Err(fault) => failed(visit, node_type, &mut record, fault),
                done => done,
            }
        }
        None if visit.node().is_some_and(|node| node.disabled) => {
            record.status = VisitStatus::Disabled;
            Ok(())
        }
        None => Err(Fault::new("this node cannot be run here")),
    };
    if let Err(mut fault) = done {
        // What a catch node does not take keeps the node that it came from.
        if fault.node.is_empty()
            && let Some(node) = visit.node()
        {
            fault.node.clone_from(&node.id);
        }
        record.status = VisitStatus::Failed;
        record.error = Some(fault);
    }
    if let Ok(mask) = visit.mask() {
        mask.record(&mut record);
    }
    record
}

async fn run(
    visit: Visit<'_>,
    node: &PlanNode,
    node_type: &'static NodeType,
    intent: Option<&Intent>,
    session: Option<Session<'_>>,
    record: &mut Record,
) -> Result<(), Fault> {
    let walk = visit.walk;
    let mask = visit.mask()?;
    let opened;
    let scope = match mask.is_empty() {
        true => walk.scope(visit.turn.strand),
        false => {
            opened = mask
                .opened(walk.scope(visit.turn.strand))
                .with_secrets(mask);
            &opened
        }
    };
    match intent {
        Some(intent) => {
            record.inputs.clone_from(&intent.inputs);
            record
                .inputs
                .values_mut()
                .for_each(|value| mask.open(value));
            record.warnings.clone_from(&intent.warnings);
            if let Some(fault) = &intent.fault {
                return Err(fault.clone());
            }
        }
        None => match inputs::gather(
            walk,
            visit.turn,
            scope,
            node,
            node_type,
            &mut record.warnings,
        ) {
            Ok(inputs) => record.inputs = inputs,
            Err((inputs, fault)) => {
                record.inputs = inputs;
                return Err(fault);
            }
        },
    }
    if intent.is_some_and(|intent| intent.doubtful)
        && !walk.is_fresh(visit.turn)
        && doubt(visit, node, record)
    {
        return Ok(());
    }
    match node_type.action {
        Action::Control(control) => control::decide(control, walk, visit.turn, scope, node, record),
        Action::Compute(body) => {
            let mut call = Call::new(node, scope, record);
            body(&mut call)
        }
        Action::Database(act) => database::perform(visit, act, intent, session, record).await,
        // The workflow itself starts the child; here is only what a run without a database needs.
        Action::Child => Ok(()),
        Action::Work { perform, .. } => {
            let found = intent.map_or(serde_json::Value::Null, |intent| {
                let mut found = intent.found.clone();
                mask.open(&mut found);
                found
            });
            let mut wait = FIRST_RETRY;
            let mut left = walk.plan().rules.retries;
            loop {
                let mut work = Work::new(visit, record.inputs.clone(), found.clone());
                let done = limited(walk, move || {
                    let done = perform(&mut work);
                    (done, work)
                });
                let (done, work) = match done.await {
                    Ok((done, work)) => (done, Some(work)),
                    Err(fault) => (Err(fault), None),
                };
                if let Some(work) = work {
                    work.end(record);
                }
                match done {
                    Ok(()) => return Ok(()),
                    Err(fault) if left == 0 || fault.error_type == "ValueError" => {
                        return Err(fault);
                    }
                    Err(fault) => {
                        record.warnings.push(format!("tried again after: {fault}"));
                        left -= 1;
                        tokio::time::sleep(wait).await;
                        wait *= 2;
                    }
                }
            }
        }
    }
}

/// A way of its own for failures is the way of a failure.
fn failed(
    visit: Visit<'_>,
    node_type: &NodeType,
    record: &mut Record,
    fault: Fault,
) -> Result<(), Fault> {
    const WAY: &str = "exec_error";
    if !node_type.exits.contains(&WAY) || !visit.walk.plan().has_way(visit.turn.place, WAY) {
        return Err(fault);
    }
    record.outputs.insert("success".to_owned(), false.into());
    record
        .outputs
        .insert("error".to_owned(), fault.message.clone().into());
    record.warnings.push(fault.to_string());
    record.exit = Some(WAY.to_owned());
    Ok(())
}

/// A crash came after this visit began, so it may be done. Tells whether it is not to be done now.
fn doubt(visit: Visit<'_>, node: &PlanNode, record: &mut Record) -> bool {
    let own = node
        .config
        .get("on_uncertain")
        .and_then(|policy| OnUncertain::parse(policy.as_str()?));
    match own.unwrap_or(visit.host.on_uncertain) {
        OnUncertain::Retry => {
            record.warnings.push(
                "a crash interrupted this node, and it may have done its work; it was done again"
                    .to_owned(),
            );
            false
        }
        OnUncertain::Skip => {
            record.status = VisitStatus::Skipped;
            record.outputs = crate::doubt::unanswered(Default::default());
            record.warnings.push(
                "a crash interrupted this node, and it may have done its work or not; it was not done again".to_owned(),
            );
            true
        }
        OnUncertain::Ask => {
            record.status = VisitStatus::Uncertain;
            record.question = Some(Question {
                node: node.id.clone(),
                visit: visit.turn.number,
                question: format!(
                    "a crash interrupted `{}` ({}), and nobody knows whether it did its work. Do it again, or skip it?",
                    node.id, node.type_name
                ),
            });
            true
        }
    }
}

/// Runs what waits for disks beside the tasks, for as long as a visit may take.
async fn limited<T: Send + 'static>(
    walk: &Walk,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    in_time(walk, tokio::task::spawn_blocking(work))
        .await?
        .map_err(|error| {
            Fault::new(format!(
                "the program stumbled over this node ({error}); please report it"
            ))
        })
}

/// Runs what waits for disks only for an instant. The run does not wait meanwhile: so what is found shares the commit of the
/// visit before, and an effect costs one commit in the place of two.
async fn at_once<T: Send + 'static>(
    walk: &Walk,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    match tokio::runtime::Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => Ok(tokio::task::block_in_place(work)),
        _ => limited(walk, work).await,
    }
}

/// Waits for as long as a visit may take.
async fn in_time<T>(walk: &Walk, work: impl Future<Output = T>) -> Result<T, Fault> {
    let Some(seconds) = walk.plan().rules.timeout else {
        return Ok(work.await);
    };
    let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    tokio::time::timeout(limit, work).await.map_err(|_| {
        Fault::of(
            "TimeoutError",
            format!(
                "the node took longer than {seconds} s; raise `settings.timeout`, or 0 for no limit"
            ),
        )
    })
}

/// Tells whoever wants to know that a visit ended.
pub(crate) fn tell(visit: Visit<'_>, record: &Record) {
    if visit.host.trace {
        trace(visit.walk, visit.turn, record);
    }
    if let Some(progress) = &visit.host.progress
        && let Some(node) = visit.node()
    {
        let account = visit.walk.account();
        progress.tell(&Moment {
            node: node.id.clone(),
            visit: visit.turn.number,
            loops: visit.walk.rounds(visit.turn),
            visits: account.executed + 1,
            reached: account.visits.len(),
            nodes: visit.walk.plan().nodes().len(),
        });
    }
}

/// Tells on standard error what a visit did.
fn trace(walk: &Walk, turn: &Turn, record: &Record) {
    let status = record.status.name();
    let way = record.exit.as_deref().unwrap_or("-");
    eprintln!("visit {} {status} {way}", walk.visit_name(turn));
    for line in &record.logs {
        eprintln!("  {}: {}", line.level, line.text);
    }
    if let Some(fault) = &record.error {
        eprintln!("  {fault}");
    }
}

/// The folder that relative paths begin at, shared by what runs beside.
pub(crate) type Folder = Arc<str>;
