//! `#[allow_nondeterminism]` on every kind of statement; rustc sees nothing of it, and the version
//! does not either.

#![deny(warnings)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use durable_runtime::prelude::*;
use durable_runtime::{Workflow, join};

#[step]
async fn load(_ctx: StepContext, name: String) -> anyhow::Result<usize> {
    Ok(name.len())
}

async fn knock() -> usize {
    1
}

#[workflow]
async fn everywhere(ctx: WorkflowContext, sizes: HashMap<String, usize>, kind: u8) -> anyhow::Result<usize> {
    #[allow_nondeterminism(reason = "it is only logged")]
    let began = Instant::now();
    let mut sum;
    #[allow_nondeterminism(reason = "it always answers one")]
    sum = knock().await;
    #[allow_nondeterminism(reason = "it always answers one")]
    sum += knock().await;
    #[allow_nondeterminism(reason = "it always answers one")]
    knock().await;
    #[allow_nondeterminism(reason = "the sum does not depend on the order")]
    for size in sizes.values() {
        sum += size;
    }
    #[allow_nondeterminism(reason = "it always answers one")]
    while knock().await == 2 {}
    #[allow_nondeterminism(reason = "it always answers one")]
    loop {
        if knock().await == 1 {
            break;
        }
    }
    #[allow_nondeterminism(reason = "it always answers one")]
    if knock().await == 2 {
        sum += 1;
    }
    #[allow_nondeterminism(reason = "it always answers one")]
    {
        sum += knock().await;
    }
    #[allow_nondeterminism(reason = "both ways do the same")]
    match SystemTime::now().elapsed() {
        Ok(_) | Err(_) => {}
    }
    match kind {
        #[allow_nondeterminism(reason = "it always answers one")]
        0 => sum += knock().await,
        #[allow_nondeterminism(reason = "it always answers one")]
        1 => {
            sum += knock().await;
        }
        _ => {}
    }
    #[allow_nondeterminism(reason = "it is only counted for the operator")]
    static RUNS: AtomicU32 = AtomicU32::new(0);
    RUNS.fetch_add(1, Ordering::Relaxed);
    #[allow_nondeterminism(reason = "both branches do the same")]
    tokio::select! {
        size = load(&ctx, "a".into()) => sum += size?,
        size = load(&ctx, "b".into()) => sum += size?,
    }
    let later = async {
        #[allow_nondeterminism(reason = "it always answers one")]
        knock().await
    };
    sum += later.await_with(&ctx).await;
    let (one, two) = join!(load(&ctx, "a".into()), async {
        #[allow_nondeterminism(reason = "it always answers one")]
        let one = knock().await;
        Ok::<_, anyhow::Error>(one)
    });
    let elapsed = || {
        #[allow_nondeterminism(reason = "it is only logged")]
        Instant::now().duration_since(began)
    };
    println!("{:?}", elapsed());
    #[allow_nondeterminism(reason = "a moment, to let others run")]
    tokio::time::sleep(Duration::ZERO).await;
    #[allow_nondeterminism(reason = "it always answers one")]
    return Ok(sum + one? + two? + knock().await);
}

/// A helper with the context.
trait AwaitWith: Future + Sized + Send {
    fn await_with(self, _ctx: &WorkflowContext) -> impl Future<Output = Self::Output> + Send {
        self
    }
}

impl<F: Future + Send> AwaitWith for F {}

mod with {
    use super::*;

    #[workflow]
    pub async fn timed(_ctx: WorkflowContext) -> anyhow::Result<()> {
        #[allow_nondeterminism(reason = "it is only logged")]
        let began = Instant::now();
        println!("{began:?}");
        Ok(())
    }
}

mod with_another_reason {
    use super::*;

    #[workflow]
    pub async fn timed(_ctx: WorkflowContext) -> anyhow::Result<()> {
        #[allow_nondeterminism(reason = "who reads the log wants to know")]
        let began = Instant::now();
        println!("{began:?}");
        Ok(())
    }
}

#[workflow]
async fn waits_for_nobody(ctx: WorkflowContext) -> anyhow::Result<usize> {
    load(&ctx, "a".into()).await
}

fn main() {
    assert_eq!(
        with::timed::VERSION,
        with_another_reason::timed::VERSION,
        "a reason is a comment"
    );
    assert!(everywhere::CODE.awaits_others);
    assert!(!with::timed::CODE.awaits_others, "it does not wait");
    assert!(!waits_for_nobody::CODE.awaits_others);
}
