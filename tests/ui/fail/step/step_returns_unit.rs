use durable_runtime::prelude::*;

#[step]
async fn notify(_ctx: StepContext) -> () {}

fn main() {}
