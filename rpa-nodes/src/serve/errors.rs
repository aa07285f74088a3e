//! Triggers that fire when a run of the same database ends with an error.
//!
//! What such a trigger started never fires one again, its own or another one, so that no failure goes round for ever.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use durable_runtime::{Status, WorkflowFilter, WorkflowStatus};
use fancy_regex::Regex;
use globset::{Glob, GlobSet, GlobSetBuilder};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch as signal;
use tokio::task::JoinSet;

use super::ServeError;
use super::key::hash;
use super::poll::{Missed, Poll, Source, poll};
use super::settings::Settings;
use super::starter::{Started, Starter};
use crate::run::{Request, RunError, StartError, item_of, request_of, watched_since};
use crate::run::{run_document, work_item};
use crate::value::Object;

/// How often it is looked for errors.
const EVERY: Duration = Duration::from_secs(1);
/// So much later than it happened an error may be seen: its time is that of a database that is not done with it yet.
const LATE: Duration = Duration::from_secs(300);
/// Ids of runs that are longer have a hash in the place of themselves.
const LONGEST_ID: usize = 200;

/// Which errors count.
#[derive(Debug)]
pub(super) struct Errors {
    node: String,
    classes: Vec<String>,
    workflows: Option<GlobSet>,
    pattern: Option<Regex>,
    severity: String,
}

/// A run that ended with an error.
struct Failure {
    run: String,
    workflow: String,
    class: String,
    message: String,
    node: String,
    severity: &'static str,
    status: Status,
    time: Timestamp,
}

impl Errors {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let severity = settings.text("severity");
        if severity == "warning" || settings.flag("include_warnings") {
            return Err(settings.refuse(
                "runs that succeed fire no trigger here, whatever warnings they have; set `severity` to `all`, `error` or \
                 `critical`, and switch `include_warnings` off",
            ));
        }
        let mut workflows = GlobSetBuilder::new();
        let names = settings.words("workflow_filter");
        for name in &names {
            let glob = Glob::new(name);
            workflows
                .add(glob.map_err(|error| settings.refuse(format!("`workflow_filter`: {error}")))?);
        }
        let workflows = workflows.build();
        let workflows =
            workflows.map_err(|it| settings.refuse(format!("`workflow_filter`: {it}")))?;
        let pattern = match settings.text("error_pattern") {
            text if text.is_empty() => None,
            text => Some(Regex::new(&text).map_err(|error| {
                settings.refuse(format!("`error_pattern` is no pattern: {error}"))
            })?),
        };
        let classes = settings.words("error_types").into_iter();
        Ok(Self {
            node: settings.node.clone(),
            classes: classes.map(|class| class.to_lowercase()).collect(),
            workflows: (!names.is_empty()).then_some(workflows),
            pattern,
            severity,
        })
    }

    fn counts(&self, failure: &Failure) -> bool {
        // The file, as the ids of what triggers start begin with it.
        let file = failure.run.split(':').next().unwrap_or_default();
        let is_meant = |names: &GlobSet| {
            [&failure.workflow, &failure.run, file]
                .iter()
                .any(|name| names.is_match(name))
        };
        let class = failure.class.to_lowercase();
        let fits = |pattern: &Regex| pattern.is_match(&failure.message).unwrap_or_default();
        (self.severity == "all" || self.severity == failure.severity)
            && (self.classes.is_empty()
                || self
                    .classes
                    .iter()
                    .any(|known| known == "*" || *known == class))
            && self.workflows.as_ref().is_none_or(is_meant)
            && self.pattern.as_ref().is_none_or(fits)
    }
}

