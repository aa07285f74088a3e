//! What is no foreign wait: durable calls of every kind, in every combination, and what their bodies wait for.

use std::thread;
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{
    ForeignWakes, Message, Schedule, ScheduleFilter, WorkflowFilter, join, select,
};
use durable_tests::gates::gate;
use durable_tests::logs;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::unseen;

const GUARD: &str = "durable_runtime::guard";
const LINE: Queue = Queue::new("line").polling_interval(Duration::from_millis(10));
const SOON: Duration = Duration::from_millis(20);

#[step]
async fn ready(ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    count(format!("{}/ready", ctx.workflow_id()));
    Ok(number)
}

#[step(pure)]
async fn pure(_ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    tokio::task::yield_now().await;
    Ok(number)
}

#[step(pure)]
async fn quick(_ctx: StepContext, number: usize) -> anyhow::Result<usize> {
    Ok(number)
}

/// Waits for a timer, a socket, a channel, a task and a thread.
#[step]
async fn waits_for_everything(_ctx: StepContext) -> anyhow::Result<usize> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await?;
        socket.write_all(b"hello").await
    });
    let mut text = String::new();
    let mut socket = TcpStream::connect(address).await?;
    socket.read_to_string(&mut text).await?;
    task.await??;
    let (say, hear) = oneshot::channel();
    let (tell, mut listen) = mpsc::channel(1);
    thread::spawn(move || say.send(1));
    tokio::spawn(async move { tell.send(2).await });
    let heard = hear.await? + listen.recv().await.unwrap_or_default();
    tokio::task::yield_now().await;
    Ok(text.len() + heard)
}

/// Fails twice, with a wait after each.
#[step(max_attempts = 3, interval = "1ms", timeout = "30s")]
async fn unsteady(ctx: StepContext, key: String) -> anyhow::Result<usize> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let runs = count(format!("{}/{key}", ctx.workflow_id()));
    anyhow::ensure!(runs > 2, "not yet");
    Ok(runs)
}

#[transaction]
async fn writes(ctx: TransactionContext) -> anyhow::Result<usize> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(ctx.workflow_id().len())
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<usize> {
    gate(ctx.workflow_id()).pass().await;
    Ok(7)
}

#[workflow]
async fn child(ctx: WorkflowContext) -> anyhow::Result<usize> {
    waits_for_everything(&ctx).await
}

#[workflow]
async fn nightly(_ctx: WorkflowContext, due: String, _context: Json) -> anyhow::Result<String> {
    Ok(due)
}

#[workflow]
async fn sleeper(ctx: WorkflowContext) -> anyhow::Result<usize> {
    ctx.sleep(Duration::from_secs(3600)).await;
    Ok(0)
}

type Call<'c> = BoxFuture<'c, anyhow::Result<()>>;

/// A call without its value.
fn plain<'c, T, E: Into<anyhow::Error>>(
    call: impl Future<Output = Result<T, E>> + Send + 'c,
) -> Call<'c> {
    call.map(|done| done.map(drop).map_err(Into::into)).boxed()
}

/// A call that cannot fail.
fn sure<'c, T>(call: impl Future<Output = T> + Send + 'c) -> Call<'c> {
    call.map(|_| Ok(())).boxed()
}

/// One call of every kind that needs no other, each already in its place.
fn calls(ctx: &WorkflowContext) -> Vec<Call<'_>> {
    let itself = ctx.workflow_id();
    let name = format!("{itself}/nightly");
    let schedule = Schedule::new(&name)
        .cron("0 0 0 1 1 * 2099")
        .workflow::<nightly>();
    let message = Message::new(itself, &2).unwrap().topic("bulk");
    vec![
        plain(ready(ctx, 1)),
        plain(pure(ctx, 1)),
        plain(waits_for_everything(ctx)),
        plain(unsteady(ctx, "one".into())),
        plain(writes(ctx)),
        plain(child(ctx)),
        plain(child(ctx).start()),
        plain(child(ctx).queue(&LINE)),
        plain(child(ctx).queue(&LINE).start()),
        plain(child(ctx).queue(&LINE).debounce("key", SOON).start()),
        plain(ctx.enqueue("elsewhere", "far").arg(&1).start::<usize>()),
        sure(ctx.sleep(SOON)),
        plain(ctx.set_event("known", &1)),
        plain(ctx.get_event::<usize>(itself, "known", SOON)),
        plain(ctx.get_event::<usize>(itself, "unknown", SOON)),
        plain(ctx.all_events(itself)),
        plain(ctx.send(itself, Some("topic"), &1).into_future()),
        plain(ctx.send_bulk([message]).into_future()),
        plain(ctx.recv::<usize>(Some("topic"), SOON)),
        plain(ctx.recv::<usize>(Some("bulk"), SOON)),
        plain(ctx.recv::<usize>(None, SOON)),
        plain(ctx.write_stream("lines", &1)),
        plain(ctx.read_stream_offset::<usize>(itself, "lines", 0, None)),
        plain(ctx.close_stream("lines")),
        plain(ctx.workflow_status(itself)),
        plain(ctx.list_workflows(WorkflowFilter::new())),
        plain(ctx.list_queued_workflows(WorkflowFilter::new())),
        plain(ctx.list_workflow_steps(itself)),
        plain(ctx.set_attributes(itself, json!({"a": 1}))),
        plain(ctx.create_schedule(schedule)),
        plain(ctx.list_schedules(ScheduleFilter::new())),
        plain(ctx.get_schedule(&name)),
        plain(ctx.pause_schedule(&name)),
        plain(ctx.resume_schedule(&name)),
        plain(ctx.delete_schedule(&name)),
        plain(ctx.spawn(waits_for_everything(ctx))),
        sure(ctx.now()),
        sure(ctx.random()),
        sure(ctx.uuid()),
    ]
}

