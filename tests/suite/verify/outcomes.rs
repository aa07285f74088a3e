//! What a dry run tells of each run.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::testing::{ReplayOutcome, ReplayReport, verify_replay};
use durable_runtime::{Builder, Client, Error, Status, WorkflowFilter, join, select};
use durable_tests::gates::gate;
use durable_tests::store::Store;

#[step]
async fn one(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[step]
async fn two(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(2)
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<u32> {
    gate(ctx.workflow_id()).pass().await;
    Ok(0)
}

/// Two versions of a program.
mod v1 {
    use super::*;

    #[workflow]
    pub async fn stays(ctx: WorkflowContext) -> anyhow::Result<u32> {
        Ok(one(&ctx).await? + two(&ctx).await? + hold(&ctx).await?)
    }

    #[workflow]
    pub async fn turns(ctx: WorkflowContext, early: bool) -> anyhow::Result<u32> {
        let sum = one(&ctx).await?;
        if early {
            return Ok(sum);
        }
        Ok(sum + two(&ctx).await? + hold(&ctx).await?)
    }

    #[workflow]
    pub async fn grows(ctx: WorkflowContext) -> anyhow::Result<u32> {
        Ok(one(&ctx).await? + hold(&ctx).await?)
    }

    #[workflow]
    pub async fn retypes(ctx: WorkflowContext, n: u32) -> anyhow::Result<u32> {
        Ok(n + one(&ctx).await?)
    }

    #[workflow]
    pub async fn goes(ctx: WorkflowContext) -> anyhow::Result<u32> {
        Ok(one(&ctx).await? + hold(&ctx).await?)
    }

    #[workflow]
    pub async fn breaks(ctx: WorkflowContext) -> anyhow::Result<u32> {
        one(&ctx).await
    }

    #[workflow]
    pub async fn fails(ctx: WorkflowContext) -> anyhow::Result<u32> {
        one(&ctx).await?;
        anyhow::bail!("out of paper")
    }

    #[workflow]
    pub async fn panics(ctx: WorkflowContext) -> anyhow::Result<u32> {
        assert_eq!(one(&ctx).await?, 2, "no good");
        Ok(1)
    }

    pub fn program(store: &Store) -> Builder {
        let program = store
            .open()
            .register::<stays>()
            .register::<turns>()
            .register::<grows>();
        let program = program
            .register::<retypes>()
            .register::<goes>()
            .register::<breaks>();
        program.register::<fails>().register::<panics>()
    }
}

mod v2 {
    use super::*;

    #[workflow]
    pub async fn turns(ctx: WorkflowContext, early: bool) -> anyhow::Result<u32> {
        let sum = one(&ctx).await?;
        if early {
            return Ok(sum);
        }
        Ok(sum + hold(&ctx).await? + two(&ctx).await?)
    }

    #[workflow]
    pub async fn grows(ctx: WorkflowContext) -> anyhow::Result<u32> {
        Ok(one(&ctx).await? + hold(&ctx).await? + two(&ctx).await?)
    }

    pub const TWO: u32 = line!() - 3;

    #[workflow]
    pub async fn retypes(ctx: WorkflowContext, n: String) -> anyhow::Result<u32> {
        Ok(u32::try_from(n.len())? + one(&ctx).await?)
    }

    #[workflow]
    pub async fn breaks(ctx: WorkflowContext) -> anyhow::Result<u32> {
        Ok(one(&ctx).await? + 10)
    }

    #[workflow]
    pub async fn fails(ctx: WorkflowContext) -> anyhow::Result<u32> {
        assert_eq!(one(&ctx).await?, 2, "no paper");
        Ok(1)
    }

    pub fn program(store: &Store) -> Builder {
        let program = store
            .open()
            .version("2")
            .register::<v1::stays>()
            .register::<turns>();
        let program = program
            .register::<grows>()
            .register::<retypes>()
            .register::<breaks>();
        program.register::<fails>().register::<v1::panics>()
    }
}

/// Runs of all workflows of version 1, some of them interrupted.
async fn recorded(store: &Store) {
    let durable = v1::program(store).launch().await.unwrap();
    let held = ["stays open", "turns open", "grows open", "goes open"];
    drop(v1::stays(&durable).id(held[0]).start().await.unwrap());
    drop(
        v1::turns(&durable, false)
            .id(held[1])
            .start()
            .await
            .unwrap(),
    );
    drop(v1::grows(&durable).id(held[2]).start().await.unwrap());
    drop(v1::goes(&durable).id(held[3]).start().await.unwrap());
    for id in held {
        gate(id).reached().await;
    }
    for id in ["stays done", "turns done", "grows done", "goes done"] {
        gate(id).open();
    }
    v1::stays(&durable).id("stays done").await.unwrap();
    v1::turns(&durable, false).id("turns done").await.unwrap();
    v1::turns(&durable, true).id("turns early").await.unwrap();
    v1::grows(&durable).id("grows done").await.unwrap();
    v1::goes(&durable).id("goes done").await.unwrap();
    v1::retypes(&durable, 5).id("retypes done").await.unwrap();
    v1::breaks(&durable).id("breaks done").await.unwrap();
    v1::fails(&durable).id("fails done").await.unwrap_err();
    v1::panics(&durable).id("panics done").await.unwrap_err();
    durable.shutdown(Duration::ZERO).await;
}

fn of<'r>(report: &'r ReplayReport, id: &str) -> &'r ReplayOutcome {
    let run = report.runs.iter().find(|run| run.workflow_id == id);
    &run.unwrap_or_else(|| panic!("{id} is not in {report}"))
        .outcome
}

