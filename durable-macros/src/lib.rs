//! The attribute macros of durable-runtime.

mod attributes;
mod diagnostics;
mod fallback;
mod function;
mod hash;
mod lifetimes;
mod options;
mod paths;
mod role;
mod signature;
mod sites;
#[cfg(test)]
mod snapshots;
mod spelled;
mod step;
mod surface;
mod transaction;
mod workflow;

use proc_macro::TokenStream;

/// Step.
#[proc_macro_attribute]
pub fn step(attribute: TokenStream, item: TokenStream) -> TokenStream {
    step::expand(attribute.into(), item.into()).into()
}

/// Transaction.
#[proc_macro_attribute]
pub fn transaction(attribute: TokenStream, item: TokenStream) -> TokenStream {
    transaction::expand(attribute.into(), item.into()).into()
}

/// Workflow.
#[proc_macro_attribute]
pub fn workflow(attribute: TokenStream, item: TokenStream) -> TokenStream {
    workflow::expand(attribute.into(), item.into()).into()
}
