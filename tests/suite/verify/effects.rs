//! A dry run has no effect, whatever call it comes to.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::testing::{ReplayOutcome, verify_replay};
use durable_runtime::{
    Builder, Client, Error, Message, Schedule, ScheduleFilter, WorkflowFilter, join, select,
};
use durable_tests::store::Store;
use durable_tests::tally::{count, counted};

const LONG: Duration = Duration::from_secs(3600);
const WORK: Queue = Queue::new("work");

#[step]
async fn act(ctx: StepContext) -> anyhow::Result<u32> {
    count(format!("ran {}", ctx.workflow_id()));
    Ok(1)
}

#[step(pure)]
async fn think(ctx: StepContext) -> anyhow::Result<u32> {
    count(format!("ran {}", ctx.workflow_id()));
    Ok(1)
}

#[transaction]
async fn book(ctx: TransactionContext) -> anyhow::Result<u32> {
    count(format!("ran {}", ctx.workflow_id()));
    Ok(1)
}

#[workflow]
async fn child(ctx: WorkflowContext) -> anyhow::Result<u32> {
    act(&ctx).await
}

/// Makes the one call that it is asked for. What it does to others it does to `target`.
#[workflow]
async fn calls(ctx: WorkflowContext, kind: String, target: String) -> anyhow::Result<()> {
    let own = ctx.workflow_id().to_owned();
    let (id, to) = (own.as_str(), target.as_str());
    let schedule = format!("schedule of {id}");
    match kind.as_str() {
        "step" => drop(act(&ctx).await?),
        "pure step" => drop(think(&ctx).await?),
        "transaction" => drop(book(&ctx).await?),
        "sleep" => ctx.sleep(Duration::from_millis(5)).await,
        "child" => drop(child(&ctx).await?),
        "started child" => drop(child(&ctx).start().await?),
        "queued child" => drop(child(&ctx).queue(&WORK).start().await?),
        "debounced child" => drop(
            child(&ctx)
                .debounce("key", Duration::from_millis(1))
                .start()
                .await?,
        ),
        "enqueued child" => drop(ctx.enqueue("child", "work").start::<u32>().await?),
        "awaited handle" => drop(child(&ctx).start().await?.result().await?),
        "cancelled handle" => child(&ctx).id(to).start().await?.cancel().await?,
        "resumed handle" => drop(child(&ctx).id(to).start().await?.resume().await?),
        "send" => ctx.send(to, None, &1).await?,
        "send bulk" => ctx.send_bulk([Message::new(to, &1)?]).await?,
        "recv" => drop(ctx.recv::<u32>(None, Duration::from_millis(1)).await?),
        "set event" => ctx.set_event("k", &1).await?,
        "get event" => drop(
            ctx.get_event::<u32>(to, "k", Duration::from_millis(1))
                .await?,
        ),
        "all events" => drop(ctx.all_events(to).await?),
        "write stream" => ctx.write_stream("s", &1).await?,
        "close stream" => ctx.close_stream("s").await?,
        "read stream" => drop(ctx.read_stream::<u32>(to, "s").next().await?),
        "read stream offset" => match ctx.read_stream_offset::<u32>(to, "s", 0, Some(LONG)).await {
            Ok(_) | Err(Error::StreamTimedOut { .. }) => {}
            Err(error) => return Err(error.into()),
        },
        "patch" => {
            if ctx.patch("p") {
                act(&ctx).await?;
            }
        }
        "deprecated patch" => {
            ctx.deprecate_patch("p");
            act(&ctx).await?;
        }
        "select" => drop(select! { &ctx; one = act(&ctx) => one?, () = ctx.sleep(LONG) => 0 }),
        "join" => drop(join!(act(&ctx), think(&ctx))),
        "wait first" => drop(ctx.wait_first([to]).await?),
        "cancel" => ctx.cancel_workflow(to).await?,
        "cancel with children" => ctx.cancel_workflow_with_children(to).await?,
        "resume" => ctx.resume_workflow(to).await?,
        "fork" => drop(ctx.fork_workflow(to).start().await?),
        "rewind" => ctx.rewind_workflow(to).start().await?,
        "delete" => ctx.delete_workflow("nobody").await?,
        "delete with children" => ctx.delete_workflow_with_children("nobody").await?,
        "delay" => ctx.set_workflow_delay(to, LONG).await?,
        "attributes" => ctx.set_attributes(to, serde_json::json!({"a": 1})).await?,
        "merged attributes" => {
            ctx.merge_attributes(to, serde_json::json!({"b": 1}))
                .await?
        }
        "cleared attributes" => ctx.clear_attributes(to).await?,
        "status" => drop(ctx.workflow_status(to).await?),
        "list" => drop(ctx.list_workflows(WorkflowFilter::new().ids([to])).await?),
        "list queued" => drop(
            ctx.list_queued_workflows(WorkflowFilter::new().ids([to]))
                .await?,
        ),
        "list steps" => drop(ctx.list_workflow_steps(to).await?),
        "create schedule" => {
            let never = Schedule::new(schedule)
                .cron("0 0 29 2 *")
                .workflow_name("child");
            ctx.create_schedule(never).await?;
        }
        "get schedule" => drop(ctx.get_schedule(schedule).await?),
        "list schedules" => drop(ctx.list_schedules(ScheduleFilter::new()).await?),
        "pause schedule" => ctx.pause_schedule(schedule).await?,
        "resume schedule" => ctx.resume_schedule(schedule).await?,
        "delete schedule" => ctx.delete_schedule(schedule).await?,
        other => anyhow::bail!("{other}"),
    }
    Ok(())
}

