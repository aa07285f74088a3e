use std::convert::Infallible;
use std::future::{Future, Pending, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::Operation;
use crate::clock;
use crate::context::WorkflowContext;

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
pub fn never() -> Pending<Infallible> {
    pending()
}

/// Waits for the first of the calls: see [`select!`](crate::select!).
#[doc(hidden)]
#[track_caller]
#[expect(clippy::type_complexity, reason = "one branch for each")]
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
        let recorded: Option<usize> = match operation.looked_up().await {
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
