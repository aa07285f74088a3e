use std::borrow::Cow;
use std::sync::Arc;

use super::WorkflowContext;
use crate::clock;
use crate::store::{Record, StepRecord};

impl WorkflowContext {
    /// Changes the code of a workflow while runs of it are under way: `true` in runs that reach this place for the first
    /// time, which take the new way, `false` in those that passed it with the old code. Decided at the call, in one
    /// moment. A patched run has a record more; an unpatched one is as if the call were not there.
    ///
    /// ```
    /// # use durable_runtime::prelude::*;
    /// # #[step] async fn v1(_ctx: StepContext) -> anyhow::Result<()> { Ok(()) }
    /// # #[step] async fn v2(_ctx: StepContext) -> anyhow::Result<()> { Ok(()) }
    /// #[workflow]
    /// async fn ship(ctx: WorkflowContext) -> anyhow::Result<()> {
    ///     if ctx.patch("use-v2") {
    ///         v2(&ctx).await
    ///     } else {
    ///         v1(&ctx).await
    ///     }
    /// }
    /// ```
    #[must_use = "the answer says which code to run"]
    pub fn patch(&self, name: &str) -> bool {
        let execution = self.execution();
        let marker = marker(name);
        let Some(position) = execution.claim_marker(&marker, true) else {
            return false;
        };
        if let Some(position) = position {
            let now = clock::now_ms();
            let step = StepRecord {
                workflow_id: execution.workflow_id.clone(),
                token: execution.token.clone(),
                position,
                name: Cow::Owned(marker),
                started_at: now,
                completed_at: now,
                ..StepRecord::default()
            };
            execution.record(Record::Step(Arc::new(step)), false, None);
        }
        true
    }

    /// Stands where [`patch`](Self::patch) stood once every run takes the new way: passes over the record of patched
    /// runs and writes none. It can go when no patched run is left.
    pub fn deprecate_patch(&self, name: &str) {
        // Whether there was a record makes no difference to the code behind it.
        let _ = self.execution().claim_marker(&marker(name), false);
    }
}

fn marker(name: &str) -> String {
    format!("DBOS.patch-{name}")
}
