//! The first of several calls.

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
/// A sleep that had begun stays recorded. On a replay only the winner is looked at: a loser's body never runs again.
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
