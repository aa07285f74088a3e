//! A workflow whose code does not do what is recorded ends with an error that says all there is to say; and one whose code
//! does, never ends so.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, CodeNow, Error, Workflow, join, select};
use durable_tests::gates::gate;
use durable_tests::store::Store;

#[step]
async fn charge(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[step]
async fn ship(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(2)
}

/// Never comes to its call.
async fn late(ctx: &WorkflowContext) -> anyhow::Result<u32> {
    std::future::pending::<()>().await;
    ship(ctx).await
}

#[step]
async fn pack(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(3)
}

#[step(max_attempts = 2, interval = "1ms")]
async fn refuse(_ctx: StepContext) -> anyhow::Result<u32> {
    anyhow::bail!("no stock")
}

#[transaction]
async fn book(_ctx: TransactionContext) -> anyhow::Result<u32> {
    Ok(4)
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<u32> {
    gate(ctx.workflow_id()).pass().await;
    Ok(0)
}

#[workflow]
async fn child(_ctx: WorkflowContext) -> anyhow::Result<u32> {
    Ok(5)
}

/// One workflow in several versions of a program.
mod first {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        let charged = charge(&ctx).await?;
        let shipped = ship(&ctx).await?;
        hold(&ctx).await?;
        Ok(charged + shipped)
    }

    pub const SHIP: u32 = line!() - 5;
}

mod changed {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        let mut sum = charge(&ctx).await?;
        if sum == 1 {
            sum += pack(&ctx).await?;
        }
        Ok(sum + ship(&ctx).await?)
    }

    pub const PACK: u32 = line!() - 5;
}

mod shorter {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        charge(&ctx).await
    }

    pub const ORDER: u32 = line!() - 4;
}

mod failing {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        anyhow::ensure!(charge(&ctx).await? > 1, "too cheap");
        ship(&ctx).await
    }
}

mod racing {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        select! { &ctx;
            charged = charge(&ctx) => charged,
            () = ctx.sleep(Duration::ZERO) => ship(&ctx).await,
        }
    }

    pub const SELECT: u32 = line!() - 6;
}

mod panicking {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        assert!(charge(&ctx).await? > 1, "too cheap");
        ship(&ctx).await
    }
}

/// The same code every time, which is not deterministic.
mod fickle {
    use super::*;

    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        if RUNS.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            charge(&ctx).await?;
        } else {
            pack(&ctx).await?;
        }
        hold(&ctx).await
    }
}

/// Runs `W` until it is held, and stops the program.
async fn interrupted<W: Workflow>(store: &Store) -> String {
    let id = store.id("wf");
    let durable = store.open().register::<W>().launch().await.unwrap();
    let client = Client::connect(store.url()).await.unwrap();
    let call = client.enqueue(W::NAME, "_dbos_internal_queue");
    let call = W::CLASS
        .into_iter()
        .fold(call, |call, class| call.class(class));
    drop(call.id(&id).version("1").start::<u32>().await.unwrap());
    gate(&id).reached().await;
    durable.shutdown(Duration::ZERO).await;
    gate(&id).open();
    id
}

/// Lets `W` go on with it, to its end.
async fn taken_up<W>(store: &Store, id: &str) -> Result<u32, String>
where
    W: Workflow<Output = u32, Error = anyhow::Error>,
{
    let durable = store.open().register::<W>().launch().await.unwrap();
    let handle = durable.retrieve::<W>(id).await.unwrap();
    let result = handle.result().await.map_err(|error| error.to_string());
    durable.shutdown(Duration::ZERO).await;
    result
}

/// Ends in one kind of call; waits in its own code before it does.
#[workflow]
async fn ends(ctx: WorkflowContext, how: String) -> anyhow::Result<u32> {
    let own = ctx.workflow_id().to_owned();
    let result = match how.as_str() {
        "a step" => charge(&ctx).await,
        "a transaction" => book(&ctx).await,
        "retries" => refuse(&ctx).await,
        "an early return" => match join!(refuse(&ctx), ship(&ctx)) {
            (Err(error), _) => Err(error),
            (Ok(one), two) => two.map(|two| one + two),
        },
        "a child" => child(&ctx).await,
        "a started child" => child(&ctx).start().await.map(|_| 1).map_err(Into::into),
        "a message" => {
            ctx.send(&own, None, &1).await?;
            let got: Option<u32> = ctx.recv(None, Duration::from_secs(60)).await?;
            Ok(got.unwrap_or_default())
        }
        "an event" => {
            ctx.set_event("k", &1).await?;
            let got: Option<u32> = ctx.get_event(&own, "k", Duration::from_secs(60)).await?;
            Ok(got.unwrap_or_default())
        }
        "a race" => select! { &ctx;
            one = charge(&ctx) => one,
            () = ctx.sleep(Duration::from_secs(3600)) => Ok(0),
        },
        "a lost race" => select! { &ctx;
            late = late(&ctx) => late,
            () = ctx.sleep(Duration::from_millis(1)) => Ok(7),
        },
        "a dropped call" => {
            let one = charge(&ctx).await;
            drop(ship(&ctx));
            one
        }
        "a patch" => {
            let one = charge(&ctx).await;
            one.map(|one| one + u32::from(ctx.patch("new")))
        }
        other => anyhow::bail!("{other}"),
    };
    #[allow_nondeterminism(reason = "the test interrupts it here; nothing depends on the wait")]
    gate(&own).pass().await;
    result
}