static ASKED: AtomicU32 = AtomicU32::new(0);

/// Waits for a channel, which is no durable call.
#[workflow]
async fn listens(_ctx: WorkflowContext) -> anyhow::Result<u32> {
    if ASKED.fetch_add(1, Ordering::SeqCst) == 0 {
        return Ok(1);
    }
    let (_sender, receiver) = tokio::sync::oneshot::channel::<u32>();
    #[allow_nondeterminism(reason = "what comes of it is what the test is about")]
    Ok(receiver.await.unwrap_or(std::future::pending().await))
}

#[workflow]
async fn sleeps(ctx: WorkflowContext) -> anyhow::Result<u32> {
    ctx.sleep(Duration::from_secs(3600)).await;
    one(&ctx).await
}

#[workflow]
async fn at_once(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let (a, b, c) = join!(one(&ctx), hold(&ctx), two(&ctx));
    Ok(a? + b? + c?)
}

#[workflow]
async fn races(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let won = select! { &ctx; a = one(&ctx) => a?, b = hold(&ctx) => b? };
    Ok(won + two(&ctx).await? + hold(&ctx).await?)
}

#[workflow(roles("admin"))]
async fn guarded(ctx: WorkflowContext) -> anyhow::Result<u32> {
    one(&ctx).await
}

