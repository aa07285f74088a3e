//! What stood around a workflow in its file.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::shape::Shape;

/// The rest of a file that held a workflow under one of its keys: the triggers and credentials of a scenario, the
/// parameters of a template. It is kept as it was; what a run needs of it was taken over into the workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrapper {
    /// The shape that the file had.
    pub shape: Shape,
    /// Its other keys.
    pub keys: Map<String, Value>,
}
