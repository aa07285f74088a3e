use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::outcome::{ReplayOutcome, has_outcome};
use super::report::{ReplayReport, ReplayedRun};
use crate::durable::Builder;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::{ClaimedWorkflow, Pages, StepRow, WorkflowFilter, WorkflowStatus};
use crate::task;

/// Runs that are in memory at once.
const PAGE: u32 = 16;
/// Runs whose code runs at once.
const AT_ONCE: usize = 4;

/// Lets the code of this program follow the records of runs, and tells what became of each: which of them the code would
/// go on with, and which would end with an error because other code made their records.
///
/// The `builder` is the one that the program is launched with; it is not launched. Nothing has an effect: no step or
/// transaction runs, nothing is written, sent or waited for, no other process notices. The code of the workflows between
/// their calls does run. Application versions are not compared: a run is followed whichever version it belongs to.
///
/// ```
/// use durable_runtime::prelude::*;
/// use durable_runtime::{WorkflowFilter, testing};
///
/// #[step]
/// async fn fetch(_ctx: StepContext, url: String) -> anyhow::Result<usize> {
///     Ok(url.len())
/// }
///
/// #[workflow]
/// async fn measure(ctx: WorkflowContext, url: String) -> anyhow::Result<usize> {
///     fetch(&ctx, url).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("sqlite://{}", folder.path().join("app.db").display());
/// # let open = || Durable::open(&url);
/// # let durable = open().register::<measure>().launch().await?;
/// # measure(&durable, "a".into()).await?;
/// # durable.shutdown(std::time::Duration::ZERO).await;
/// // In a test, on a copy of the database or on the real one:
/// let report = testing::verify_replay(open().register::<measure>(), WorkflowFilter::new()).await?;
/// assert!(report.is_clean(), "{report}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The settings contradict each other; the database cannot be opened or read, or holds no workflows.
pub async fn verify_replay(builder: Builder, filter: WorkflowFilter) -> Result<ReplayReport> {
    let (engine, store) = Engine::rehearse(builder.into_settings()).await?;
    let filter = filter.within(engine.identity.application_name.as_deref());
    let mut pages = Pages::new(filter, PAGE);
    let mut runs = Vec::new();
    let followed = loop {
        let page = match pages.next(store.as_ref()).await {
            Ok(page) if page.is_empty() => break Ok(()),
            Ok(page) => page,
            Err(error) => break Err(Error::from(error)),
        };
        match follow(&engine, page).await {
            Ok(followed) => runs.extend(followed),
            Err(error) => break Err(error),
        }
    };
    engine.stop();
    engine.journal.close().await;
    store.close().await;
    followed.map(|()| ReplayReport { runs })
}

/// Follows the runs of one page.
async fn follow(engine: &Arc<Engine>, page: Vec<WorkflowStatus>) -> Result<Vec<ReplayedRun>> {
    let ids: Vec<_> = page.iter().map(|run| run.workflow_id.as_str()).collect();
    let mut histories = engine.store.histories(&ids).await?;
    let runs = page.into_iter().map(|run| {
        let engine = Arc::clone(engine);
        let history = histories.remove(&run.workflow_id).unwrap_or_default();
        // Its own task: the code of a workflow may take its time, and others need not wait for it.
        task::spawn(async move {
            let is_over = has_outcome(run.status);
            let end = engine.follow(claimed(&run, history), is_over).await;
            let outcome = ReplayOutcome::of(end, &run);
            ReplayedRun::new(run, outcome)
        })
    });
    let mut followed = stream::iter(runs).buffered(AT_ONCE);
    let mut done = Vec::new();
    while let Some(run) = followed.next().await {
        let ended = |error| Error::Setup(format!("a dry run ended abnormally: {error}"));
        done.push(run.map_err(ended)?);
    }
    Ok(done)
}

/// The run as if it had just been taken off its queue.
fn claimed(run: &WorkflowStatus, history: Vec<StepRow>) -> ClaimedWorkflow {
    ClaimedWorkflow {
        workflow_id: run.workflow_id.clone(),
        name: run.name.clone(),
        class: run.class_name.clone(),
        config: run.config_name.clone(),
        input: run.input.clone(),
        serialization: run.serialization.clone(),
        recovery_attempts: run.recovery_attempts,
        deadline: run.deadline_ms,
        authenticated_user: run.authenticated_user.clone(),
        authenticated_roles: run.authenticated_roles.clone(),
        assumed_role: run.assumed_role.clone(),
        partition_key: run.queue_partition_key.clone(),
        history,
    }
}