impl Failure {
    fn outputs(&self) -> Object {
        let time = self.time.to_string();
        let trace = match self.node.as_str() {
            "" => format!("{}: {}", self.class, self.message),
            node => format!("{node}: {}: {}", self.class, self.message),
        };
        let outputs = json!({
            "error_type": self.class,
            "error_message": self.message,
            "workflow_id": self.run,
            "node_id": self.node,
            "stack_trace": trace,
            "timestamp": time,
            "error": {
                "error_type": self.class,
                "error_message": self.message,
                "workflow_id": self.run,
                "workflow_name": self.workflow,
                "node_id": self.node,
                "severity": self.severity,
                "status": self.status.as_str(),
                "timestamp": time,
            },
        });
        outputs.as_object().cloned().unwrap_or_default()
    }
}

impl Source for Errors {
    fn node(&self) -> &str {
        &self.node
    }

    fn says(&self) -> String {
        "waits for runs that fail".to_owned()
    }

    fn wait(
        self: Box<Self>,
        starter: Arc<Starter>,
        tasks: &mut JoinSet<()>,
        end: signal::Receiver<()>,
    ) {
        let look = Look {
            errors: *self,
            starter,
            since: None,
            seen: BTreeSet::new(),
        };
        tasks.spawn(poll(look, end));
    }
}

/// What was seen of the runs that failed.
struct Look {
    errors: Errors,
    starter: Arc<Starter>,
    /// What ended before that is settled.
    since: Option<Duration>,
    /// The runs that ended since then and are settled.
    seen: BTreeSet<String>,
}

impl Poll for Look {
    fn every(&self) -> Duration {
        EVERY
    }

    fn place(&self) -> String {
        "the runs of the database".to_owned()
    }

    async fn once(&mut self) -> Result<Duration, Missed> {
        let client = self.starter.durable().client();
        let since = match self.since {
            Some(since) => since,
            None => self.begin().await?,
        };
        let mut failed = client
            .list(
                WorkflowFilter::new()
                    .name("run_document")
                    .name("work_item")
                    .status(Status::Error)
                    .status(Status::MaxRecoveryAttemptsExceeded)
                    .completed_after(UNIX_EPOCH + since)
                    .without_input()
                    .without_output(),
            )
            .await?;
        // One after another as they happened, so that after a crash the last one tells where to go on.
        failed.sort_by_key(|row| row.completed_at_ms);
        let mut seen = BTreeSet::new();
        for row in &failed {
            if !self.seen.contains(&row.workflow_id) {
                self.fire(&row.workflow_id).await?;
            }
            self.seen.insert(row.workflow_id.clone());
            seen.insert(row.workflow_id.clone());
        }
        let last = failed.last().and_then(|row| row.completed_at_ms);
        let last =
            Duration::from_millis(u64::try_from(last.unwrap_or_default()).unwrap_or_default());
        self.since = Some(since.max(last.saturating_sub(LATE)));
        self.seen = seen;
        Ok(EVERY)
    }
}

impl Look {
    /// Since when errors are to be looked for: the first time that somebody did, or what was started last.
    async fn begin(&self) -> Result<Duration, Missed> {
        let prefix = self.starter.prefix(&self.errors.node);
        let first = watched_since(self.starter.durable()).id(format!("errors:{prefix}"));
        let first = match first.await {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(RunError::Durable(error)) => return Err(error.into()),
            Err(error) => return Err(StartError::Run(error).into()),
        };
        let started = WorkflowFilter::new()
            .id_prefix(prefix)
            .newest_first()
            .limit(1);
        let client = self.starter.durable().client();
        let started = client.list(started.without_output()).await?;
        // The newest one tells of an error that ended before it began.
        let last = started.first().and_then(|row| {
            let said = request_of(row)?
                .trigger()?
                .outputs
                .get("timestamp")?
                .clone();
            let time: Timestamp = said.as_str()?.parse().ok()?;
            u64::try_from(time.as_millisecond()).ok()
        });
        let last = Duration::from_millis(last.unwrap_or_default());
        Ok(first.max(last.saturating_sub(LATE)))
    }