/// Each kind of call, with the name of what it begins with.
const KINDS: &[(&str, &str)] = &[
    ("step", "act"),
    ("pure step", "think"),
    ("transaction", "book"),
    ("sleep", "DBOS.sleep"),
    ("child", "child"),
    ("started child", "child"),
    ("queued child", "child"),
    ("debounced child", "DBOS.debounce_delayed_workflow"),
    ("enqueued child", "child"),
    ("awaited handle", "child"),
    ("cancelled handle", "child"),
    ("resumed handle", "child"),
    ("send", "DBOS.send"),
    ("send bulk", "DBOS.send_bulk"),
    ("recv", "DBOS.recv"),
    ("set event", "DBOS.setEvent"),
    ("get event", "DBOS.getEvent"),
    ("all events", "DBOS.get_events"),
    ("write stream", "DBOS.writeStream"),
    ("close stream", "DBOS.closeStream"),
    ("read stream", "DBOS.readStream"),
    ("read stream offset", "DBOS.readStreamOffset"),
    ("patch", "act"),
    ("deprecated patch", "act"),
    ("select", "act"),
    ("join", "act"),
    ("wait first", "DBOS.waitFirst"),
    ("cancel", "DBOS.cancelWorkflow"),
    ("cancel with children", "DBOS.cancelWorkflow"),
    ("resume", "DBOS.resumeWorkflow"),
    ("fork", "DBOS.forkWorkflow"),
    ("rewind", "DBOS.rewindWorkflow"),
    ("delete", "DBOS.deleteWorkflow"),
    ("delete with children", "DBOS.deleteWorkflow"),
    ("delay", "DBOS.setWorkflowDelay"),
    ("attributes", "DBOS.updateWorkflowAttributes"),
    ("merged attributes", "DBOS.updateWorkflowAttributes"),
    ("cleared attributes", "DBOS.updateWorkflowAttributes"),
    ("status", "DBOS.getStatus"),
    ("list", "DBOS.listWorkflows"),
    ("list queued", "DBOS.listQueuedWorkflows"),
    ("list steps", "DBOS.listWorkflowSteps"),
    ("create schedule", "DBOS.createSchedule"),
    ("get schedule", "DBOS.getSchedule"),
    ("list schedules", "DBOS.listSchedules"),
    ("pause schedule", "DBOS.pauseSchedule"),
    ("resume schedule", "DBOS.resumeSchedule"),
    ("delete schedule", "DBOS.deleteSchedule"),
];

