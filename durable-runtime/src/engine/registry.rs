//! The workflows that this program can run.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Execution;
use crate::error::{Error, ErrorRecord, Result};
use crate::machine::Site;

/// A workflow with its types forgotten: input and output are JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registered {
    pub(crate) name: &'static str,
    pub(crate) class: Option<&'static str>,
    pub(crate) version: &'static str,
    pub(crate) max_recovery_attempts: u32,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) sites: &'static [Site],
    pub(crate) run: fn(Arc<Execution>, String) -> BoxFuture<'static, Result<String, ErrorRecord>>,
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    workflows: HashMap<&'static str, Registered>,
}

impl Registry {
    /// Collects the workflows; two with one name are an error, one given twice is not.
    pub(crate) fn new(given: Vec<Registered>) -> Result<Self> {
        let mut workflows: HashMap<&'static str, Registered> = HashMap::new();
        for workflow in given {
            let Some(other) = workflows.insert(workflow.name, workflow) else {
                continue;
            };
            if (other.file, other.line) != (workflow.file, workflow.line) {
                return Err(Error::Setup(format!(
                    "two workflows are named `{}`: one at {}:{}, one at {}:{}; give one of them another name with #[workflow(name = \"...\")]",
                    workflow.name, other.file, other.line, workflow.file, workflow.line
                )));
            }
        }
        Ok(Self { workflows })
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Registered> {
        self.workflows.get(name).ok_or_else(|| {
            let mut known: Vec<_> = self.workflows.keys().copied().collect();
            known.sort_unstable();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            Error::NotRegistered {
                name: name.to_owned(),
                known,
            }
        })
    }

    /// One version for all workflows: changes when a workflow's code changes, comes or goes.
    pub(crate) fn version(&self) -> String {
        let mut parts: Vec<_> = self
            .workflows
            .values()
            .map(|workflow| format!("{}={}", workflow.name, workflow.version))
            .collect();
        parts.sort_unstable();
        // FNV-1a, 64 bits: the same in every build and on every machine.
        let hash = parts
            .join("\n")
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        format!("{hash:016x}")
    }
}
