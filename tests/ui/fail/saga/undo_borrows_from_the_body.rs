use durable_runtime::Saga;
use durable_runtime::prelude::*;

#[step]
async fn cancel(_ctx: StepContext, _key: &str) -> anyhow::Result<()> {
    Ok(())
}

#[workflow]
async fn trip(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        let key = String::from("key");
        saga.defer(|| cancel(&ctx, &key));
        Ok(())
    })
    .await
}

fn main() {}
