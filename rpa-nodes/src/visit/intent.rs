//! What is recorded before the world is changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Visit, Work, at_once, database, inputs, is_harmless};
use crate::catalogue::{Action, NodeType};
use crate::fault::Fault;
use crate::value::Object;
use crate::walk::{Turn, Walk};

/// What was found before the world is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(super) inputs: Object,
    pub(super) warnings: Vec<String>,
    pub(super) found: Value,
    /// The node failed already: what it needs is not there.
    pub(super) fault: Option<Fault>,
    /// After a crash nobody can tell whether it was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) doubtful: bool,
    /// What it writes goes to the database that keeps the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_journal: bool,
}

/// Whether a visit looks at the world before it changes it.
pub(crate) fn has_intent(walk: &Walk, turn: &Turn) -> bool {
    let Some(node) = walk.plan().node(turn.place).filter(|node| !node.disabled) else {
        return false;
    };
    node.node_type
        .is_some_and(|node_type| looks(node_type) && !is_harmless(node, node_type))
}

fn looks(node_type: &NodeType) -> bool {
    match node_type.action {
        Action::Work { intend, .. } => intend.is_some() || node_type.doubts.is_some(),
        Action::Database(act) => act.writes(),
        _ => false,
    }
}

/// Looks at the world before a visit changes it.
pub(crate) async fn intend(visit: Visit<'_>) -> Intent {
    let mut intent = Intent {
        inputs: Object::new(),
        warnings: Vec::new(),
        found: Value::Null,
        fault: None,
        doubtful: false,
        in_journal: false,
    };
    visit.walk.looked(visit.turn);
    if let Err(fault) = look(visit, &mut intent).await {
        intent.fault = Some(fault);
    }
    if let Ok(mask) = visit.mask() {
        mask.close_all(&mut intent.inputs);
        mask.close(&mut intent.found);
    }
    intent
}

/// Puts the inputs of a visit together, with the values of secrets. With a failure come those that there are.
pub(crate) fn put_together(
    visit: Visit<'_>,
    warnings: &mut Vec<String>,
) -> (Object, Result<(), Fault>) {
    let Some((node, node_type)) = visit.known() else {
        return (Object::new(), Ok(()));
    };
    let mask = match visit.mask() {
        Ok(mask) => mask,
        Err(fault) => return (Object::new(), Err(fault)),
    };
    let scope = mask
        .opened(visit.walk.scope(visit.turn.strand))
        .with_secrets(mask);
    match inputs::gather(visit.walk, visit.turn, &scope, node, node_type, warnings) {
        Ok(inputs) => (inputs, Ok(())),
        Err((inputs, fault)) => (inputs, Err(fault)),
    }
}

async fn look(visit: Visit<'_>, intent: &mut Intent) -> Result<(), Fault> {
    let Some((_, node_type)) = visit.known() else {
        return Ok(());
    };
    let (inputs, gathered) = put_together(visit, &mut intent.warnings);
    intent.inputs = inputs;
    gathered?;
    let work = Work::new(visit, intent.inputs.clone(), Value::Null);
    intent.doubtful = node_type.doubts.is_some_and(|doubts| doubts(&work));
    match node_type.action {
        Action::Work {
            intend: Some(look), ..
        } => intent.found = at_once(visit.walk, move || look(&work)).await??,
        Action::Database(act) => {
            intent.in_journal = database::is_in_journal(visit, act, &intent.inputs)?;
        }
        _ => {}
    }
    Ok(())
}
