use durable_runtime::prelude::*;

#[step]
async fn find(_ctx: StepContext) -> Option<String> {
    None
}

fn main() {}
