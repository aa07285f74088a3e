//! Starts the runs of a workflow, each id once.

use std::path::PathBuf;
use std::time::Duration;

use durable_runtime::prelude::*;

use super::{ServeError, ServeOptions, Served};
use crate::document::Workflow;
use crate::host::Host;
use crate::run::{Fired, Report, Request, RunError, StartError, queue, run_document, status};
use crate::value::Object;

/// Starts the runs of a workflow.
#[derive(Debug)]
pub(super) struct Starter {
    durable: Durable,
    host: Host,
    workflow: Workflow,
    repairs: Option<Vec<String>>,
    folder: PathBuf,
    name: String,
    node: String,
}

/// What became of a start.
pub(super) enum Started {
    /// It is on the queue.
    New(WorkflowHandle<run_document>),
    /// It was started before, for the same.
    Known(WorkflowHandle<run_document>),
    /// Something else was started under its id.
    Other,
}

impl Starter {
    pub(super) fn new(
        durable: &Durable,
        options: &ServeOptions,
        served: &Served,
        node: &str,
    ) -> Result<Self, ServeError> {
        let starter = Self {
            durable: durable.clone(),
            host: options.work.host.clone(),
            workflow: served.workflow.clone(),
            repairs: served.repairs.clone(),
            folder: options.folder.clone(),
            name: served.name.clone(),
            node: node.to_owned(),
        };
        // What is missing is missed before the first trigger fires.
        let vault = &options.work.host.vault;
        let document = serde_json::to_value(&starter.workflow).unwrap_or_default();
        let mut names = std::collections::BTreeSet::new();
        crate::secrets::names(&document, &mut names);
        for name in names {
            vault.get(&name)?;
        }
        Ok(starter)
    }

    pub(super) fn durable(&self) -> &Durable {
        &self.durable
    }

    /// What the ids of runs of a trigger begin with.
    pub(super) fn prefix(&self, node: &str) -> String {
        format!("{}:{node}:", self.name)
    }

    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// Whether something was started under this id.
    pub(super) async fn is_known(&self, id: &str) -> Result<bool, StartError> {
        match self.durable.client().status(id).await {
            Ok(_) => Ok(true),
            Err(durable_runtime::Error::NoSuchWorkflow { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts a run for a trigger that fired.
    pub(super) async fn start(
        &self,
        node: &str,
        id: &str,
        outputs: Object,
    ) -> Result<Started, StartError> {
        self.start_after(node, id, outputs, Duration::ZERO).await
    }

    /// The same after some time.
    pub(super) async fn start_after(
        &self,
        node: &str,
        id: &str,
        outputs: Object,
        wait: Duration,
    ) -> Result<Started, StartError> {
        let fired = Fired {
            node: node.to_owned(),
            outputs,
        };
        let mut request = Request::fired(&self.workflow, fired, &self.folder)?;
        if let Some(repairs) = &self.repairs {
            request = request.lenient(repairs.clone());
        }
        request.seal(&self.host.vault)?;
        let payload = payload(&request);
        let mut call = run_document(&self.durable, request)
            .id(id)
            .queue(&queue(None))
            .reject_existing();
        if !wait.is_zero() {
            call = call.delay(wait);
        }
        let begun = call.start().await;
        match begun {
            Ok(handle) => Ok(Started::New(handle)),
            Err(durable_runtime::Error::WorkflowIdInUse { .. }) => {
                let known = self.durable.retrieve::<run_document>(id).await?;
                let row = known.status().await?;
                let before = crate::run::request_of(&row);
                let before = before.as_ref().map(self::payload);
                Ok(match before == Some(payload) {
                    true => Started::Known(known),
                    false => Started::Other,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the end of a run.
    pub(super) async fn result(
        &self,
        handle: &WorkflowHandle<run_document>,
    ) -> Result<crate::run::Result, StartError> {
        let report: Report = match handle.result().await {
            Ok(report) => report,
            Err(RunError::Failed(report)) => *report,
            Err(RunError::Durable(error)) => return Err(error.into()),
            Err(error) => return Err(StartError::Run(error)),
        };
        let client = self.durable.client();
        let row = status(&client, handle.workflow_id()).await?;
        Ok(report.complete(row.workflow_id, 0, false, true))
    }
}

/// What was asked for: two deliveries of one request differ in headers, two of one form in their time.
fn payload(request: &Request) -> (String, serde_json::Value) {
    let fired = request.trigger().cloned().unwrap_or_default();
    let payload = ["payload", "form_data", "message"]
        .iter()
        .find_map(|port| fired.outputs.get(*port));
    let payload = payload.cloned().unwrap_or_default();
    (fired.node, payload)
}
