//! Sagas of workflows that are cancelled, resumed and forked, and of children.

use super::*;

const STATUS: &str = "SELECT status FROM workflow_status WHERE workflow_uuid = $1";

/// Its saga is undone by the parent when it does not end well, whatever it did.
#[workflow]
async fn child(ctx: WorkflowContext, parent: String) -> anyhow::Result<()> {
    act(&ctx, "child").await?;
    #[allow_nondeterminism(reason = "the test holds it here; nothing depends on the wait")]
    come_to(&parent, "in the child".to_owned()).await?;
    Ok(())
}

#[workflow]
async fn parent(ctx: WorkflowContext) -> anyhow::Result<()> {
    let id = ctx.workflow_id();
    let saga = Saga::new(&ctx);
    saga.run(async {
        saga.defer(|| undo(&ctx, "child".to_owned()));
        child(&ctx, id.to_owned())
            .id(format!("{id}/child"))
            .timeout(Duration::from_millis(300))
            .await
    })
    .await
}

/// An operation and its undo that are workflows.
#[workflow]
async fn books(ctx: WorkflowContext, what: String) -> anyhow::Result<String> {
    Ok(act(&ctx, &what).await?)
}

#[workflow]
async fn unbooks(ctx: WorkflowContext, what: String) -> anyhow::Result<()> {
    Ok(undo(&ctx, what).await?)
}

#[workflow]
async fn of_children(ctx: WorkflowContext) -> anyhow::Result<()> {
    let id = ctx.workflow_id();
    let saga = Saga::new(&ctx);
    let ended = saga.run_reported(async {
        saga.step(
            books(&ctx, "a".to_owned()).id(format!("{id}/do")),
            async |what| unbooks(&ctx, what).id(format!("{id}/undo")).await,
        )
        .await?;
        anyhow::bail!("out of paper")
    });
    Ok(ended.await?)
}

fn open(store: &Store) -> Builder {
    store
        .open()
        .register::<trip>()
        .register::<parent>()
        .register::<child>()
        .register::<of_children>()
        .register::<books>()
        .register::<unbooks>()
}

on_both_stores! {
    /// Rules: R4
    async fn a_cancelled_saga_goes_on_undoing_when_it_is_resumed(store: Store) {
        let id = store.id("wf");
        fail(&id, "act charge");
        hold(&id, "undo hotel");
        let durable = open(&store).launch().await.unwrap();
        let handle = trip(&durable).id(&id).start().await.unwrap();
        place_gate(&id, "undo hotel").reached().await;

        handle.cancel().await.unwrap();
        store.becomes(STATUS, &[&id], "CANCELLED").await;
        // The gate stays shut until the cancelled execution is gone.
        durable.shutdown(Duration::ZERO).await;
        let before = noted(&id);
        place_gate(&id, "undo hotel").open();
        let durable = open(&store).launch().await.unwrap();
        durable.client().resume(id.as_str()).await.unwrap();
        let error = durable.retrieve::<trip>(&id).await.unwrap().result().await.unwrap_err();

        assert_eq!(error.to_string(), "`act charge` is broken");
        assert_eq!(before, [&ALL_ACTS[..], &["undo car", "undo hotel"]].concat());
        assert_eq!(noted(&id).split_off(before.len()), ["undo hotel", "undo flight"]);
    }

    async fn nothing_is_undone_when_a_workflow_is_cancelled(store: Store) {
        let id = store.id("wf");
        hold(&id, "act charge");
        let durable = open(&store).launch().await.unwrap();
        let handle = trip(&durable).id(&id).start().await.unwrap();
        place_gate(&id, "act charge").reached().await;

        handle.cancel().await.unwrap();
        store.becomes(STATUS, &[&id], "CANCELLED").await;
        place_gate(&id, "act charge").open();
        durable.shutdown(Duration::from_secs(30)).await;

        assert_eq!(noted(&id), ALL_ACTS);
    }

    async fn a_parent_undoes_what_a_child_did_whose_timeout_ended(store: Store) {
        let id = store.id("wf");
        hold(&id, "in the child");
        let durable = open(&store).launch().await.unwrap();

        let error = parent(&durable).id(&id).await.unwrap_err();

        assert!(
            matches!(error.downcast_ref::<Error>(), Some(Error::AwaitedCancelled { .. })),
            "{error:?}"
        );
        assert_eq!(noted(&format!("{id}/child")), ["act child"]);
        assert_eq!(noted(&id), ["in the child", "undo child"]);
    }

    async fn an_operation_and_its_undo_may_be_child_workflows(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let error = of_children(&durable).id(&id).await.unwrap_err();

        assert_eq!(error.to_string(), "a saga failed and was undone (`unbooks`): out of paper");
        assert_eq!(noted(&format!("{id}/do")), ["act a"]);
        assert_eq!(noted(&format!("{id}/undo")), ["undo a"]);
        assert_eq!(
            store.step_names(&id).await,
            ["1 books", "2 DBOS.getResult", "3 unbooks", "4 DBOS.getResult"]
        );
    }

    async fn a_failed_undo_is_tried_again_by_a_fork_from_its_position(store: Store) {
        let (id, fork) = (store.id("wf"), store.id("fork"));
        for place in ["act charge", "undo hotel"] {
            fail(&id, place);
        }
        let durable = open(&store).launch().await.unwrap();
        let error = trip(&durable).id(&id).await.unwrap_err();
        let Some(Error::NotUndone(saga)) = error.downcast_ref::<Error>() else {
            panic!("{error:?}");
        };
        let position = saga.not_undone[0].undo.position.unwrap();

        let client = durable.client();
        client.fork(&id).id(&fork).from_step(position).start().await.unwrap();
        let error = durable.retrieve::<trip>(&fork).await.unwrap().result().await.unwrap_err();

        assert_eq!(error.to_string(), "`act charge` is broken");
        assert_eq!(noted(&fork), ["undo hotel", "undo flight"]);
        assert_eq!(
            store.step_names(&fork).await,
            ["1 act", "2 act", "3 act", "4 act", "5 undo", "6 undo", "7 undo"]
        );
    }
}
