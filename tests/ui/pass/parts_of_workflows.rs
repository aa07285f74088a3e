//! Parts are functions as they are written; their type stands beside them.

use durable_runtime::prelude::*;
use durable_runtime::{Workflow, WorkflowPart};

#[step]
async fn load(_ctx: StepContext, name: &str) -> anyhow::Result<String> {
    Ok(name.to_owned())
}

/// Generic, borrowing, and of a result that is none.
#[workflow_part]
async fn load_all<'a, I>(ctx: &'a WorkflowContext, names: I) -> Vec<String>
where
    I: IntoIterator<Item = &'a str>,
{
    let mut texts = Vec::new();
    for name in names {
        texts.extend(load(ctx, name).await);
    }
    texts
}

/// Calls itself without naming itself.
#[workflow_part]
async fn deep(context: &WorkflowContext, depth: u32) -> anyhow::Result<()> {
    if depth > 0 {
        load(context, "deep").await?;
        Box::pin(deep(context, depth - 1)).await?;
    }
    Ok(())
}

mod other {
    use super::*;

    #[workflow_part(parts(super::deep), crate = ::durable_runtime)]
    #[allow(dead_code)]
    pub(crate) async fn r#loop(ctx: &WorkflowContext) {
        let _ = super::deep(ctx, 3).await;
    }
}

#[workflow(parts(load_all, other::r#loop))]
async fn reads(ctx: WorkflowContext) -> anyhow::Result<usize> {
    other::r#loop(&ctx).await;
    Ok(load_all(&ctx, ["a", "b"]).await.len())
}

#[workflow(version = "1", parts(load_all))]
async fn pinned(ctx: WorkflowContext) -> anyhow::Result<usize> {
    Ok(load_all(&ctx, ["a", "b"]).await.len())
}

fn main() {
    let labels: Vec<_> = reads::machine().sites.into_iter().map(|site| site.label).collect();
    assert_eq!(
        labels,
        ["loop/deep/if#1/load", "loop/deep/if#1/deep", "load_all/for#1/load"]
            .map(|label| label.to_owned())
    );
    assert_eq!(<load_all as WorkflowPart>::CODE.sites.len(), 1);
    assert_eq!(reads::VERSION, reads::CODE.hash);
    assert_eq!(pinned::VERSION, "1");
}
