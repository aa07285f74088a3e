//! Foreign waits are told: what ends by them, and what the report says.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Error, ForeignWakes, join};
use durable_tests::gates::gate;
use durable_tests::logs;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use futures_util::FutureExt;
use futures_util::future::Either;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot;

use super::unseen;

const GUARD: &str = "durable_runtime::guard";

#[step]
async fn work(ctx: StepContext, number: u32) -> Result<u32, Error> {
    count(format!("{}/{number}", ctx.workflow_id()));
    Ok(number)
}

#[step]
async fn hold(ctx: StepContext) -> Result<u32, Error> {
    gate(format!("{}/held", ctx.workflow_id())).pass().await;
    Ok(7)
}

#[step]
async fn says(_ctx: StepContext, channel: oneshot::Sender<u32>) -> Result<u32, Error> {
    tokio::task::yield_now().await;
    Ok(channel.send(5).map_or(0, |()| 1))
}

/// Waits until a thread of its own wakes it.
fn nudge() -> impl Future<Output = ()> {
    let (mut begun, woke) = (false, Arc::new(AtomicBool::new(false)));
    poll_fn(move |context| {
        if woke.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut begun, true) {
            let (waker, woke) = (context.waker().clone(), Arc::clone(&woke));
            thread::spawn(move || {
                // Before it is over, so that no other wake-up can end the wait in its place.
                waker.wake_by_ref();
                woke.store(true, Ordering::SeqCst);
                waker.wake();
            });
        }
        Poll::Pending
    })
}

