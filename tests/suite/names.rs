//! A call may be recorded under a name that is known only at run time.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::{count, counted};

/// One step for all instructions; gives the name that it knows itself by.
#[step]
async fn instruction(ctx: StepContext, held: bool) -> anyhow::Result<String> {
    let id = ctx.workflow_id().to_owned();
    count(format!("{id}/{}", ctx.name()));
    if held {
        gate(id).pass().await;
    }
    Ok(ctx.name().to_owned())
}

#[transaction]
async fn instruction_in_a_transaction(ctx: TransactionContext) -> anyhow::Result<i32> {
    Ok(ctx.position())
}

#[workflow]
async fn script(ctx: WorkflowContext, lines: Vec<String>) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for line in lines {
        let held = line == "hold";
        names.push(
            instruction(&ctx, held)
                .named(format!("line:{line}"))
                .await?,
        );
    }
    instruction_in_a_transaction(&ctx).named("save").await?;
    Ok(names)
}

mod before {
    use super::*;

    #[workflow(name = "renaming")]
    pub async fn renaming(ctx: WorkflowContext) -> anyhow::Result<String> {
        let first = instruction(&ctx, false).named("old").await?;
        Ok(first + &instruction(&ctx, true).await?)
    }
}

mod after {
    use super::*;

    #[workflow(name = "renaming")]
    pub async fn renaming(ctx: WorkflowContext) -> anyhow::Result<String> {
        let first = instruction(&ctx, false).named("new").await?;
        Ok(first + &instruction(&ctx, true).await?)
    }
}

on_both_stores! {
    async fn a_named_call_is_recorded_and_answered_under_its_name(store: Store) {
        let id = store.id("wf");
        let lines = vec!["a".to_owned(), "hold".to_owned(), "a".to_owned()];
        let durable = store.open().register::<script>().launch().await.unwrap();
        drop(script(&durable, lines).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<script>().launch().await.unwrap();
        let names = durable.retrieve::<script>(&id).await.unwrap().result().await.unwrap();

        assert_eq!(names, ["line:a", "line:hold", "line:a"]);
        assert_eq!(
            store.step_names(&id).await,
            ["1 line:a", "2 line:hold", "3 line:a", "4 save"]
        );
        // The third line once, the first was answered from its record.
        assert_eq!(counted(&format!("{id}/line:a")), 2);
        assert_eq!(counted(&format!("{id}/line:hold")), 2);
    }

    async fn a_replay_compares_the_name_that_the_call_gives(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<before::renaming>().launch().await.unwrap();
        drop(before::renaming(&durable).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<after::renaming>().launch().await.unwrap();
        let handle = durable.retrieve::<after::renaming>(&id).await.unwrap();
        let error = handle.result().await.unwrap_err().to_string();

        assert!(
            error.contains("at position 1 `old` was recorded, and now `new` is called"),
            "{error}"
        );
    }
}
