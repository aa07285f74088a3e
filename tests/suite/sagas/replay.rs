//! A saga that is interrupted goes on where it was, also in the middle of undoing.

use super::*;

/// Its undos wait in their own code, and make two calls each.
#[workflow]
async fn two_calls_to_undo(ctx: WorkflowContext) -> anyhow::Result<()> {
    let ctx = &ctx;
    let saga = Saga::new(ctx);
    #[allow_nondeterminism(
        reason = "the test holds it between the calls; nothing depends on the wait"
    )]
    saga.run(async {
        for what in ["a", "b"] {
            saga.step(act(ctx, what), |what| async move {
                let id = ctx.workflow_id();
                pause(id, format!("before {what}")).await;
                undo(ctx, format!("half of {what}")).await?;
                pause(id, format!("within {what}")).await;
                undo(ctx, what.clone()).await?;
                pause(id, format!("after {what}")).await;
                anyhow::Ok(())
            })
            .await?;
        }
        anyhow::bail!("out of paper")
    })
    .await
}

/// Waits in the code of the workflow, and leaves no note.
async fn pause(id: &str, place: String) {
    if counted(&format!("{id}/hold {place}")) > 0 {
        place_gate(id, &place).pass().await;
    }
}

#[workflow]
async fn panics(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        let what = saga.step(act(&ctx, "a"), |what| undo(&ctx, what)).await?;
        saga.step(act(&ctx, "b"), |what| undo(&ctx, what)).await?;
        assert_eq!(what, "c", "a mistake");
        Ok(())
    })
    .await
}

on_both_stores! {
    /// Rules: R4, R12
    async fn wherever_it_is_interrupted_every_operation_and_every_undo_runs_once(store: Store) {
        let places = [ALL_ACTS.as_slice(), &ALL_UNDOS].concat();
        for (done, place) in places.iter().enumerate() {
            let id = store.id("wf");
            fail(&id, "act charge");
            let open = || store.open().register::<trip>();
            let start = async |durable: &Durable| {
                drop(trip(durable).id(&id).start().await.unwrap());
            };

            let result = interrupted::<trip>(open, start, &id, place).await;

            assert_eq!(result.unwrap_err().to_string(), "`act charge` is broken");
            assert_runs(&id, &places, place);
            assert_eq!(
                store.step_names(&id).await,
                ["1 act", "2 act", "3 act", "4 act", "5 undo", "6 undo", "7 undo"],
                "interrupted after {done} calls"
            );
            assert_eq!(store.status(&id, "recovery_attempts").await, 2);
        }
    }

    /// Rules: R4, R12
    async fn an_undo_of_several_calls_goes_on_between_them(store: Store) {
        let places = ["act a", "act b", "undo half of b", "undo b", "undo half of a", "undo a"];
        let between = ["before b", "within b", "after b", "before a", "within a", "after a"];
        for place in between.iter().chain(&places[2..]) {
            let id = store.id("wf");
            let open = || store.open().register::<two_calls_to_undo>();
            let start = async |durable: &Durable| {
                drop(two_calls_to_undo(durable).id(&id).start().await.unwrap());
            };

            let result = interrupted::<two_calls_to_undo>(open, start, &id, place).await;

            assert_eq!(result.unwrap_err().to_string(), "out of paper");
            assert_runs(&id, &places, place);
            let mut order = noted(&id);
            order.dedup();
            assert_eq!(order, places, "interrupted at `{place}`");
        }
    }

    /// Rules: R4, R12
    async fn after_a_panic_the_undoing_goes_on_too(store: Store) {
        for place in ["undo b", "undo a"] {
            let id = store.id("wf");
            let open = || store.open().register::<panics>();
            let start = async |durable: &Durable| {
                drop(panics(durable).id(&id).start().await.unwrap());
            };

            let result = interrupted::<panics>(open, start, &id, place).await;

            let error = result.unwrap_err().to_string();
            assert!(error.contains("`panics` panicked"), "{error}");
            assert!(error.contains("a mistake"), "{error}");
            assert_runs(&id, &["act a", "act b", "undo b", "undo a"], place);
        }
    }
}
