use durable_runtime::prelude::*;
use std::cell::Cell;

#[workflow]
async fn run(_ctx: WorkflowContext) -> anyhow::Result<()> {
    thread_local! {
        static LAST: Cell<u8> = const { Cell::new(0) };
    }
    LAST.set(1);
    Ok(())
}

fn main() {}
