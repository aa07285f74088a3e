//! One visit of a node: its inputs are put together, it does what it is for, and what became of it is recorded.
//!
//! All of this happens in the body of a step. What follows from the record happens in the [walk](crate::walk).

mod call;
mod control;
mod inputs;
mod mask;
mod work;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::call::Call;
pub(crate) use self::inputs::is_empty;
pub(crate) use self::mask::Mask;
pub use self::work::Work;
use crate::catalogue::{Action, Effect, NodeType};
use crate::fault::Fault;
use crate::plan::PlanNode;
use crate::record::{Record, VisitStatus};
use crate::value::Object;
use crate::walk::{Turn, Walk};

/// How long a node waits before it is tried again, the first time; then twice as long each time.
const FIRST_RETRY: Duration = Duration::from_millis(100);

/// What was found before the world is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intent {
    inputs: Object,
    warnings: Vec<String>,
    found: Value,
    /// The node failed already: what it needs is not there.
    fault: Option<Fault>,
}

/// Whether a visit looks at the world before it changes it.
pub(crate) fn has_intent(walk: &Walk, turn: &Turn) -> bool {
    let node = walk.plan().node(turn.place);
    node.is_some_and(|node| {
        !node.disabled
            && node.node_type.is_some_and(|node_type| {
                matches!(
                    node_type.action,
                    Action::Work {
                        intend: Some(_),
                        ..
                    }
                )
            })
    })
}

/// Whether nobody outside sees that a visit was done.
pub(crate) fn is_unseen(walk: &Walk, turn: &Turn) -> bool {
    let effect = walk
        .plan()
        .node(turn.place)
        .filter(|node| !node.disabled)
        .and_then(|node| node.node_type)
        .map(|node_type| node_type.effect);
    effect.is_none_or(Effect::is_unseen)
}

/// Looks at the world before a visit changes it.
pub(crate) async fn intend(walk: &Walk, turn: &Turn) -> Intent {
    let mut intent = Intent {
        inputs: Object::new(),
        warnings: Vec::new(),
        found: Value::Null,
        fault: None,
    };
    let Some((node, node_type)) = known(walk, turn) else {
        return intent;
    };
    match inputs::gather(walk, turn, node, node_type, &mut intent.warnings) {
        Ok(inputs) => intent.inputs = inputs,
        Err((inputs, fault)) => {
            intent.inputs = inputs;
            intent.fault = Some(fault);
            return intent;
        }
    }
    if let Action::Work {
        intend: Some(look), ..
    } = node_type.action
    {
        let work = Work::new(walk, intent.inputs.clone(), Value::Null);
        match limited(walk, move || look(&work)).await {
            Ok(found) => intent.found = found,
            Err(fault) => intent.fault = Some(fault),
        }
    }
    intent
}

/// Visits a node.
pub(crate) async fn perform(walk: &Walk, turn: &Turn, intent: Option<&Intent>) -> Record {
    let mut record = Record::default();
    let done = match known(walk, turn) {
        Some((node, node_type)) if node.disabled => {
            inputs::pass_through(walk, turn, node, node_type, &mut record);
            Ok(())
        }
        Some((node, node_type)) => run(walk, turn, node, node_type, intent, &mut record).await,
        None if walk
            .plan()
            .node(turn.place)
            .is_some_and(|node| node.disabled) =>
        {
            record.status = VisitStatus::Disabled;
            Ok(())
        }
        None => Err(Fault::new("this node cannot be run here")),
    };
    if let Err(mut fault) = done {
        // What a catch node does not take keeps the node that it came from.
        if fault.node.is_empty()
            && let Some(node) = walk.plan().node(turn.place)
        {
            fault.node.clone_from(&node.id);
        }
        record.status = VisitStatus::Failed;
        record.error = Some(fault);
    }
    walk.mask().record(&mut record);
    record
}

fn known<'w>(walk: &'w Walk, turn: &Turn) -> Option<(&'w PlanNode, &'static NodeType)> {
    let node = walk.plan().node(turn.place)?;
    Some((node, node.node_type?))
}

async fn run(
    walk: &Walk,
    turn: &Turn,
    node: &PlanNode,
    node_type: &'static NodeType,
    intent: Option<&Intent>,
    record: &mut Record,
) -> Result<(), Fault> {
    match intent {
        Some(intent) => {
            record.inputs.clone_from(&intent.inputs);
            record.warnings.clone_from(&intent.warnings);
            if let Some(fault) = &intent.fault {
                return Err(fault.clone());
            }
        }
        None => match inputs::gather(walk, turn, node, node_type, &mut record.warnings) {
            Ok(inputs) => record.inputs = inputs,
            Err((inputs, fault)) => {
                record.inputs = inputs;
                return Err(fault);
            }
        },
    }
    match node_type.action {
        Action::Control(control) => control::decide(control, walk, turn, node, record),
        Action::Compute(body) => {
            let mut call = Call::new(node, walk.scope(turn.strand), record);
            body(&mut call)
        }
        Action::Work { perform, .. } => {
            let found = intent.map_or(Value::Null, |intent| intent.found.clone());
            let mut wait = FIRST_RETRY;
            let mut left = walk.plan().rules.retries;
            loop {
                let mut work = Work::new(walk, record.inputs.clone(), found.clone());
                let done = limited(walk, move || perform(&mut work).map(|()| work.outputs)).await;
                match done {
                    Ok(outputs) => {
                        record.outputs = outputs;
                        return Ok(());
                    }
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

/// Runs what waits for disks beside the tasks, for as long as a visit may take.
async fn limited<T: Send + 'static>(
    walk: &Walk,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let running = tokio::task::spawn_blocking(work);
    let ended = match walk.plan().rules.timeout {
        None => running.await,
        Some(seconds) => {
            let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            match tokio::time::timeout(limit, running).await {
                Ok(ended) => ended,
                Err(_) => {
                    return Err(Fault::of(
                        "TimeoutError",
                        format!(
                            "the node took longer than {seconds} s; raise `settings.timeout`, or 0 for no limit"
                        ),
                    ));
                }
            }
        }
    };
    ended.unwrap_or_else(|error| {
        Err(Fault::new(format!(
            "the program stumbled over this node ({error}); please report it"
        )))
    })
}

/// Tells on standard error what a visit did.
pub(crate) fn trace(walk: &Walk, turn: &Turn, record: &Record) {
    let status = match record.status {
        VisitStatus::Success => "success",
        VisitStatus::Failed => "failed",
        VisitStatus::Disabled => "disabled",
    };
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
