use std::convert::Infallible;
use std::future::{Future, Pending, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::Operation;
use crate::clock;
use crate::context::WorkflowContext;

/// Waits for the first of several calls, and remembers which one it was: after a crash the same branch is taken.
///
/// ```
/// use std::time::Duration;
/// use durable_runtime::prelude::*;
/// use durable_runtime::select;
///
/// # #[step] async fn ask(_ctx: StepContext) -> anyhow::Result<u32> { Ok(1) }
/// #[workflow]
/// async fn ask_for_a_while(ctx: WorkflowContext) -> anyhow::Result<Option<u32>> {
///     select! { &ctx;
///         answer = ask(&ctx) => Ok(Some(answer?)),
///         () = ctx.sleep(Duration::from_secs(60)) => Ok(None),
///     }
/// }
/// ```
///
/// When several are ready at once the first in the order of writing wins. The calls take their positions in that order,
/// then the choice takes one (`DBOS.asyncio_wait`).
///
/// **The losers** are dropped where they wait. A step's body ends there and nothing of it is recorded, unless it had
/// ended already. A child workflow that was started, by the call or before, runs on; its parent no longer waits for it.
/// A sleep stays recorded. On a replay only the winner is looked at: a loser's body never runs again.
#[macro_export]
macro_rules! select {
    (@never $unused:ident) => {
        $crate::__private::never()
    };
    (@branch $ctx:expr; [$($unused:ident)*] [$($call:expr,)*] [$($arm:tt)*]) => {
        match $crate::__private::select(
            $ctx,
            ($($call,)* $($crate::select!(@never $unused),)*),
        )
        .await
        {
            $($arm)*
            $($crate::__private::Won::$unused(never) => match never {},)*
        }
    };
    (@branch $ctx:expr; [$won:ident $($more:ident)*] [$($call:expr,)*] [$($arm:tt)*]
        ($pattern:pat) ($this:expr) ($body:expr) $($rest:tt)*) => {
        $crate::select!(@branch $ctx; [$($more)*] [$($call,)* $this,]
            [$($arm)* $crate::__private::Won::$won($pattern) => $body,] $($rest)*)
    };
    ($ctx:expr; $($pattern:pat = $call:expr => $body:expr),+ $(,)?) => {
        $crate::select!(@branch $ctx; [A B C D E F] [] [] $(($pattern) ($call) ($body))+)
    };
}

/// Which call was first, with its result.
#[doc(hidden)]
#[derive(Debug)]
pub enum Won<A, B, C, D, E, F> {
    A(A),
    B(B),
    C(C),
    D(D),
    E(E),
    F(F),
}

/// Stands for a branch that is not there.
#[doc(hidden)]
#[must_use]
pub fn never() -> Pending<Infallible> {
    pending()
}

/// Waits for the first of the calls: see [`select!`](crate::select!).
#[doc(hidden)]
#[track_caller]
pub fn select<'c, A, B, C, D, E, F>(
    ctx: &'c WorkflowContext,
    calls: (A, B, C, D, E, F),
) -> impl Future<Output = Won<A::Output, B::Output, C::Output, D::Output, E::Output, F::Output>>
+ Send
+ use<'c, A, B, C, D, E, F>
where
    A: Future<Output: Send> + Send,
    B: Future<Output: Send> + Send,
    C: Future<Output: Send> + Send,
    D: Future<Output: Send> + Send,
    E: Future<Output: Send> + Send,
    F: Future<Output: Send> + Send,
{
    let operation = Operation::claim(ctx, "DBOS.asyncio_wait");
    async move {
        let recorded: Option<usize> = match operation.recorded().await {
            Some(row) => operation.replayed::<Vec<usize>>(row).await.ok(),
            None => None,
        }
        .and_then(|first| first.first().copied());
        let started_at = clock::now_ms();
        let (a, b, c, d, e, f) = calls;
        let (mut a, mut b, mut c) = (pin!(a), pin!(b), pin!(c));
        let (mut d, mut e, mut f) = (pin!(d), pin!(e), pin!(f));
        let won = poll_fn(|context| {
            macro_rules! branch {
                ($index:literal, $call:ident, $won:ident) => {
                    if recorded.is_none_or(|recorded| recorded == $index)
                        && let Poll::Ready(result) = $call.as_mut().poll(context)
                    {
                        return Poll::Ready(($index, Won::$won(result)));
                    }
                };
            }
            branch!(0, a, A);
            branch!(1, b, B);
            branch!(2, c, C);
            branch!(3, d, D);
            branch!(4, e, E);
            branch!(5, f, F);
            Poll::Pending
        });
        let (index, won) = won.await;
        if recorded.is_none() {
            let mut step = operation.step(started_at);
            step.output = Some(format!("[{index}]"));
            operation.record(step);
        }
        won
    }
}
