use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::StepCall;
use crate::context::WorkflowContext;
use crate::error::Result;

/// A call of a step or transaction that runs beside the code of its workflow. Awaited, it gives the call's result.
///
/// # Cancel safety
/// Dropped, or with the end of the workflow, the call is dropped where it waits and nothing is recorded; its place stays
/// empty. What it had recorded before stays.
#[must_use = "dropped, the call ends where it is: keep the handle and await it"]
pub struct Spawned<T, E> {
    name: Cow<'static, str>,
    position: i32,
    result: BoxFuture<'static, Result<T, E>>,
}

impl<T, E> Spawned<T, E> {
    /// The name under which the step is recorded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the call within the workflow, from 1.
    #[must_use]
    pub fn position(&self) -> i32 {
        self.position
    }
}

impl<T, E> fmt::Debug for Spawned<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawned")
            .field("name", &self.name)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl<T, E> Future for Spawned<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.result.as_mut().poll(context)
    }
}

impl WorkflowContext {
    /// Begins a step or transaction and goes on: it runs beside the workflow's code, whenever that waits, until its
    /// handle is awaited or dropped. Its place is that of the call, so the handles may be awaited in any order. The
    /// arguments are owned: what the workflow lends to a call, the call gives back only at its end.
    ///
    /// A child workflow needs no such thing: its [`start`](crate::WorkflowCall::start) gives a handle as well.
    ///
    /// ```
    /// # use durable_runtime::prelude::*;
    /// # #[step] async fn render(_ctx: StepContext, page: u32) -> anyhow::Result<u32> { Ok(page) }
    /// # #[step] async fn notify(_ctx: StepContext) -> anyhow::Result<()> { Ok(()) }
    /// #[workflow]
    /// async fn publish(ctx: WorkflowContext) -> anyhow::Result<u32> {
    ///     let cover = ctx.spawn(render(&ctx, 0));
    ///     notify(&ctx).await?; // the cover is being rendered
    ///     Ok(cover.await?)
    /// }
    /// ```
    #[track_caller]
    pub fn spawn<T, E, Runs>(&self, call: StepCall<'static, T, E, Runs>) -> Spawned<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
        Runs: Send + 'static,
    {
        let execution = self.execution();
        let (name, position) = (call.name.clone(), call.position());
        let watched = execution.watched(name.clone(), Location::caller());
        let (mut reply, result) = oneshot::channel();
        let running = async move {
            tokio::select! {
                biased;
                // The handle was dropped.
                () = reply.closed() => {}
                result = call => {
                    // Dropped at this moment: then nobody wants to know.
                    let _ = reply.send(result);
                }
            }
        };
        execution.spawn(running.boxed());
        let result = watched.around(async move {
            match result.await {
                Ok(result) => result,
                // The execution ends, and its code is dropped here.
                Err(_) => std::future::pending().await,
            }
        });
        Spawned {
            name,
            position,
            result: result.boxed(),
        }
    }
}
