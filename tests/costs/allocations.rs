//! How often each operation allocates memory, on the thread that runs the workflows: the thread of a SQLite connection
//! is its own.
//!
//! What is counted is the difference between twice as much work and the work, divided by the work: what one more costs.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::store::Store;
use tokio::runtime::{Builder, Runtime};

/// How much work there is.
const WORK: u32 = 200;

#[step]
async fn work(_ctx: StepContext, number: u32) -> anyhow::Result<u32> {
    Ok(number)
}

#[step(pure)]
async fn pure_work(_ctx: StepContext, number: u32) -> anyhow::Result<u32> {
    Ok(number)
}

#[step]
async fn hold(_ctx: StepContext, at: String) -> anyhow::Result<()> {
    gate(at).pass().await;
    Ok(())
}

#[workflow]
async fn steps(ctx: WorkflowContext, count: u32) -> anyhow::Result<u32> {
    let mut last = 0;
    for number in 0..count {
        last = work(&ctx, number).await?;
    }
    Ok(last)
}

#[workflow]
async fn pure_steps(ctx: WorkflowContext, count: u32) -> anyhow::Result<u32> {
    let mut last = 0;
    for number in 0..count {
        last = pure_work(&ctx, number).await?;
    }
    Ok(last)
}

/// Some steps, then one that waits at a gate.
#[workflow]
async fn held(ctx: WorkflowContext, before: u32, at: String) -> anyhow::Result<()> {
    for number in 0..before {
        work(&ctx, number).await?;
    }
    hold(&ctx, at).await
}

/// A program on one thread.
struct Program {
    threads: Runtime,
    store: Store,
    durable: Durable,
}

impl Program {
    fn launch() -> Self {
        let threads = Builder::new_current_thread().enable_all().build().unwrap();
        let store = Store::sqlite();
        let durable = threads.block_on(launched(&store));
        Self {
            threads,
            store,
            durable,
        }
    }

    /// What one more of something costs, of which `run` does so many.
    fn one_more(&self, run: impl AsyncFn(&Durable, u32)) -> u64 {
        let measured = |count| {
            let run = || self.threads.block_on(run(&self.durable, count));
            allocation_counter::measure(run).count_total
        };
        // What is made once is made.
        measured(1);
        per_piece(measured(WORK), measured(2 * WORK))
    }
}

async fn launched(store: &Store) -> Durable {
    let open = store.open().register::<steps>();
    let open = open.register::<pure_steps>().register::<held>();
    open.launch().await.unwrap()
}

/// Rounded: what the process does beside the work is not much.
fn per_piece(once: u64, twice: u64) -> u64 {
    let each = (twice - once) as f64 / f64::from(WORK);
    each.round() as u64
}

#[track_caller]
fn at_most(most: u64, what: &str, counted: u64) {
    println!("{what}: {counted} allocations");
    assert!(
        counted <= most,
        "{what}: {counted} allocations, and at most {most} were expected"
    );
}

#[test]
fn a_step_that_is_recorded_allocates_little() {
    let program = Program::launch();
    let counted = program.one_more(async |durable, count| {
        steps(durable, count).await.unwrap();
    });
    at_most(50, "a recorded step", counted);
}

#[test]
fn a_pure_step_allocates_little() {
    let program = Program::launch();
    let counted = program.one_more(async |durable, count| {
        pure_steps(durable, count).await.unwrap();
    });
    at_most(9, "a pure step", counted);
}

#[test]
fn a_workflow_allocates_little() {
    let program = Program::launch();
    let counted = program.one_more(async |durable, count| {
        for _ in 0..count {
            steps(durable, 0).await.unwrap();
        }
    });
    at_most(150, "a start and a completion", counted);
}

#[test]
fn a_replayed_step_allocates_little() {
    let replay = |count| {
        let program = Program::launch();
        let id = program.store.id("replayed");
        program.threads.block_on(async {
            drop(
                held(&program.durable, count, id.clone())
                    .id(&id)
                    .start()
                    .await
                    .unwrap(),
            );
            gate(&id).reached().await;
        });
        program
            .threads
            .block_on(program.durable.shutdown(Duration::ZERO));
        let again = || {
            program.threads.block_on(async {
                let durable = launched(&program.store).await;
                gate(&id).reached_by(2).await;
                durable
            })
        };
        let mut durable = None;
        let counted = allocation_counter::measure(|| durable = Some(again())).count_total;
        gate(&id).open();
        drop(durable);
        counted
    };
    replay(1);
    at_most(
        10,
        "a replayed step, with its record read",
        per_piece(replay(WORK), replay(2 * WORK)),
    );
}