    /// Starts the run that a failure asks for.
    async fn fire(&self, run: &str) -> Result<(), Missed> {
        let prefix = self.starter.prefix(&self.errors.node);
        let id = match run.len() <= LONGEST_ID {
            true => format!("{prefix}{run}"),
            false => format!("{prefix}{}", hash(run.as_bytes())),
        };
        if self.starter.is_known(&id).await? {
            return Ok(());
        }
        let Some(failure) = self.failure(run).await? else {
            return Ok(());
        };
        if !self.errors.counts(&failure) {
            return Ok(());
        }
        let started = self
            .starter
            .start(&self.errors.node, &id, failure.outputs());
        match started.await? {
            Started::New(_) => tracing::info!(id, "an error started its workflow"),
            Started::Known(_) | Started::Other => {}
        }
        Ok(())
    }

    /// What became of a run, if it is for triggers to tell.
    async fn failure(&self, run: &str) -> Result<Option<Failure>, Missed> {
        let client = self.starter.durable().client();
        let row = match client.status(run).await {
            Ok(row) => row,
            // Deleted meanwhile, with all that was known of it.
            Err(durable_runtime::Error::NoSuchWorkflow { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Who runs it knows that it failed, and what to make of it.
        if let Some(parent) = &row.parent_workflow_id {
            match client.status(parent).await {
                Ok(parent) if parent.name != "scheduled" => return Ok(None),
                Ok(_) | Err(durable_runtime::Error::NoSuchWorkflow { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let request = match row.name.as_str() {
            "work_item" => item_of(&row),
            _ => request_of(&row),
        };
        if request.as_ref().is_some_and(is_of_an_error) {
            return Ok(None);
        }
        let name = request.as_ref().and_then(|request| {
            let name = request.document.pointer("/metadata/name")?.as_str()?;
            Some(name.to_owned())
        });
        let Some((said, node)) = self.said(&row).await? else {
            return Ok(None);
        };
        let known = said.split_once(": ").filter(|(class, _)| {
            !class.is_empty()
                && class
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_')
        });
        let (class, message) = known.unwrap_or(("RuntimeError", &said));
        let time = row.completed_at_ms.unwrap_or(row.updated_at_ms);
        Ok(Some(Failure {
            run: run.to_owned(),
            workflow: name.unwrap_or_default(),
            class: class.to_owned(),
            message: message.to_owned(),
            severity: if node.is_empty() { "critical" } else { "error" },
            node,
            status: row.status,
            time: Timestamp::from_millisecond(time).unwrap_or_default(),
        }))
    }

    /// Why it failed, and the node that did.
    async fn said(&self, row: &WorkflowStatus) -> Result<Option<(String, String)>, Missed> {
        if row.status == Status::MaxRecoveryAttemptsExceeded {
            let said = "RecoveryError: it was interrupted too often, and is given up".to_owned();
            return Ok(Some((said, String::new())));
        }
        let durable = self.starter.durable();
        let ended = match row.name.as_str() {
            "work_item" => {
                durable
                    .retrieve::<work_item>(&row.workflow_id)
                    .await?
                    .result()
                    .await
            }
            _ => {
                durable
                    .retrieve::<run_document>(&row.workflow_id)
                    .await?
                    .result()
                    .await
            }
        };
        Ok(match ended {
            Err(RunError::Failed(report)) => {
                let node = report.failed_node_id.unwrap_or_default();
                Some((report.error.unwrap_or_default(), node))
            }
            Err(error) => Some((error.to_string(), String::new())),
            // Somebody took it up again, and it succeeded.
            Ok(_) => None,
        })
    }
}

/// Whether a run was started by an error itself.
fn is_of_an_error(request: &Request) -> bool {
    let by = request.trigger().and_then(|fired| {
        let nodes = request.document.get("nodes")?;
        nodes.get(&fired.node)?.get("node_type")?.as_str()
    });
    by == Some("ErrorTriggerNode")
}
