//! What a run did, for whoever began it.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use durable_runtime::{StepCount, StepCountFilter};
use serde::Serialize;

use super::engine::Engine;
use super::failure::RunError;
use crate::collection::{FileState, Spending};
use crate::discover::Ignored;
use crate::workflow::RunReport;

/// The stages of a file, as their steps are recorded.
pub(crate) const STAGES: [&str; 5] = ["discover", "load", "chunk", "embed", "save"];

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The id of the run: that of its workflow.
    pub run_id: String,
    /// Files that were found.
    pub discovered: usize,
    /// Files that were saved.
    pub ingested: usize,
    /// Files that were there already.
    pub unchanged: usize,
    /// Files that had another name before.
    pub renamed: usize,
    /// Documents whose files are gone, and that were taken out.
    pub vanished: usize,
    /// Documents whose files are gone, and that were kept since they are too many.
    pub kept: usize,
    /// Files that are not in the collection as they are.
    pub failed: Vec<FileState>,
    /// What was seen and left alone: kinds that are not read, links, pipes.
    pub ignored: Ignored,
    /// Chunks that were saved.
    pub chunks: usize,
    /// Texts that were embedded.
    pub embedded: usize,
    /// Texts whose vectors were there already.
    pub reused: usize,
    /// Word pieces that were embedded; tokens, as a service counted them.
    pub tokens: usize,
    /// Files that wait since the budget is spent; `ingest` takes them.
    pub waiting: usize,
    /// What the run spent on embedding, with what it was spent on before an interruption.
    pub spending: Spending,
    /// The budget and what of it is spent, in millionths of the price's currency, if there is one.
    pub budget: Option<(i64, i64)>,
    /// How long it took.
    pub seconds: f64,
    /// What each stage took meanwhile, in all processes together, from the checkpoints; empty when no file was worked
    /// on.
    pub stages: BTreeMap<String, Stage>,
}

/// A stage of the files: `discover`, `load`, `chunk`, `embed` or `save`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Stage {
    /// How often it came to its end.
    pub succeeded: u64,
    /// How often it failed.
    pub failed: u64,
    /// How long all of them took together; several at once count several times.
    pub seconds: f64,
}

/// When something began, by the clock on the wall and by one that only goes forward.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(SystemTime, Instant);

impl Begun {
    pub(super) fn now() -> Self {
        Self(SystemTime::now(), Instant::now())
    }
}

/// What each stage took since then, unless there was nothing to do.
async fn stages(
    engine: &Engine,
    report: &RunReport,
    begun: Begun,
) -> Result<BTreeMap<String, Stage>, RunError> {
    if report.ingested + report.failed == 0 {
        return Ok(BTreeMap::new());
    }
    let filter = StepCountFilter::new().completed_after(begun.0);
    let filter = STAGES
        .iter()
        .fold(filter, |filter, stage| filter.name(*stage));
    let steps = engine.durable.client().count_steps(filter).await?;
    let stage = |step: StepCount| {
        let stage = Stage {
            succeeded: step.succeeded,
            failed: step.failed,
            seconds: step.total_ms as f64 / 1000.0,
        };
        (step.name, stage)
    };
    Ok(steps.into_iter().map(stage).collect())
}

pub(super) async fn summary(
    engine: &Engine,
    (collection, run_id): (&str, &str),
    report: RunReport,
    begun: Begun,
) -> Result<Summary, RunError> {
    Ok(Summary {
        stages: stages(engine, &report, begun).await?,
        run_id: run_id.to_owned(),
        discovered: report.discovered,
        ingested: report.ingested,
        unchanged: report.unchanged,
        renamed: report.renamed,
        vanished: report.vanished,
        kept: report.kept,
        failed: engine.collection.failed_of(run_id).await?,
        ignored: report.ignored,
        chunks: report.chunks,
        embedded: report.embedded,
        reused: report.reused,
        tokens: report.tokens,
        waiting: report.waiting,
        spending: engine.collection.spending_of(run_id).await?,
        budget: engine.collection.budget(collection).await?,
        seconds: begun.1.elapsed().as_secs_f64(),
    })
}