#[workflow]
async fn one_by_one(ctx: WorkflowContext) -> anyhow::Result<()> {
    for call in calls(&ctx) {
        call.await?;
    }
    Ok(())
}

#[workflow]
async fn joined(ctx: WorkflowContext) -> anyhow::Result<()> {
    join_all(calls(&ctx)).await.into_iter().collect()
}

#[workflow]
async fn unordered(ctx: WorkflowContext) -> anyhow::Result<()> {
    let mut calls: FuturesUnordered<_> = calls(&ctx).into_iter().collect();
    while let Some(done) = calls.next().await {
        done?;
    }
    Ok(())
}

/// In pairs, in blocks within blocks.
#[workflow]
#[expect(clippy::redundant_async_block, reason = "the blocks are the point")]
async fn paired(ctx: WorkflowContext) -> anyhow::Result<()> {
    let mut calls = calls(&ctx).into_iter();
    while let Some(one) = calls.next() {
        let two = calls.next();
        let pair = async {
            let (one, two) = tokio::join!(async { one.await }, async {
                match two {
                    Some(two) => async { two.await }.await,
                    None => Ok(()),
                }
            });
            one.and(two)
        };
        pair.await?;
    }
    Ok(())
}

/// Each against a long sleep, which loses, and is dropped while it waits.
#[workflow]
async fn raced(ctx: WorkflowContext) -> anyhow::Result<()> {
    for call in calls(&ctx) {
        select! { &ctx;
            done = call => done?,
            () = ctx.sleep(Duration::from_secs(3600)) => anyhow::bail!("the sleep ended first"),
        }
    }
    Ok(())
}

async fn helper(ctx: &WorkflowContext, target: &str) -> anyhow::Result<()> {
    ctx.cancel_workflow(target).await?;
    ctx.resume_workflow(target).await?;
    ctx.set_workflow_delay(target, SOON).await?;
    Ok(())
}

/// Calls that need each other, some of them in a helper function.
#[workflow]
async fn in_order(ctx: WorkflowContext) -> anyhow::Result<()> {
    let first = sleeper(&ctx).start().await?;
    let second = child(&ctx).start().await?;
    first.status().await?;
    ctx.wait_first([first.workflow_id(), second.workflow_id()])
        .await?;
    second.result().await?;
    helper(&ctx, first.workflow_id()).await?;
    first.cancel().await?;
    assert!(first.result().await.is_err());
    let fork = ctx.fork_workflow(second.workflow_id());
    let fork = fork.version("another").start().await?;
    ctx.rewind_workflow(second.workflow_id())
        .version("another")
        .start()
        .await?;
    ctx.delete_workflow([fork.as_str(), second.workflow_id()])
        .await?;
    ctx.write_stream("lines", &1).await?;
    ctx.close_stream("lines").await?;
    let mut lines = ctx.read_stream::<usize>(ctx.workflow_id(), "lines");
    while lines.next().await?.is_some() {}
    if ctx.patch("patched") {
        ready(&ctx, 1).await?;
    }
    Ok(())
}

#[workflow]
async fn a_thousand(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let done = join_all((0..1000).map(|number| ready(&ctx, number))).await;
    done.into_iter().sum()
}

async fn heard(_ctx: &WorkflowContext, listen: &mut mpsc::Receiver<usize>) -> usize {
    tokio::select! {
        heard = listen.recv() => heard.unwrap_or_default(),
    }
}

