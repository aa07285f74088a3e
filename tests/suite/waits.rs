//! Waiting for the first of several.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{ErrorRecord, select};
use durable_tests::gates::gate;
use durable_tests::tally::{count, counted};

#[step]
async fn pass(ctx: StepContext, name: String) -> anyhow::Result<String> {
    let key = format!("{}/{name}", ctx.workflow_id());
    count(&key);
    gate(key).pass().await;
    Ok(name)
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(format!("{}/hold", ctx.workflow_id())).pass().await;
    Ok(())
}

#[workflow]
async fn child(ctx: WorkflowContext, name: String) -> anyhow::Result<String> {
    pass(&ctx, name).await
}

#[workflow]
async fn waits_for_children(ctx: WorkflowContext) -> anyhow::Result<String> {
    let id = ctx.workflow_id();
    let one = child(&ctx, "one".into())
        .id(format!("{id}.one"))
        .start()
        .await?;
    let two = child(&ctx, "two".into())
        .id(format!("{id}.two"))
        .start()
        .await?;
    let first = ctx.wait_first([&one, &two]).await?;
    hold(&ctx).await?;
    Ok(first)
}

#[workflow]
async fn waits_for(ctx: WorkflowContext, ids: Vec<String>) -> anyhow::Result<String> {
    Ok(ctx.wait_first(ids).await?)
}

#[workflow]
async fn selects(ctx: WorkflowContext) -> anyhow::Result<String> {
    let won = select! { &ctx;
        one = pass(&ctx, "one".into()) => one?,
        two = pass(&ctx, "two".into()) => two?,
        () = ctx.sleep(Duration::from_secs(3600)) => "late".to_owned(),
    };
    hold(&ctx).await?;
    Ok(won)
}

async fn interrupted_at_hold(durable: Durable, id: &str) {
    gate(format!("{id}/hold")).reached().await;
    durable.shutdown(Duration::ZERO).await;
    gate(format!("{id}/hold")).open();
}

on_both_stores! {
    /// Rules: P7
    async fn the_first_of_several_workflows_is_remembered(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<waits_for_children>().register::<child>();
        let durable = open().launch().await.unwrap();
        drop(waits_for_children(&durable).id(&id).start().await.unwrap());
        gate(format!("{id}.two/two")).open();
        interrupted_at_hold(durable, &id).await;
        gate(format!("{id}.one/one")).open();

        let durable = open().launch().await.unwrap();
        let first = durable.retrieve::<waits_for_children>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(first, format!("{id}.two"));
        let row = &store.steps(&id).await[2];
        assert_eq!((row[1].as_str(), row[2].as_str()), (Some("DBOS.waitFirst"), Some(format!("\"{id}.two\"").as_str())));
    }

    /// Rules: P7
    async fn a_cancelled_workflow_counts_as_ended(store: Store) {
        store.open().launch().await.unwrap().shutdown(Duration::ZERO).await;
        store.execute("INSERT INTO workflow_status (workflow_uuid, status, name) VALUES ('gone', 'CANCELLED', 'x')", &[]).await;
        let durable = store.open().register::<waits_for>().launch().await.unwrap();

        let first = waits_for(&durable, vec!["never".into(), "gone".into()]).await.unwrap();

        assert_eq!(first, "gone");
    }

    /// Rules: P7
    async fn waiting_for_nothing_or_for_one_twice_is_refused(store: Store) {
        let durable = store.open().register::<waits_for>().launch().await.unwrap();

        for (id, ids) in [("none", vec![]), ("twice", vec!["a".to_owned(), "a".to_owned()])] {
            let error = waits_for(&durable, ids).id(id).await.unwrap_err();
            assert!(matches!(error.downcast_ref::<ErrorRecord>(), Some(record) if record.name == "DBOSException"), "{error:?}");
            assert!(store.steps(id).await.is_empty(), "it takes no position");
        }
    }

    async fn select_takes_the_same_branch_again_and_never_runs_the_losers(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<selects>().launch().await.unwrap();
        drop(selects(&durable).id(&id).start().await.unwrap());
        gate(format!("{id}/one")).reached().await;
        gate(format!("{id}/two")).reached().await;
        gate(format!("{id}/two")).open();
        interrupted_at_hold(durable, &id).await;
        gate(format!("{id}/one")).open();

        let durable = store.open().register::<selects>().launch().await.unwrap();
        let won = durable.retrieve::<selects>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(won, "two");
        assert_eq!(counted(&format!("{id}/one")), 1, "the loser was dropped, and is not run again");
        assert_eq!(counted(&format!("{id}/two")), 1);
        // Whether the call behind the winner had begun when that one won is a matter of moments.
        let mut names = store.step_names(&id).await;
        names.retain(|name| name != "3 DBOS.sleep");
        assert_eq!(names, ["2 pass", "4 DBOS.asyncio_wait", "5 hold"]);
    }
}
