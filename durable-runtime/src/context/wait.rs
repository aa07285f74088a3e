use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};

use super::WorkflowContext;
use crate::call::Operation;
use crate::engine::Engine;
use crate::error::{Error, Result};

impl WorkflowContext {
    /// Waits until the first of these workflows ends, however it ends, and gives its id. A recorded call: a replay gives
    /// the same id. Takes handles and ids.
    ///
    /// ```
    /// # use durable_runtime::prelude::*;
    /// # #[workflow] async fn ask(_ctx: WorkflowContext, _who: String) -> anyhow::Result<String> { Ok(String::new()) }
    /// #[workflow]
    /// async fn quickest(ctx: WorkflowContext) -> anyhow::Result<String> {
    ///     let one = ask(&ctx, "one".into()).start().await?;
    ///     let two = ask(&ctx, "two".into()).start().await?;
    ///     let first = ctx.wait_first([&one, &two]).await?;
    ///     Ok(if first == one.workflow_id() { one.result().await? } else { two.result().await? })
    /// }
    /// ```
    ///
    /// # Errors
    /// No workflow is given, or one twice.
    #[track_caller]
    pub fn wait_first<I: Into<String>>(
        &self,
        workflows: impl IntoIterator<Item = I>,
    ) -> BoxFuture<'static, Result<String>> {
        let ids: Vec<String> = workflows.into_iter().map(Into::into).collect();
        // Not in a closure: that would be the caller.
        let operation = match check_ids(&ids) {
            Ok(()) => Ok(Operation::claim(self, "DBOS.waitFirst")),
            Err(error) => Err(error),
        };
        async move {
            let operation = operation?;
            let engine = std::sync::Arc::clone(&operation.execution.engine);
            operation.run(first_to_end(&engine, ids)).await
        }
        .boxed()
    }
}

/// A wait that could never end, or whose answer says too little, is refused.
pub(crate) fn check_ids(ids: &[String]) -> Result<()> {
    if ids.is_empty() {
        return Err(Error::Misuse("there is no workflow to wait for".to_owned()));
    }
    let twice = ids.iter().enumerate();
    let twice = twice.filter(|(index, id)| ids.iter().take(*index).any(|other| other == *id));
    match twice.map(|(_, id)| id).next() {
        Some(id) => Err(Error::Misuse(format!(
            "workflow `{id}` is to be waited for twice"
        ))),
        None => Ok(()),
    }
}

pub(crate) async fn first_to_end(engine: &Engine, ids: Vec<String>) -> Result<String> {
    let slots: Vec<_> = ids.iter().map(|id| engine.completions.slot(id)).collect();
    ids.iter().for_each(|id| engine.completions.ask_about(id));
    let ends = slots.iter().map(|slot| Box::pin(slot.wait()));
    let (_, index, _) = select_all(ends).await;
    Ok(ids.into_iter().nth(index).unwrap_or_default())
}
