//! The version of a workflow's code: what changes it, what does not, and what becomes of the runs of an old one.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Builder, Workflow, WorkflowPart};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};

#[step]
async fn work(ctx: StepContext, number: u32, held: bool) -> anyhow::Result<u32> {
    let id = ctx.workflow_id().to_owned();
    count(format!("{id}/{number}"));
    if held {
        gate(id).pass().await;
    }
    Ok(number)
}

#[step]
async fn other_work(_ctx: StepContext, number: u32, _held: bool) -> anyhow::Result<u32> {
    Ok(number)
}

/// Workflows that differ from `first` as the name of the module says.
macro_rules! variants {
    ($($name:ident { $($workflow:tt)* })*) => {$(
        // Some are only looked at.
        #[allow(dead_code)]
        mod $name {
            #[allow(unused_imports)]
            use super::{WorkflowContext, count, other_work, work, workflow};

            $($workflow)*
        }
    )*};
}

variants! {
    first {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
}

/// Written again: other lines, other comments, other spacing, another file's place.
#[rustfmt::skip]
mod reformatted {
    use super::{WorkflowContext, work, workflow};

    /// With documentation.
    #[allow(clippy::let_and_return)]
    #[workflow]
    pub async fn changing(
        ctx: WorkflowContext,
        number: u32,
    ) -> anyhow::Result<u32,> {
        // Why.
        let one = work( &ctx, 1, false, ).await?;
        #[allow(unused_variables)]
        let two = match one { 1 => { work(&ctx, number, true).await? } _ => { 0 }, };
        /* And then. */
        Ok(one+two)
    }
}

variants! {
    options {
        #[workflow(max_recovery_attempts = 7, roles("admin"))]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
    name_and_class {
        #[workflow(name = "another", class = "shop")]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
    callee {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = other_work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
    literal {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 2, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
    order {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let two = work(&ctx, number, true).await?;
            let one = work(&ctx, 1, false).await?;
            Ok(one + two)
        }
    }
    argument_type {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u16) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number.into(), true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
    return_type {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> Result<u32, anyhow::Error> {
            let one = work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one + two)
        }
    }
    plain_code {
        #[workflow]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            let two = match one {
                1 => work(&ctx, number, true).await?,
                _ => 0,
            };
            Ok(one - two)
        }
    }
    pinned {
        #[workflow(version = "one")]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            Ok(one + work(&ctx, number, true).await?)
        }
    }
    pinned_and_changed {
        #[workflow(version = "one")]
        pub async fn changing(ctx: WorkflowContext, number: u32) -> anyhow::Result<u32> {
            let one = work(&ctx, 1, false).await?;
            count(format!("{}/changed", ctx.workflow_id()));
            Ok(one + work(&ctx, number, true).await?)
        }
    }
}

/// One workflow over a part that is written in several ways.
macro_rules! with_part {
    ($($name:ident { $($part:tt)* })*) => {$(
        // Some are only looked at.
        #[allow(dead_code)]
        mod $name {
            use super::{WorkflowContext, work, workflow};
            use durable_runtime::workflow_part;

            #[workflow(parts(part))]
            pub async fn whole(ctx: WorkflowContext) -> anyhow::Result<u32> {
                part(&ctx).await
            }

            $($part)*
        }
    )*};
}

with_part! {
    part {
        #[workflow_part]
        pub async fn part(ctx: &WorkflowContext) -> anyhow::Result<u32> {
            work(ctx, 1, false).await
        }
    }
    part_reformatted {
        /// The same.
        #[workflow_part]
        pub async fn part(ctx: &WorkflowContext,) -> anyhow::Result<u32> { work(ctx, 1, false,).await }
    }
    part_changed {
        #[workflow_part]
        pub async fn part(ctx: &WorkflowContext) -> anyhow::Result<u32> {
            work(ctx, 2, false).await
        }
    }
    part_of_part {
        #[workflow_part(parts(inner))]
        pub async fn part(ctx: &WorkflowContext) -> anyhow::Result<u32> {
            inner(ctx).await
        }

        #[workflow_part]
        async fn inner(ctx: &WorkflowContext) -> anyhow::Result<u32> {
            work(ctx, 1, false).await
        }
    }
    part_of_part_changed {
        #[workflow_part(parts(inner))]
        pub async fn part(ctx: &WorkflowContext) -> anyhow::Result<u32> {
            inner(ctx).await
        }

        #[workflow_part]
        async fn inner(ctx: &WorkflowContext) -> anyhow::Result<u32> {
            work(ctx, 2, false).await
        }
    }
}

/// Rules: V6
#[test]
fn what_a_reader_or_a_formatter_changes_is_no_new_version() {
    let version = first::changing::VERSION;
    for (what, same) in [
        ("another place and layout", reformatted::changing::VERSION),
        (
            "options that say who runs it and how often",
            options::changing::VERSION,
        ),
        ("another name", name_and_class::changing::VERSION),
    ] {
        assert_eq!(same, version, "{what}");
    }
    assert_eq!(version, first::changing::CODE.hash);
    assert_ne!(first::changing::CODE.line, reformatted::changing::CODE.line);
    // The same in every build, on every machine.
    assert_eq!(version, "7ed5c255d1419319f148e8f1b655efab");
}

