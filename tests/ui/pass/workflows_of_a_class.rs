#![deny(warnings)]

use durable_runtime::{Passed, Workflow, prelude::*};
use serde_json::value::{RawValue, to_raw_value};

#[workflow(class = "interop", name = "echoWorkflow", raw)]
async fn echo(_ctx: WorkflowContext, arguments: Passed) -> anyhow::Result<Option<Box<RawValue>>> {
    Ok(arguments.positional.into_iter().next())
}

#[workflow(class = "interop", roles("admin", "editor"))]
async fn r#loop(ctx: WorkflowContext, value: Box<RawValue>) -> anyhow::Result<Box<RawValue>> {
    let arguments = Passed::new([value], [("times".to_owned(), to_raw_value(&1)?)]);
    echo(&ctx, arguments)
        .await?
        .ok_or_else(|| anyhow::anyhow!("nothing came back"))
}

#[workflow]
async fn plain(ctx: WorkflowContext) -> anyhow::Result<Option<Box<RawValue>>> {
    echo(&ctx, Passed::default()).await
}

type Arguments = Passed;

#[workflow(raw)]
async fn by_another_name(_ctx: WorkflowContext, mut r#in: Arguments) -> anyhow::Result<usize> {
    r#in.named.clear();
    Ok(r#in.positional.len())
}

fn main() {
    assert_eq!((echo::CLASS, echo::NAME), (Some("interop"), "echoWorkflow"));
    assert_eq!(echo::PARAMETERS, [""; 0]);
    assert_eq!((r#loop::CLASS, r#loop::NAME), (Some("interop"), "loop"));
    assert_eq!(r#loop::ROLES, ["admin", "editor"]);
    assert_eq!(r#loop::PARAMETERS, ["value"]);
    assert_eq!((plain::CLASS, plain::ROLES), (None, [""; 0].as_slice()));
    assert_eq!(by_another_name::PARAMETERS, [""; 0]);
}
