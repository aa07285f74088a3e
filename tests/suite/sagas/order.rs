//! In which order is undone what was done side by side, or in sagas within sagas.

use super::*;

#[workflow]
async fn side_by_side(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        let (a, b, c) = join!(
            saga.step(act(&ctx, "a"), |what| undo(&ctx, what)),
            saga.step(act(&ctx, "b"), |what| undo(&ctx, what)),
            saga.step(act(&ctx, "c"), |what| undo(&ctx, what)),
        );
        a?;
        b?;
        c?;
        anyhow::bail!("out of paper")
    })
    .await
}

/// The inner saga's failure is handled when `act inner` is broken; then something else is done.
#[workflow]
async fn within(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        saga.step(act(&ctx, "a"), |what| undo(&ctx, what)).await?;
        let inner = saga.nested();
        let ended = inner.run(async {
            for what in ["inner 1", "inner 2"] {
                inner.step(act(&ctx, what), |what| undo(&ctx, what)).await?;
            }
            let innermost = inner.nested();
            innermost
                .run(innermost.step(act(&ctx, "innermost"), |what| undo(&ctx, what)))
                .await?;
            act(&ctx, "inner").await
        });
        // Given after the inner saga began, and undone before what that did.
        saga.defer(|| undo(&ctx, "b".to_owned()));
        if ended.await.is_err() {
            saga.step(act(&ctx, "instead"), |what| undo(&ctx, what))
                .await?;
        }
        act(&ctx, "outer").await?;
        Ok(())
    })
    .await
}

/// A function that takes the saga of its caller, and one that has its own.
async fn shares<'c>(saga: &Saga<'c>, ctx: &'c WorkflowContext) -> durable_runtime::Result<String> {
    saga.step(act(ctx, "shared"), move |what| undo(ctx, what))
        .await
}

async fn has_its_own(ctx: &WorkflowContext) -> durable_runtime::Result<String> {
    let saga = Saga::new(ctx);
    saga.run(async {
        saga.step(act(ctx, "own"), |what| undo(ctx, what)).await?;
        act(ctx, "own too").await
    })
    .await
}

#[workflow]
async fn calls_functions(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        shares(&saga, &ctx).await?;
        has_its_own(&ctx).await?;
        act(&ctx, "outer").await?;
        Ok(())
    })
    .await
}

fn open(store: &Store) -> Builder {
    store
        .open()
        .register::<side_by_side>()
        .register::<within>()
        .register::<calls_functions>()
}

on_both_stores! {
    /// Rules: R4
    async fn steps_side_by_side_are_undone_in_the_order_of_their_calls(store: Store) {
        for place in ["undo c", "undo b", "undo a"] {
            let id = store.id("wf");
            hold(&id, "act a");
            hold(&id, "act b");
            // They end in the order c, b, a; on the replay all are there at once.
            let start = async |durable: &Durable| {
                let recorded = "SELECT count(*) FROM operation_outputs WHERE workflow_uuid = $1";
                drop(side_by_side(durable).id(&id).start().await.unwrap());
                store.becomes(recorded, &[&id], 1).await;
                place_gate(&id, "act b").open();
                store.becomes(recorded, &[&id], 2).await;
                place_gate(&id, "act a").open();
            };

            let open = || open(&store);
            let result = interrupted::<side_by_side>(open, start, &id, place).await;

            assert_eq!(result.unwrap_err().to_string(), "out of paper");
            let mut order = noted(&id).split_off(3);
            order.dedup();
            assert_eq!(order, ["undo c", "undo b", "undo a"]);
            assert_runs(&id, &["act a", "act b", "act c", "undo c", "undo b", "undo a"], place);
        }
    }

    async fn of_steps_side_by_side_those_that_succeeded_are_undone(store: Store) {
        let id = store.id("wf");
        fail(&id, "act b");
        let durable = open(&store).launch().await.unwrap();

        let error = side_by_side(&durable).id(&id).await.unwrap_err();

        assert_eq!(error.to_string(), "`act b` is broken");
        assert_eq!(noted(&id).split_off(3), ["undo c", "undo a"]);
    }

    async fn a_nested_saga_that_fails_undoes_only_its_own(store: Store) {
        let id = store.id("wf");
        fail(&id, "act inner");
        let durable = open(&store).launch().await.unwrap();

        within(&durable).id(&id).await.unwrap();

        assert_eq!(
            noted(&id),
            [
                "act a", "act inner 1", "act inner 2", "act innermost", "act inner",
                "undo innermost", "undo inner 2", "undo inner 1", "act instead", "act outer",
            ]
        );
    }

    async fn what_a_nested_saga_did_is_undone_at_its_place_in_the_outer_one(store: Store) {
        let done = ["act a", "act inner 1", "act inner 2", "act innermost", "act inner", "act outer"];
        let undone = ["undo b", "undo innermost", "undo inner 2", "undo inner 1", "undo a"];
        for place in undone {
            let id = store.id("wf");
            fail(&id, "act outer");
            let start = async |durable: &Durable| {
                drop(within(durable).id(&id).start().await.unwrap());
            };

            let open = || open(&store);
            let result = interrupted::<within>(open, start, &id, place).await;

            assert_eq!(result.unwrap_err().to_string(), "`act outer` is broken");
            let mut order = noted(&id);
            order.dedup();
            assert_eq!(order, [done.as_slice(), &undone].concat());
            assert_runs(&id, &order.iter().map(String::as_str).collect::<Vec<_>>(), place);
        }
    }

    async fn after_a_handled_failure_the_outer_saga_undoes_the_rest(store: Store) {
        let id = store.id("wf");
        fail(&id, "act inner");
        fail(&id, "act outer");
        let durable = open(&store).launch().await.unwrap();

        within(&durable).id(&id).await.unwrap_err();

        let undone = noted(&id).split_off(10);
        assert_eq!(undone, ["undo instead", "undo b", "undo a"]);
    }

    async fn a_function_gives_undos_to_the_saga_it_is_given_or_undoes_its_own(store: Store) {
        let (outer, own) = (store.id("wf"), store.id("wf"));
        fail(&outer, "act outer");
        fail(&own, "act own too");
        let durable = open(&store).launch().await.unwrap();

        calls_functions(&durable).id(&outer).await.unwrap_err();
        calls_functions(&durable).id(&own).await.unwrap_err();

        // A saga that has ended well and is not nested is a thing of the past.
        let begin = ["act shared", "act own", "act own too"];
        assert_eq!(noted(&outer), [&begin[..], &["act outer", "undo shared"]].concat());
        assert_eq!(noted(&own), [&begin[..], &["undo own", "undo shared"]].concat());
    }
}