/// Rules: V6
#[test]
fn what_may_change_a_run_is_a_new_version() {
    let versions = [
        ("the first", first::changing::VERSION),
        ("another callee", callee::changing::VERSION),
        ("another literal", literal::changing::VERSION),
        ("another order", order::changing::VERSION),
        (
            "another type of an argument",
            argument_type::changing::VERSION,
        ),
        ("another return type", return_type::changing::VERSION),
        (
            "other code between the calls",
            plain_code::changing::VERSION,
        ),
    ];
    for (index, (what, version)) in versions.iter().enumerate() {
        for (other, same) in &versions[..index] {
            assert_ne!(version, same, "{what} and {other}");
        }
    }
}

#[test]
fn the_code_of_parts_is_part_of_the_version() {
    let version = part::whole::VERSION;
    assert_eq!(part_reformatted::whole::VERSION, version);
    assert_ne!(part_changed::whole::VERSION, version);
    assert_ne!(
        part_of_part::whole::VERSION,
        part_of_part_changed::whole::VERSION
    );
    assert_ne!(part::part::CODE.hash, part_changed::part::CODE.hash);
    assert_eq!(version.len(), 32);
}

#[test]
fn a_pinned_version_stays_while_the_code_changes() {
    assert_eq!(pinned::changing::VERSION, "one");
    assert_eq!(pinned_and_changed::changing::VERSION, "one");
    assert_ne!(
        pinned::changing::CODE.hash,
        pinned_and_changed::changing::CODE.hash
    );
    assert_ne!(
        pinned::changing::machine().code,
        pinned_and_changed::changing::machine().code
    );
}

/// A runtime whose version is that of its workflows.
fn open(store: &Store) -> Builder {
    Durable::open(store.url()).executor_id("worker")
}

/// Leaves a run behind that waits in its second step.
async fn interrupted<W: Workflow<Input = (u32,)>>(
    store: &Store,
    start: impl AsyncFnOnce(&Durable, &str),
) -> String {
    let id = store.id("wf");
    let durable = open(store).register::<W>().launch().await.unwrap();
    start(&durable, &id).await;
    gate(&id).reached().await;
    durable.shutdown(Duration::ZERO).await;
    id
}

on_both_stores! {
    /// Rules: V6, V7
    async fn a_reformatted_workflow_continues_its_runs(store: Store) {
        let id = interrupted::<first::changing>(&store, async |durable, id| {
            drop(first::changing(durable, 2).id(id).start().await.unwrap());
        })
        .await;
        gate(&id).open();

        let durable = open(&store).register::<reformatted::changing>().launch().await.unwrap();
        let run = durable.retrieve::<reformatted::changing>(&id).await.unwrap();

        assert_eq!(run.result().await.unwrap(), 3);
        assert_eq!(counted(&format!("{id}/1")), 1, "the first step was not run again");
        assert_eq!(store.value("SELECT count(*) FROM application_versions", &[]).await, 1);
    }

    /// Rules: V6, V7
    async fn a_changed_workflow_leaves_the_runs_of_the_old_code_to_it(store: Store) {
        let id = interrupted::<first::changing>(&store, async |durable, id| {
            drop(first::changing(durable, 2).id(id).start().await.unwrap());
        })
        .await;
        let version = store.status(&id, "application_version").await;
        gate(&id).open();

        let newer = open(&store).register::<literal::changing>().launch().await.unwrap();
        gate("newer").open();
        let ended = literal::changing(&newer, 5).id("newer").await.unwrap();
        newer.shutdown(Duration::ZERO).await;

        assert_eq!(ended, 2);
        assert_ne!(store.status("newer", "application_version").await, version);
        assert_eq!(store.status(&id, "status").await, "PENDING");
        assert_eq!(counted(&format!("{id}/2")), 1, "nobody took the run up");

        let older = open(&store).register::<first::changing>().launch().await.unwrap();
        let run = older.retrieve::<first::changing>(&id).await.unwrap();

        assert_eq!(run.result().await.unwrap(), 3);
        assert_eq!(store.status(&id, "application_version").await, version);
    }

    /// Rules: V6, V7
    async fn a_pinned_workflow_continues_its_runs_with_other_code(store: Store) {
        let id = interrupted::<pinned::changing>(&store, async |durable, id| {
            drop(pinned::changing(durable, 2).id(id).start().await.unwrap());
        })
        .await;
        gate(&id).open();

        let durable = open(&store).register::<pinned_and_changed::changing>().launch().await.unwrap();
        let run = durable.retrieve::<pinned_and_changed::changing>(&id).await.unwrap();

        assert_eq!(run.result().await.unwrap(), 3);
        assert_eq!(counted(&format!("{id}/changed")), 1, "the new code ran");
        assert_eq!(counted(&format!("{id}/1")), 1, "over the old record");
    }
}