async fn dozes(_ctx: &WorkflowContext) {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits for a timer of tokio's.
#[workflow]
async fn timer(ctx: WorkflowContext) -> Result<u32, Error> {
    let one = work(&ctx, 1).await?;
    dozes(&ctx).await;
    Ok(one + work(&ctx, 2).await?)
}
const TIMER_LINE: u32 = line!() - 5;

/// The same, put right.
mod mended {
    use super::*;

    #[workflow]
    pub async fn timer(ctx: WorkflowContext) -> Result<u32, Error> {
        let one = work(&ctx, 1).await?;
        ctx.sleep(Duration::from_millis(1)).await;
        Ok(one + work(&ctx, 2).await?)
    }
}

/// Waits for a channel that another task writes to.
#[workflow]
async fn channel(ctx: WorkflowContext) -> Result<u32, Error> {
    unseen(&ctx, gate(ctx.workflow_id()).pass()).await;
    work(&ctx, 1).await
}

/// Waits for a thread.
#[workflow]
async fn threads(ctx: WorkflowContext) -> Result<u32, Error> {
    let one = work(&ctx, 1).await?;
    unseen(&ctx, nudge()).await;
    Ok(one)
}

async fn in_a_task(ctx: &WorkflowContext) -> Result<u32, Error> {
    tokio::spawn(work(ctx, 2)).await.unwrap_or(Ok(0))
}

/// Waits for a task that it spawned itself.
#[workflow]
async fn spawns(ctx: WorkflowContext) -> Result<u32, Error> {
    work(&ctx, 1).await?;
    in_a_task(&ctx).await
}

/// Gives its turn away.
#[workflow]
async fn yields(ctx: WorkflowContext) -> Result<u32, Error> {
    work(&ctx, 1).await?;
    unseen(&ctx, tokio::task::yield_now()).await;
    work(&ctx, 2).await
}

/// Waits for a thread while a step runs, which ends after that.
#[workflow]
async fn beside_a_step(ctx: WorkflowContext) -> Result<u32, Error> {
    let one = work(&ctx, 1).await?;
    let (two, ()) = join!(hold(&ctx), async {
        unseen(&ctx, nudge()).await;
        gate(format!("{}/held", ctx.workflow_id())).open();
    });
    Ok(one + two?)
}

async fn in_a_set(ctx: &WorkflowContext) -> Result<u32, Error> {
    let mut all = FuturesUnordered::new();
    all.push(Either::Left(hold(ctx)));
    all.push(Either::Right(nudge().map(|()| Ok(0))));
    let mut sum = 0;
    while let Some(value) = all.next().await {
        sum += value?;
    }
    Ok(sum)
}

/// As before, in a set of futures that gives each of them a waker of its own.
#[workflow]
async fn among_many(ctx: WorkflowContext) -> Result<u32, Error> {
    in_a_set(&ctx).await
}

/// The body of a step writes into a channel of its workflow.
#[workflow]
async fn behind_the_back(ctx: WorkflowContext) -> Result<u32, Error> {
    let (say, hear) = oneshot::channel();
    let (said, heard) = join!(says(&ctx, say), unseen(&ctx, hear));
    Ok(said? + heard.unwrap_or_default())
}

/// Waits at one place three times, and at another once.
#[workflow]
async fn again_and_again(ctx: WorkflowContext) -> Result<u32, Error> {
    for number in 0..3 {
        work(&ctx, number).await?;
        dozes(&ctx).await;
    }
    work(&ctx, 3).await?;
    dozes(&ctx).await;
    Ok(1)
}

/// Is never woken.
#[workflow]
async fn waits_for_ever(ctx: WorkflowContext) -> Result<u32, Error> {
    work(&ctx, 1).await?;
    unseen(&ctx, std::future::pending()).await
}

#[workflow]
async fn parent(ctx: WorkflowContext) -> Result<String, Error> {
    Ok(match timer(&ctx).await {
        Err(Error::ForeignWake { workflow, .. }) => format!("{workflow} was refused"),
        other => format!("{other:?}"),
    })
}

async fn launch(store: &Store, foreign: ForeignWakes) -> Durable {
    logs::keep();
    store
        .open()
        .foreign_wakes(foreign)
        .register::<timer>()
        .register::<channel>()
        .register::<threads>()
        .register::<spawns>()
        .register::<yields>()
        .register::<beside_a_step>()
        .register::<among_many>()
        .register::<behind_the_back>()
        .register::<again_and_again>()
        .register::<waits_for_ever>()
        .register::<parent>()
        .launch()
        .await
        .unwrap()
}

/// Which durable calls the report names.
fn when(result: Result<u32, Error>) -> String {
    match result {
        Err(Error::ForeignWake { when, .. }) => when,
        other => panic!("the workflow was not refused: {other:?}"),
    }
}

on_both_stores! {
    async fn a_timer_is_refused_with_a_text_that_says_where_and_what_instead(store: Store) {
        let id = store.id("wf");
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let error = timer(&durable).id(&id).await.unwrap_err();

        let (line, call) = (TIMER_LINE, TIMER_LINE + 1);
        let text = format!(
            "workflow `timer` (tests/suite/guard/told.rs:{line}, id `{id}`) waits for something that no durable call explains: a timer, a socket, a \
             channel, a lock, a task or a thread. It does so after `work` at tests/suite/guard/told.rs:{call}:15 (work). Nothing of this wait is \
             recorded, so after a crash the workflow may go another way. Put what it waits for into a #[step], or use `ctx.sleep`, `ctx.recv`, \
             `ctx.get_event`, `ctx.spawn`, `join!` or `select!`; then fork the run, which keeps what it recorded"
        );
        assert_eq!(error.to_string(), text);
        assert!(matches!(error, Error::ForeignWake { workflow, .. } if workflow == "timer"));
    }

    async fn what_a_refused_workflow_recorded_stays_and_a_fork_goes_on_with_it(store: Store) {
        let id = store.id("wf");
        let durable = launch(&store, ForeignWakes::Refuse).await;
        drop(timer(&durable).id(&id).await.unwrap_err());
        assert_eq!(store.status(&id, "status").await, "ERROR");
        assert_eq!(store.step_names(&id).await, ["1 work"]);
        durable.shutdown(Duration::ZERO).await;

        let open = store.open().version("2").foreign_wakes(ForeignWakes::Refuse);
        let durable = open.register::<mended::timer>().launch().await.unwrap();
        let fork = durable.client().fork(&id).from_last_failure().start().await.unwrap();
        let result = durable.retrieve::<mended::timer>(&fork).await.unwrap().result().await.unwrap();

        assert_eq!(result, 3);
        assert_eq!(store.step_names(&fork).await, ["1 work", "2 DBOS.sleep", "3 work"]);
        assert_eq!(counted(&format!("{fork}/1")), 0, "the step that was done before");
    }

    async fn a_channel_that_another_task_writes_is_refused(store: Store) {
        let id = store.id("wf");
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(channel(&durable).id(&id).await);

        assert_eq!(when, "before its first durable call was done");
        assert_eq!(store.steps(&id).await.len(), 0);
    }

    async fn a_thread_is_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(threads(&durable).await);

        assert!(when.starts_with("after `work` at "), "{when}");
        assert!(when.ends_with("(work)"), "{when}");
    }

    async fn a_task_of_the_workflows_own_is_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(spawns(&durable).await);

        assert!(when.contains("(work)"), "{when}");
    }

    async fn giving_the_turn_away_is_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(yields(&durable).await);

        assert!(when.ends_with("(work)"), "{when}");
    }

    async fn a_wait_that_never_ends_is_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(waits_for_ever(&durable).await);

        assert!(when.ends_with("(work)"), "{when}");
    }

    async fn a_foreign_wake_beside_a_step_is_refused_and_names_both_calls(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(beside_a_step(&durable).await);

        assert!(when.starts_with("after `work` at "), "{when}");
        assert!(when.contains(", beside `hold` at "), "{when}");
    }

    async fn a_foreign_wake_among_futures_with_wakers_of_their_own_is_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(among_many(&durable).await);

        assert!(when.starts_with("before its first durable call was done, beside `hold` at "), "{when}");
    }

    async fn a_step_that_wakes_its_workflow_behind_its_back_is_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        let when = when(behind_the_back(&durable).await);

        assert!(when.contains("`says` at "), "{when}");
    }

    async fn a_parent_sees_that_its_child_was_refused(store: Store) {
        let durable = launch(&store, ForeignWakes::Refuse).await;

        assert_eq!(parent(&durable).await.unwrap(), "timer was refused");
    }

    async fn a_warning_is_logged_once_for_each_place_and_the_workflow_goes_on(store: Store) {
        let id = store.id("wf");
        let durable = launch(&store, ForeignWakes::Warn).await;

        again_and_again(&durable).id(&id).await.unwrap();

        let told = logs::about(GUARD, &id);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("waits for something that no durable call explains"), "{}", told[0]);
        assert!(told[0].contains("(for#1/work)"), "{}", told[0]);
        assert!(told[1].contains("(work)"), "{}", told[1]);
    }

    async fn every_kind_of_foreign_wait_is_warned_of_once(store: Store) {
        let durable = launch(&store, ForeignWakes::Warn).await;
        let ids = ["timer", "channel", "threads", "spawns", "yields", "behind", "beside"].map(|name| store.id(name));
        let [first, second, third, fourth, fifth, sixth, last] = &ids;
        gate(second).open();

        timer(&durable).id(first).await.unwrap();
        channel(&durable).id(second).await.unwrap();
        threads(&durable).id(third).await.unwrap();
        spawns(&durable).id(fourth).await.unwrap();
        yields(&durable).id(fifth).await.unwrap();
        behind_the_back(&durable).id(sixth).await.unwrap();
        beside_a_step(&durable).id(last).await.unwrap();

        let told = ids.each_ref().map(|id| logs::about(GUARD, id).len());
        // The gate of the second was open: nothing was waited for.
        assert_eq!(told, [1, 0, 1, 1, 1, 1, 1]);
    }

    async fn nothing_is_looked_for_when_told_so(store: Store) {
        let id = store.id("wf");
        let durable = launch(&store, ForeignWakes::Ignore).await;

        assert_eq!(timer(&durable).id(&id).await.unwrap(), 3);

        assert_eq!(logs::about(GUARD, &id), Vec::<String>::new());
    }

    async fn a_debug_build_refuses_unless_told_otherwise(store: Store) {
        let durable = Durable::open(store.url()).register::<timer>().launch().await.unwrap();

        let refused = timer(&durable).await;

        assert_eq!(refused.is_err(), cfg!(debug_assertions), "{refused:?}");
    }
}
