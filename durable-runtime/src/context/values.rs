//! What differs from run to run, recorded so that a replay gets the same.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::WorkflowContext;
use crate::call::Operation;
use crate::{clock, ids};

/// Each of these is a recorded call: a replay gets the same value. Its record needs no commit of its own, as that of a
/// pure step: it becomes durable before the next effect of the workflow.
impl WorkflowContext {
    /// The time, to the millisecond, as the clock of this machine has it.
    ///
    /// Recorded as `DBOS.now`, in milliseconds since the Unix epoch.
    ///
    /// ```
    /// # use durable_runtime::prelude::*;
    /// # use std::time::UNIX_EPOCH;
    /// #[workflow]
    /// async fn stamp(ctx: WorkflowContext) -> anyhow::Result<u64> {
    ///     Ok(ctx.now().await.duration_since(UNIX_EPOCH)?.as_secs())
    /// }
    /// ```
    #[track_caller]
    pub fn now(&self) -> impl Future<Output = SystemTime> + Send + 'static + use<> {
        let operation = Operation::claim(self, "DBOS.now");
        async move {
            let now = operation.chosen(clock::now_ms).await;
            UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or_default())
        }
    }

    /// A random number from 0 up to, and not including, 1. Not for secrets: it is in the database.
    ///
    /// Recorded as `DBOS.random`, a number.
    ///
    /// ```
    /// # use durable_runtime::prelude::*;
    /// # #[step] async fn new_page(_ctx: StepContext) -> anyhow::Result<()> { Ok(()) }
    /// #[workflow]
    /// async fn trial(ctx: WorkflowContext) -> anyhow::Result<()> {
    ///     if ctx.random().await < 0.1 {
    ///         new_page(&ctx).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn random(&self) -> impl Future<Output = f64> + Send + 'static + use<> {
        Operation::claim(self, "DBOS.random").chosen(ids::fraction)
    }

    /// A new random UUID (version 4).
    ///
    /// Recorded as `DBOS.randomUUID`, a string in lowercase with dashes.
    ///
    /// ```
    /// # use durable_runtime::prelude::*;
    /// # #[step] async fn order(_ctx: StepContext, key: String) -> anyhow::Result<()> { Ok(()) }
    /// #[workflow]
    /// async fn buy(ctx: WorkflowContext) -> anyhow::Result<()> {
    ///     let key = ctx.uuid().await;
    ///     order(&ctx, key.to_string()).await
    /// }
    /// ```
    #[track_caller]
    pub fn uuid(&self) -> impl Future<Output = Uuid> + Send + 'static + use<> {
        Operation::claim(self, "DBOS.randomUUID").chosen(ids::uuid)
    }
}