fn program(store: &Store) -> Builder {
    store
        .open()
        .register::<calls>()
        .register::<child>()
        .queue(&WORK)
}

on_both_stores! {
    async fn a_call_without_a_record_does_not_begin_whatever_it_is(store: Store) {
        let durable = program(&store).launch().await.unwrap();
        child(&durable).id("target").await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        let client = Client::connect(store.url()).await.unwrap();
        for (kind, _) in KINDS {
            // On a queue that nobody serves, so that nothing is recorded.
            let call = client.enqueue("calls", "unserved").id(format!("open {kind}"));
            drop(call.arg(kind).arg("target").start::<()>().await.unwrap());
        }
        let before = store.dump().await;

        let report = verify_replay(program(&store), WorkflowFilter::new().name("calls")).await.unwrap();

        assert_eq!(store.dump().await, before);
        assert_eq!(report.runs.len(), KINDS.len());
        for (kind, begins_with) in KINDS {
            let id = format!("open {kind}");
            assert_eq!(counted(&format!("ran {id}")), 0, "{kind}");
            let run = report.runs.iter().find(|run| run.workflow_id == id).unwrap();
            let ReplayOutcome::Continues { call, unread: 0 } = &run.outcome else { panic!("{kind}: {run}") };
            assert_eq!(call.name, *begins_with, "{kind}");
            assert!(call.place.starts_with("tests/suite/verify/effects.rs:"), "{kind}: {}", call.place);
        }
        assert!(report.is_clean(), "{report}");
    }

    async fn every_kind_of_call_is_followed_to_its_end(store: Store) {
        let durable = program(&store).launch().await.unwrap();
        for (kind, _) in KINDS {
            let target = format!("target of {kind}");
            child(&durable).id(&target).await.unwrap();
            let run = calls(&durable, (*kind).to_owned(), target).id(format!("done {kind}"));
            run.await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        store.becomes("SELECT count(*) FROM workflow_status WHERE status <> 'SUCCESS'", &[], 0).await;
        durable.shutdown(Duration::ZERO).await;
        let before = store.dump().await;
        let ran: Vec<_> = KINDS.iter().map(|(kind, _)| counted(&format!("ran done {kind}"))).collect();

        let report = verify_replay(program(&store), WorkflowFilter::new()).await.unwrap();

        assert_eq!(store.dump().await, before);
        for run in &report.runs {
            assert!(matches!(run.outcome, ReplayOutcome::Agrees), "{run}");
        }
        assert!(report.runs.len() > KINDS.len() * 2, "children and forks are followed too");
        let again: Vec<_> = KINDS.iter().map(|(kind, _)| counted(&format!("ran done {kind}"))).collect();
        assert_eq!(again, ran);
    }

    async fn a_living_executor_notices_nothing(store: Store) {
        let durable = program(&store).launch().await.unwrap();
        child(&durable).id("target").await.unwrap();
        let lease = store.row("SELECT lease_token, started_at_epoch_ms FROM durable_executors", &[]).await;

        let report = verify_replay(program(&store), WorkflowFilter::new()).await.unwrap();

        assert!(report.is_clean(), "{report}");
        assert_eq!(store.row("SELECT lease_token, started_at_epoch_ms FROM durable_executors", &[]).await, lease);
        child(&durable).id("after").await.unwrap();
    }

    async fn a_database_without_workflows_is_not_made(store: Store) {
        let error = verify_replay(program(&store), WorkflowFilter::new()).await.unwrap_err();

        assert!(!error.to_string().is_empty());
        if let Some(path) = store.path() {
            assert!(!path.exists(), "{error}");
        } else {
            assert_eq!(store.dump().await, Vec::<String>::new(), "{error}");
        }
    }
}
