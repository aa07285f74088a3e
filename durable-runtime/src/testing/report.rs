use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ReplayOutcome;
use crate::store::{Status, WorkflowStatus};

/// What became of each run. Printed, it is a table of the workflows, and all that is to be said about runs that do not
/// fit the code.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
#[must_use = "a report is made to be looked at"]
pub struct ReplayReport {
    /// The runs, in the order of the filter.
    pub runs: Vec<ReplayedRun>,
}

/// One run whose records the code followed.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ReplayedRun {
    /// Its id.
    pub workflow_id: String,
    /// The name of the workflow.
    pub name: String,
    /// The class that the name belongs to, if any.
    pub class_name: Option<String>,
    /// The application version that the run belongs to.
    pub version: Option<String>,
    /// Where it is in its life.
    pub status: Status,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: ReplayOutcome,
}

impl ReplayedRun {
    pub(super) fn new(run: WorkflowStatus, outcome: ReplayOutcome) -> Self {
        Self {
            workflow_id: run.workflow_id,
            name: run.name,
            class_name: run.class_name,
            version: run.application_version,
            status: run.status,
            outcome,
        }
    }

    /// True when the run fits the code: it agrees; or it has not finished, and would go on. A run that is over may be
    /// one of a workflow that this program does not have.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.outcome.is_clean(self.status)
    }

    fn workflow(&self) -> String {
        match &self.class_name {
            Some(class) => format!("{class}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl ReplayReport {
    /// True when every run fits the code.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.runs.iter().all(ReplayedRun::is_clean)
    }

    /// The runs that do not fit the code.
    pub fn unclean(&self) -> impl Iterator<Item = &ReplayedRun> {
        self.runs.iter().filter(|run| !run.is_clean())
    }

    /// The runs that would end with an error, because the code does not make the recorded calls.
    pub fn diverging(&self) -> impl Iterator<Item = &ReplayedRun> {
        let runs = self.runs.iter();
        runs.filter(|run| matches!(run.outcome, ReplayOutcome::Diverges { .. }))
    }
}

impl fmt::Display for ReplayedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workflow, id) = (self.workflow(), &self.workflow_id);
        let version = self.version.as_deref().unwrap_or("none");
        write!(f, "{workflow} ({id}, {}, version {version}) ", self.status)?;
        match &self.outcome {
            ReplayOutcome::Agrees => f.write_str("agrees"),
            ReplayOutcome::Continues { call, unread } => {
                let (position, name, place) = (call.position, &call.name, &call.place);
                write!(
                    f,
                    "would go on with `{name}` at {place} (position {position})"
                )?;
                if *unread > 0 {
                    write!(f, "; {unread} later records could not be compared")?;
                }
                Ok(())
            }
            ReplayOutcome::Diverges { error } => write!(f, "diverges:\n{error}"),
            ReplayOutcome::OutcomeDiffers { recorded, now } => {
                write!(
                    f,
                    "ends differently:\nrecorded: {recorded}\nnow:      {now}"
                )
            }
            ReplayOutcome::Unreadable { error } => write!(f, "cannot be read:\n{error}"),
            ReplayOutcome::NotRegistered { error } => write!(f, "has no code here:\n{error}"),
            ReplayOutcome::Refused { error } => write!(f, "would not be begun:\n{error}"),
            ReplayOutcome::Panicked { message } => write!(f, "panics:\n{message}"),
            ReplayOutcome::Stuck => f.write_str(
                "waits for something that is no durable call (a step, a child, a method of the context)",
            ),
        }
    }
}

/// How many runs of a workflow came to what.
#[derive(Default)]
struct Counts {
    runs: usize,
    agree: usize,
    go_on: usize,
    diverge: usize,
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs.is_empty() {
            return f.write_str("There are no such runs.");
        }
        let mut table: BTreeMap<String, Counts> = BTreeMap::new();
        for run in &self.runs {
            let counts = table.entry(run.workflow()).or_default();
            counts.runs += 1;
            match run.outcome {
                ReplayOutcome::Agrees => counts.agree += 1,
                ReplayOutcome::Continues { .. } => counts.go_on += 1,
                ReplayOutcome::Diverges { .. } => counts.diverge += 1,
                _ => {}
            }
        }
        let names = table.keys().map(|name| name.chars().count());
        let width = names.max().unwrap_or_default().max("workflow".len());
        writeln!(
            f,
            "{:width$}  {:>7}  {:>7}  {:>7}  {:>7}  {:>7}",
            "workflow", "runs", "agree", "go on", "diverge", "other"
        )?;
        for (name, counts) in &table {
            let Counts {
                runs,
                agree,
                go_on,
                diverge,
            } = counts;
            let other = runs - agree - go_on - diverge;
            writeln!(
                f,
                "{name:width$}  {runs:>7}  {agree:>7}  {go_on:>7}  {diverge:>7}  {other:>7}"
            )?;
        }
        for run in self.unclean() {
            writeln!(f, "\n{}", run.to_string().replace('\n', "\n  "))?;
        }
        let all = self.runs.len();
        match self.unclean().count() {
            0 => write!(f, "\nNo run is at odds with this code ({all} looked at)."),
            1 => write!(f, "\n1 run of {all} is at odds with this code."),
            unclean => write!(f, "\n{unclean} runs of {all} are at odds with this code."),
        }
    }
}
