//! The durable calls in a workflow's body.
//!
//! A durable call is known by its first argument, the context, or by being a method of the
//! context. What a macro hides stays unknown here; at run time such a call is still told apart by
//! its source location, it only has no label.

mod scope;
mod walk;

use proc_macro2::{Span, TokenStream};
use syn::visit::Visit;
use syn::{Block, Pat, PatType};

/// One durable call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Where it stands in the body's structure: `for#1/if#1/embed#2`.
    pub(crate) label: String,
    /// The name of what is called.
    pub(crate) callee: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// The sites of a `body`, in source order.
pub(crate) fn sites(context: &PatType, body: &TokenStream) -> Vec<Site> {
    let Pat::Ident(context) = &*context.pat else {
        return Vec::new();
    };
    // A body that does not parse is rustc's to report.
    let Ok(body) = syn::parse2::<Block>(body.clone()) else {
        return Vec::new();
    };
    let mut walk = walk::Walk::new(&context.ident);
    walk.visit_block(&body);
    walk.finish()
}

/// Line and column as `core::panic::Location` counts them: both from one.
pub(crate) fn location(span: Span) -> (u32, u32) {
    let start = span.start();
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (number(start.line), number(start.column.saturating_add(1)))
}

#[cfg(test)]
mod tests;
