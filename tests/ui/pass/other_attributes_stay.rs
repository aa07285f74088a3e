#![deny(warnings, missing_docs)]

//! Attributes beside those of the runtime.

use durable_runtime::prelude::*;

/// A step with lint levels, whose body would warn.
#[step]
#[allow(unused_variables, clippy::needless_lifetimes)]
pub async fn lenient<'a>(ctx: StepContext, #[allow(dead_code)] text: &'a str) -> anyhow::Result<()> {
    let unused = 1;
    Ok(())
}

/// Not in this build.
#[step]
#[cfg(not(any(unix, windows)))]
pub async fn elsewhere(_ctx: StepContext) -> anyhow::Result<()> {
    undefined()
}

/// Not in this build either.
#[workflow]
#[cfg(not(any(unix, windows)))]
pub async fn elsewhere_too(_ctx: WorkflowContext) -> anyhow::Result<()> {
    undefined()
}

/// Old.
#[step]
#[deprecated = "use `lenient`"]
pub async fn old(_ctx: StepContext) -> anyhow::Result<()> {
    Ok(())
}

/// A workflow.
#[workflow]
#[expect(unused_variables, reason = "shows that an expectation holds in one place")]
pub async fn all(ctx: WorkflowContext) -> anyhow::Result<()> {
    let unused = 1;
    #[allow(deprecated)]
    old(&ctx).await?;
    lenient(&ctx, "").await
}

fn main() {}
