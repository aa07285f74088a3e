#![deny(warnings)]

use durable_runtime::prelude::*;

macro_rules! constant {
    ($name:ident: $type:ty = $value:expr) => {
        #[step]
        async fn $name(_ctx: StepContext, factor: $type) -> anyhow::Result<$type> {
            Ok($value * factor)
        }
    };
}

constant!(seven: u32 = 7);

macro_rules! runs {
    ($name:ident => $step:ident) => {
        #[workflow]
        async fn $name(ctx: WorkflowContext, factor: u32) -> anyhow::Result<u32> {
            $step(&ctx, factor).await
        }
    };
}

runs!(all => seven);

pub fn register(builder: durable_runtime::Builder) -> durable_runtime::Builder {
    builder.register::<all>()
}

fn main() {}
