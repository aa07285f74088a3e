use durable_runtime::prelude::*;

#[workflow_part]
struct Orders;

fn main() {}