/// The same without its last patch.
mod unpatched {
    use super::*;

    #[workflow(name = "ends")]
    pub async fn ends(ctx: WorkflowContext, _how: String) -> anyhow::Result<u32> {
        charge(&ctx).await
    }
}

#[step]
async fn flaky(ctx: StepContext) -> anyhow::Result<u32> {
    anyhow::ensure!(
        durable_tests::tally::count(ctx.workflow_id()) == 1,
        "gone meanwhile"
    );
    Ok(1)
}

/// Its first call may fail when it is made again.
#[workflow]
async fn side_by_side(ctx: WorkflowContext) -> anyhow::Result<u32> {
    let (one, two) = join!(flaky(&ctx), ship(&ctx));
    let (one, two) = (one?, two?);
    pack(&ctx).await?;
    hold(&ctx).await?;
    Ok(one + two)
}

on_both_stores! {
    /// Rules: R3
    async fn another_call_than_the_recorded_one_is_told_in_full(store: Store) {
        let id = interrupted::<first::order>(&store).await;

        let error = taken_up::<changed::order>(&store, &id).await.unwrap_err();

        let (old, new) = (first::order::CODE.hash, changed::order::CODE.hash);
        let (ship, pack) = (first::SHIP, changed::PACK);
        let file = "tests/suite/divergence.rs";
        assert_eq!(error, format!("\
workflow `shop/order` ({id}) does not do what it did before: at position 2 `ship` was recorded, and now `pack` is called at {file}:{pack}:20
  recorded: position 2, `ship` at {file}:{ship}, by version `1` (code {old})
  now:      position 2, `pack` at {file}:{pack}:20 (site `if#1/pack`), in version `1` (code {new})
The code of the workflow was changed after this was recorded.
What you can do:
  patch: keep the old way for runs that came this far, `if ctx.patch(\"some name\") {{ new code }} else {{ old code }}`; a run that this error has ended goes on with `client.rewind(\"{id}\").to_step(3).start()`
  fork:  let it do the rest anew, with the code as it is, in a run of its own: `client.fork(\"{id}\").from_step(2).start()`
  pin:   give the changed code an application version of its own, and let a program with the old code go on until its runs are through"));
        let recorded = store.value("SELECT error FROM workflow_output WHERE workflow_uuid = $1", &[&id]).await;
        let recorded: durable_runtime::ErrorRecord = serde_json::from_str(recorded.as_str().unwrap()).unwrap();
        assert_eq!((recorded.name.as_str(), &recorded.code), ("DBOSUnexpectedStepError", &11.into()));
        let Error::UnexpectedStep(divergence) = Error::from_record(recorded) else { panic!("it is read back as it was") };
        assert_eq!((divergence.position, divergence.recorded.as_str()), (2, "ship"));
        assert_eq!(divergence.to_string(), error);
    }

    /// Rules: R3
    async fn an_end_before_the_last_record_is_told_in_full(store: Store) {
        let id = interrupted::<first::order>(&store).await;

        let error = taken_up::<shorter::order>(&store, &id).await.unwrap_err();

        let (old, new) = (first::order::CODE.hash, shorter::order::CODE.hash);
        let (ship, order) = (first::SHIP, shorter::ORDER);
        let file = "tests/suite/divergence.rs";
        assert_eq!(error, format!("\
workflow `shop/order` ({id}) does not do what it did before: at position 2 `ship` was recorded, and the workflow now ends after 1 call
  recorded: position 2, `ship` at {file}:{ship}, by version `1` (code {old})
  now:      the end of the workflow at {file}:{order}, in version `1` (code {new})
The code of the workflow was changed after this was recorded.
What you can do:
  patch: keep the old way for runs that came this far, `if ctx.patch(\"some name\") {{ new code }} else {{ old code }}`; a run that this error has ended goes on with `client.rewind(\"{id}\").to_step(3).start()`
  fork:  let it do the rest anew, with the code as it is, in a run of its own: `client.fork(\"{id}\").from_step(2).start()`
  pin:   give the changed code an application version of its own, and let a program with the old code go on until its runs are through"));
        assert_eq!(store.status(&id, "status").await, "ERROR");
    }

    async fn a_race_in_place_of_a_call_is_told_with_its_site(store: Store) {
        let id = interrupted::<first::order>(&store).await;

        let error = taken_up::<racing::order>(&store, &id).await.unwrap_err();

        let place = format!("tests/suite/divergence.rs:{}:9 (site `select#1/select`)", racing::SELECT);
        assert!(error.contains("`ship` was recorded, and now `DBOS.asyncio_wait` is called"), "{error}");
        assert!(error.contains(&place), "{error}");
    }

    async fn an_end_with_an_error_tells_the_error(store: Store) {
        let id = interrupted::<first::order>(&store).await;

        let error = taken_up::<failing::order>(&store, &id).await.unwrap_err();

        assert!(error.contains("now ends after 1 call\n"), "{error}");
        assert!(error.contains(", with the error `too cheap`, in version"), "{error}");
    }

    async fn a_panic_is_told_as_the_panic_that_it_is(store: Store) {
        let id = interrupted::<first::order>(&store).await;

        let error = taken_up::<panicking::order>(&store, &id).await.unwrap_err();

        assert_eq!(error, "workflow `order` panicked: too cheap");
    }

    async fn code_that_is_the_same_is_said_to_be_not_deterministic(store: Store) {
        let id = interrupted::<fickle::order>(&store).await;

        let error = taken_up::<fickle::order>(&store, &id).await.unwrap_err();

        assert!(error.contains("The code of the workflow is the same as when this was recorded."), "{error}");
        assert!(error.contains("a clock, a random number"), "{error}");
    }

    async fn a_fork_to_new_code_tells_the_version_that_made_the_records(store: Store) {
        let id = interrupted::<first::order>(&store).await;
        let newer = store.open().executor_id("newer").version("2").register::<changed::order>().launch().await.unwrap();
        let fork = newer.client().fork(&id).from_step(3).start().await.unwrap();

        let handle = newer.retrieve::<changed::order>(&fork).await.unwrap();
        let error = handle.result().await.unwrap_err().to_string();

        let place = format!("`ship` at tests/suite/divergence.rs:{}, by version `1` (code {})", first::SHIP, first::order::CODE.hash);
        assert!(error.contains(&place), "{error}");
        assert!(error.contains("in version `2`"), "{error}");
        assert!(error.contains("pin:   let a program of version `1` go on"), "{error}");
    }

    async fn a_record_that_is_older_than_all_known_code_is_of_unknown_code(store: Store) {
        let id = interrupted::<first::order>(&store).await;
        store.execute("DELETE FROM durable_machines", &[]).await;
        let aged = "UPDATE operation_outputs SET started_at_epoch_ms = started_at_epoch_ms - 60000";
        store.execute(aged, &[]).await;

        let error = taken_up::<changed::order>(&store, &id).await.unwrap_err();

        assert!(error.contains("recorded: position 2, `ship`, by a version that is not known here"), "{error}");
        assert!(error.contains("was changed after this was recorded; or something else"), "{error}");
    }

    /// A run of a removed patch is told which call to keep.
    async fn the_mark_of_a_patch_that_was_removed_too_early_is_told(store: Store) {
        let id = interrupted::<marked::order>(&store).await;

        let error = taken_up::<unmarked::order>(&store, &id).await.unwrap_err();

        assert!(error.contains("at position 1 `DBOS.patch-by-air` was recorded"), "{error}");
        assert!(error.contains("keep `ctx.patch(\"by-air\")`, or `ctx.deprecate_patch(\"by-air\")`"), "{error}");
    }

    /// Rules: R4, R13
    async fn unchanged_code_ends_as_it_did_whatever_it_ends_in(store: Store) {
        let kinds = [
            "a step", "a transaction", "retries", "an early return", "a child", "a started child", "a message", "an event",
            "a race", "a lost race", "a dropped call", "a patch",
        ];
        let open = || store.open().register::<ends>().register::<child>();
        let durable = open().launch().await.unwrap();
        for kind in kinds {
            drop(ends(&durable, kind.to_owned()).id(kind).start().await.unwrap());
        }
        for kind in kinds {
            gate(kind).reached().await;
        }
        durable.shutdown(Duration::ZERO).await;
        let before: Vec<_> = kinds.iter().map(|kind| gate(*kind).open()).collect();
        assert_eq!(before.len(), kinds.len());

        let durable = open().launch().await.unwrap();
        for kind in kinds {
            let result = durable.retrieve::<ends>(kind).await.unwrap().result().await;
            match kind {
                "retries" | "an early return" => {
                    let error = result.unwrap_err().to_string();
                    assert!(error.contains("no stock"), "{kind}: {error}");
                }
                _ => assert!(result.is_ok(), "{kind}: {result:?}"),
            }
        }
        durable.shutdown(Duration::ZERO).await;
    }

    async fn a_call_that_was_in_flight_may_end_the_workflow_sooner(store: Store) {
        let id = interrupted::<side_by_side>(&store).await;
        // As if it had been in flight when the program was killed.
        let removed = store
            .execute("DELETE FROM operation_outputs WHERE workflow_uuid = $1 AND function_id = 1", &[&id])
            .await;
        assert_eq!(removed, 1);

        let error = taken_up::<side_by_side>(&store, &id).await.unwrap_err();

        assert_eq!(error, "gone meanwhile");
    }

    async fn a_trailing_mark_of_a_patch_is_nothing_to_miss(store: Store) {
        let durable = store.open().register::<ends>().launch().await.unwrap();
        drop(ends(&durable, "a patch".to_owned()).id("marked").start().await.unwrap());
        gate("marked").reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate("marked").open();
        assert_eq!(store.step_names("marked").await, ["1 charge", "2 DBOS.patch-new"]);

        assert_eq!(taken_up::<unpatched::ends>(&store, "marked").await.unwrap(), 1);
    }

    /// Rules: M7, M8
    async fn forks_and_rewinds_end_where_they_should(store: Store) {
        let id = interrupted::<first::order>(&store).await;
        assert_eq!(taken_up::<first::order>(&store, &id).await.unwrap(), 3);
        let durable = store.open().register::<first::order>().launch().await.unwrap();
        let client = durable.client();

        for step in 1..=4 {
            let fork = format!("{id}/{step}");
            gate(&fork).open();
            client.fork(&id).from_step(step).id(&fork).start().await.unwrap();
            let result = durable.retrieve::<first::order>(&fork).await.unwrap().result().await;
            assert_eq!(result.unwrap(), 3, "the fork from step {step}");
            client.rewind(&id).to_step(step).start().await.unwrap();
            let result = durable.retrieve::<first::order>(&id).await.unwrap().result().await;
            assert_eq!(result.unwrap(), 3, "rewound to step {step}");
        }
    }

    /// Rules: N1
    async fn records_before_the_first_position_are_of_no_account(store: Store) {
        let id = interrupted::<first::order>(&store).await;
        let sql = "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output)
                   VALUES ($1, 0, 'of another SDK', 'null')";
        store.execute(sql, &[&id]).await;

        assert_eq!(taken_up::<first::order>(&store, &id).await.unwrap(), 3);
    }
}

mod marked {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        match ctx.patch("by-air") {
            true => pack(&ctx).await?,
            false => ship(&ctx).await?,
        };
        hold(&ctx).await
    }
}

mod unmarked {
    use super::*;

    #[workflow(name = "order", class = "shop")]
    pub async fn order(ctx: WorkflowContext) -> anyhow::Result<u32> {
        pack(&ctx).await?;
        hold(&ctx).await
    }
}

#[test]
fn an_unexpected_step_tells_programs_what_the_code_does_now() {
    let divergence = serde_json::json!({
        "workflow_id": "w", "workflow": "order", "position": 2, "recorded": "ship", "last_position": 2,
        "recorded_by": null, "now": {"end": {"calls": 1, "error": null, "place": "a.rs:1"}}, "version": "1", "code": "c",
    });
    let record =
        durable_runtime::ErrorRecord::new("DBOSUnexpectedStepError", "text").data(divergence);

    let Error::UnexpectedStep(divergence) = Error::from_record(record) else {
        panic!("it is no divergence");
    };

    assert!(matches!(divergence.now, CodeNow::End { calls: 1, .. }));
    assert!(
        divergence
            .to_string()
            .contains("by a version that is not known here"),
        "{divergence}"
    );
}

/// The text in the documents is the one that is printed.
#[test]
fn the_documents_show_the_error_as_it_is() {
    let divergence = serde_json::json!({
        "workflow_id": "order-7", "workflow": "checkout", "position": 2, "recorded": "ship", "last_position": 2,
        "recorded_by": {"version": "1", "code": "7dd1f3a5a6a0cf3c", "place": "src/checkout.rs:21"},
        "now": {"call": {"name": "pack", "place": "src/checkout.rs:24:20", "site": "if#1/pack"}},
        "version": "1", "code": "03f0a3d5e1c9b7aa",
    });
    let divergence: durable_runtime::Divergence = serde_json::from_value(divergence).unwrap();

    let document = include_str!("../../docs/versioning.md");

    assert!(document.contains(&divergence.to_string()), "{divergence}");
}