on_both_stores! {
    async fn unchanged_code_is_at_odds_with_nothing(store: Store) {
        recorded(&store).await;

        let report = verify_replay(v1::program(&store), WorkflowFilter::new()).await.unwrap();

        assert!(report.is_clean(), "{report}");
        let (go_on, agree): (Vec<_>, Vec<_>) = report.runs.iter().partition(|run| run.workflow_id.ends_with("open"));
        assert_eq!((go_on.len(), agree.len()), (4, 9));
        assert!(agree.iter().all(|run| matches!(run.outcome, ReplayOutcome::Agrees)), "{report}");
        for run in go_on {
            assert!(matches!(&run.outcome, ReplayOutcome::Continues { call, unread: 0 } if call.name == "hold"), "{run}");
        }
    }

    async fn exactly_the_runs_that_would_diverge_are_listed(store: Store) {
        recorded(&store).await;
        let before = store.dump().await;

        let report = verify_replay(v2::program(&store), WorkflowFilter::new()).await.unwrap();

        assert_eq!(store.dump().await, before);
        let mut diverging: Vec<_> = report.diverging().map(|run| run.workflow_id.as_str()).collect();
        diverging.sort_unstable();
        assert_eq!(diverging, ["turns done", "turns open"]);
        let ReplayOutcome::Diverges { error: Error::UnexpectedStep(divergence) } = of(&report, "turns open") else {
            panic!("{report}")
        };
        assert_eq!((divergence.position, divergence.recorded.as_str(), divergence.version.as_str()), (2, "two", "2"));
        assert_eq!(divergence.recorded_by.as_ref().map(|by| by.version.as_str()), Some("1"));
        assert!(!report.is_clean());
    }

    async fn each_other_outcome_is_told(store: Store) {
        recorded(&store).await;

        let report = verify_replay(v2::program(&store), WorkflowFilter::new()).await.unwrap();

        for id in ["stays done", "turns early", "panics done"] {
            assert!(matches!(of(&report, id), ReplayOutcome::Agrees), "{id} in {report}");
        }
        assert!(matches!(of(&report, "grows open"), ReplayOutcome::Continues { call, .. } if call.name == "hold"));
        let ReplayOutcome::Continues { call, .. } = of(&report, "grows done") else { panic!("{report}") };
        assert_eq!((call.position, call.name.as_str()), (3, "two"));
        assert!(call.place.starts_with(&format!("tests/suite/verify/outcomes.rs:{}:", v2::TWO)), "{call:?}");
        let ReplayOutcome::Unreadable { error } = of(&report, "retypes done") else { panic!("{report}") };
        assert!(error.to_string().contains("argument"), "{error}");
        let ReplayOutcome::OutcomeDiffers { recorded, now } = of(&report, "breaks done") else { panic!("{report}") };
        assert_eq!((recorded.to_string(), now.to_string()), (r#"{"output":1}"#.into(), r#"{"output":11}"#.into()));
        assert!(matches!(of(&report, "fails done"), ReplayOutcome::Panicked { message } if message.contains("no paper")));
        for id in ["goes done", "goes open"] {
            assert!(matches!(of(&report, id), ReplayOutcome::NotRegistered { .. }), "{id} in {report}");
        }
        let mut unclean: Vec<_> = report.unclean().map(|run| run.workflow_id.as_str()).collect();
        unclean.sort_unstable();
        assert_eq!(
            unclean,
            ["breaks done", "fails done", "goes open", "grows done", "retypes done", "turns done", "turns open"],
        );
    }

    async fn a_report_is_a_table_and_what_there_is_to_say(store: Store) {
        recorded(&store).await;
        let filter = WorkflowFilter::new().name("stays").name("grows").name("breaks");

        let report = verify_replay(v2::program(&store), filter).await.unwrap();

        let line = v2::TWO;
        let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(report.to_string()), lines(format!("\
workflow     runs    agree    go on  diverge    other
breaks          1        0        0        0        1
grows           2        0        2        0        0
stays           2        1        1        0        0

grows (grows done, SUCCESS, version 1) would go on with `two` at tests/suite/verify/outcomes.rs:{line}:51 (position 3)

breaks (breaks done, SUCCESS, version 1) ends differently:
  recorded: {{\"output\":1}}
  now:      {{\"output\":11}}

2 runs of 5 are at odds with this code.")));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["runs"].as_array().unwrap().len(), 5);
        assert!(json["runs"].as_array().unwrap().iter().any(|run| run["outcome"] == "outcome_differs"), "{json}");
    }

    async fn a_sleep_that_is_not_over_is_where_a_run_has_come_to(store: Store) {
        let open = || store.open().register::<sleeps>();
        let durable = open().launch().await.unwrap();
        drop(sleeps(&durable).id("asleep").start().await.unwrap());
        store.becomes("SELECT count(*) FROM operation_outputs", &[], 1).await;
        durable.shutdown(Duration::ZERO).await;

        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();
        assert!(matches!(of(&report, "asleep"), ReplayOutcome::Continues { call, .. } if call.name == "DBOS.sleep"));

        store.execute("UPDATE operation_outputs SET output = '1.0'", &[]).await;
        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();
        assert!(matches!(of(&report, "asleep"), ReplayOutcome::Continues { call, .. } if call.name == "one"));
    }

    async fn calls_side_by_side_are_all_compared(store: Store) {
        let open = || store.open().register::<at_once>();
        let durable = open().launch().await.unwrap();
        drop(at_once(&durable).id("joined").start().await.unwrap());
        gate("joined").reached().await;
        store.becomes("SELECT count(*) FROM operation_outputs", &[], 2).await;
        durable.shutdown(Duration::ZERO).await;

        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();
        assert!(matches!(of(&report, "joined"), ReplayOutcome::Continues { call, unread: 0 } if call.name == "hold"));

        store.execute("UPDATE operation_outputs SET function_name = 'other' WHERE function_id = 3", &[]).await;
        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();
        assert!(matches!(of(&report, "joined"), ReplayOutcome::Diverges { .. }), "{report}");
    }

    async fn a_race_is_followed_with_and_without_its_record(store: Store) {
        let open = || store.open().register::<races>();
        let durable = open().launch().await.unwrap();
        drop(races(&durable).id("raced").start().await.unwrap());
        gate("raced").reached().await;
        store.becomes("SELECT count(*) FROM operation_outputs", &[], 3).await;
        durable.shutdown(Duration::ZERO).await;
        assert_eq!(store.step_names("raced").await, ["1 one", "3 DBOS.asyncio_wait", "4 two"]);

        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();
        assert!(matches!(of(&report, "raced"), ReplayOutcome::Continues { call, .. } if call.position == 5), "{report}");

        store.execute("DELETE FROM operation_outputs WHERE function_id >= 3", &[]).await;
        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();
        assert!(matches!(of(&report, "raced"), ReplayOutcome::Continues { call, .. } if call.position == 4), "{report}");
    }

    async fn what_was_cancelled_and_what_may_not_run_is_told(store: Store) {
        let open = || store.open().register::<v1::stays>().register::<guarded>();
        let durable = open().launch().await.unwrap();
        drop(v1::stays(&durable).id("cancelled").start().await.unwrap());
        gate("cancelled").reached().await;
        durable.client().cancel("cancelled").await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        let client = Client::connect(store.url()).await.unwrap();
        drop(client.enqueue("guarded", "unserved").id("refused").start::<u32>().await.unwrap());

        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();

        assert!(matches!(of(&report, "cancelled"), ReplayOutcome::Continues { .. }), "{report}");
        let ReplayOutcome::Refused { error } = of(&report, "refused") else { panic!("{report}") };
        assert!(error.to_string().contains("`admin`"), "{error}");
    }

    async fn code_that_waits_for_something_else_is_given_up(store: Store) {
        let open = || store.open().register::<listens>();
        ASKED.store(0, Ordering::SeqCst);
        let durable = open().launch().await.unwrap();
        listens(&durable).id("listens").await.unwrap();
        durable.shutdown(Duration::ZERO).await;

        let report = verify_replay(open(), WorkflowFilter::new()).await.unwrap();

        assert!(matches!(of(&report, "listens"), ReplayOutcome::Stuck), "{report}");
    }

    async fn many_runs_are_looked_at_each_once_in_the_order_asked_for(store: Store) {
        let durable = store.open().register::<v1::breaks>().launch().await.unwrap();
        let runs = (0..50).map(|n| {
            let durable = &durable;
            async move { v1::breaks(durable).id(format!("run {n:02}")).await.unwrap() }
        });
        futures_util::future::join_all(runs).await;
        durable.shutdown(Duration::ZERO).await;
        // Many of one moment, more than fit on a page.
        store.execute("UPDATE workflow_status SET created_at = 1000 WHERE workflow_uuid < 'run 30'", &[]).await;
        let verify = |filter| verify_replay(store.open().register::<v1::breaks>(), filter);
        let ids = |report: ReplayReport| report.runs.into_iter().map(|run| run.workflow_id).collect::<Vec<_>>();

        let mut oldest = ids(verify(WorkflowFilter::new()).await.unwrap());
        let newest = ids(verify(WorkflowFilter::new().newest_first()).await.unwrap());

        oldest.reverse();
        assert_eq!(oldest, newest);
        oldest.sort_unstable();
        oldest.dedup();
        assert_eq!(oldest.len(), 50);
        let some = ids(verify(WorkflowFilter::new().limit(20)).await.unwrap());
        assert_eq!(some.len(), 20);
        let rest = ids(verify(WorkflowFilter::new().offset(20).status(Status::Success)).await.unwrap());
        assert_eq!(rest.len(), 30);
        assert!(rest.iter().all(|id| !some.contains(id)));
    }
}
