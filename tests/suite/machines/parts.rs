//! A workflow whose calls are partly in other functions. It is only drawn.

use std::time::Duration;

use durable_runtime::prelude::*;

#[step]
async fn look_up(_ctx: StepContext, order: u64) -> anyhow::Result<u64> {
    Ok(order)
}

#[step]
async fn reserve(_ctx: StepContext, _order: u64) -> anyhow::Result<()> {
    Ok(())
}

#[step]
async fn print_label(_ctx: StepContext, _order: u64) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(parts(prepare, orders::ship))]
pub async fn fulfil(ctx: WorkflowContext, order: u64, boxes: u32) -> anyhow::Result<u64> {
    let order = look_up(&ctx, order).await?;
    #[expect(clippy::question_mark, reason = "a way that is drawn")]
    if let Err(error) = prepare(&ctx, order).await {
        return Err(error);
    }
    ctx.sleep(Duration::from_secs(1)).await;
    for _ in 0..boxes {
        orders::ship(&ctx, order, boxes > 3).await?;
    }
    Ok(order)
}

/// Also used by a workflow that does not name it: there it is a call like any other.
#[workflow_part(parts(print))]
async fn prepare(ctx: &WorkflowContext, order: u64) -> anyhow::Result<()> {
    reserve(ctx, order).await?;
    print(ctx, order).await
}

#[workflow_part]
async fn print(ctx: &WorkflowContext, order: u64) -> anyhow::Result<()> {
    print_label(ctx, order).await
}

mod orders {
    use super::*;

    #[step]
    async fn wait_for_courier(_ctx: StepContext) -> anyhow::Result<()> {
        Ok(())
    }

    #[step]
    async fn hand_over(_ctx: StepContext, _order: u64) -> anyhow::Result<()> {
        Ok(())
    }

    #[workflow_part(parts(super::print))]
    pub async fn ship(ctx: &WorkflowContext, order: u64, heavy: bool) -> anyhow::Result<()> {
        if heavy {
            wait_for_courier(ctx).await?;
        }
        super::print(ctx, order).await?;
        hand_over(ctx, order).await
    }
}
