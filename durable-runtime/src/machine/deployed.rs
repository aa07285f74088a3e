use serde::{Deserialize, Serialize};

use super::Machine;

/// A machine that was deployed: the code of one workflow in one application version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeployedMachine {
    /// The application version that it was launched in.
    pub application_version: String,
    /// When it was launched first, in milliseconds since the Unix epoch, by the clock of the database.
    pub recorded_at_ms: i64,
    /// The machine.
    pub machine: Machine,
}

/// Which deployed machines to list. Everything given must hold.
#[derive(Debug, Clone, Default)]
#[must_use = "a filter lists nothing by itself"]
pub struct MachineFilter {
    pub(crate) version: Option<String>,
    pub(crate) name: Option<String>,
}

impl MachineFilter {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of this application version.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Those of workflows of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}
