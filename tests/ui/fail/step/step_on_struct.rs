use durable_runtime::prelude::*;

#[step]
struct Load {
    file: String,
}

fn main() {}