/// Of a thousand steps none waits, so the code runs far beyond what tokio lets a task do at once.
#[workflow]
async fn a_long_chain(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let mut sum = 0;
    let (tell, mut listen) = mpsc::channel(1);
    for number in 0..1000 {
        sum += quick(&ctx, number).await?;
        unseen(&ctx, tell.send(number)).await?;
        sum += heard(&ctx, &mut listen).await;
    }
    Ok(sum)
}

/// Two branches tell each other how far they are.
#[workflow]
async fn talks_to_itself(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let (say, hear) = oneshot::channel();
    let (one, two) = join!(
        async {
            let one = waits_for_everything(&ctx).await?;
            say.send(one).ok();
            anyhow::Ok(one)
        },
        unseen(&ctx, hear)
    );
    Ok(one? + two?)
}

#[workflow]
async fn held(ctx: WorkflowContext) -> anyhow::Result<usize> {
    let one = ready(&ctx, 1).await?;
    let (held, pure) = join!(hold(&ctx), pure(&ctx, 1));
    Ok(one + held? + pure?)
}

fn open(store: &Store) -> durable_runtime::Builder {
    logs::keep();
    let open = store.open().foreign_wakes(ForeignWakes::Refuse);
    let open = open
        .queue(&LINE)
        .register::<child>()
        .register::<sleeper>()
        .register::<nightly>();
    open.register::<one_by_one>()
        .register::<joined>()
        .register::<unordered>()
        .register::<paired>()
        .register::<raced>()
        .register::<in_order>()
        .register::<a_thousand>()
        .register::<a_long_chain>()
        .register::<talks_to_itself>()
        .register::<held>()
}

/// The same, where a foreign wait would only be logged.
async fn launch_warning(store: &Store) -> Durable {
    let open = open(store).foreign_wakes(ForeignWakes::Warn);
    open.launch().await.unwrap()
}

/// A workflow that waits in a step.
async fn begin_to_hold(durable: &Durable, id: &str) {
    drop(held(durable).id(id).start().await.unwrap());
    gate(id).reached().await;
}

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    async fn calls_of_every_kind_alone(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        one_by_one(&durable).await.unwrap();
    }

    async fn calls_of_every_kind_joined(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        joined(&durable).await.unwrap();
    }

    async fn calls_of_every_kind_in_a_set_of_futures(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        unordered(&durable).await.unwrap();
    }

    async fn calls_of_every_kind_in_blocks_within_blocks(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        paired(&durable).await.unwrap();
    }

    async fn calls_of_every_kind_against_a_loser(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        raced(&durable).await.unwrap();
    }

    async fn calls_that_manage_other_workflows(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        in_order(&durable).await.unwrap();
    }

    async fn a_thousand_steps_at_once(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        assert_eq!(a_thousand(&durable).await.unwrap(), 499_500);
    }

    async fn a_chain_that_uses_its_turn_up(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        assert_eq!(a_long_chain(&durable).await.unwrap(), 999_000);
    }

    async fn branches_of_a_workflow_that_wake_each_other(store: Store) {
        let durable = open(&store).launch().await.unwrap();

        assert_eq!(talks_to_itself(&durable).await.unwrap(), 16);
    }

    async fn a_shutdown_and_the_replay_after_it(store: Store) {
        let id = store.id("wf");
        let durable = launch_warning(&store).await;
        begin_to_hold(&durable, &id).await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = launch_warning(&store).await;
        let result = durable.retrieve::<held>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(result, 9);
        assert_eq!(counted(&format!("{id}/ready")), 1);
        assert_eq!(logs::about(GUARD, &id), Vec::<String>::new());
    }

    async fn a_cancellation(store: Store) {
        let id = store.id("wf");
        let durable = launch_warning(&store).await;
        begin_to_hold(&durable, &id).await;

        durable.client().cancel([&id]).await.unwrap();
        gate(&id).open();
        durable.shutdown(Duration::from_secs(30)).await;

        assert_eq!(store.status(&id, "status").await, "CANCELLED");
        assert_eq!(logs::about(GUARD, &id), Vec::<String>::new());
    }

    async fn a_takeover(store: Store) {
        let id = store.id("wf");
        let earlier = launch_warning(&store).await;
        begin_to_hold(&earlier, &id).await;

        let later = launch_warning(&store).await;
        gate(&id).reached_by(2).await;
        gate(&id).open();
        let result = later.retrieve::<held>(&id).await.unwrap().result().await.unwrap();
        earlier.shutdown(Duration::from_secs(30)).await;

        assert_eq!(result, 9);
        store.becomes(STATUS, &[&id], "SUCCESS").await;
        assert_eq!(logs::about(GUARD, &id), Vec::<String>::new());
    }
}
