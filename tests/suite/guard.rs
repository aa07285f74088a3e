//! What a workflow waits for that is no durable call: it is found, and said to whom it concerns.

mod explained;
mod told;

use durable_runtime::WorkflowContext;

/// Waits for something that is no durable call, out of the macro's sight.
async fn unseen<F: Future>(_ctx: &WorkflowContext, other: F) -> F::Output {
    other.await
}
