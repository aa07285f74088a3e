//! The durable calls in a workflow's body.
//!
//! A durable call is known by its first argument, the context, or by being a method of the
//! context. What a macro hides stays unknown here; at run time such a call is still told apart by
//! its source location, it only has no label.

mod columns;
mod scope;
mod walk;

use proc_macro2::{Span, TokenStream};
use syn::visit::Visit;
use syn::{Block, Pat, PatType};

use self::columns::Columns;
use self::walk::Walk;

/// One durable call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Where it stands in the body's structure: `for#1/if#1/embed#2`.
    pub(crate) label: String,
    /// The name of what is called.
    pub(crate) callee: String,
    pub(crate) line: u32,
    /// As a location counts: see [`columns`].
    pub(crate) column: u32,
}

/// The sites of a `body`, in source order.
pub(crate) fn sites(context: &PatType, body: &TokenStream) -> Vec<Site> {
    let Pat::Ident(context) = &*context.pat else {
        return Vec::new();
    };
    // A body that does not parse is rustc's to report.
    let Ok(block) = syn::parse2::<Block>(body.clone()) else {
        return Vec::new();
    };
    let mut walk = Walk::new(&context.ident, Columns::of(body));
    walk.visit_block(&block);
    walk.finish()
}

/// The line of `span`.
pub(crate) fn line(span: Span) -> u32 {
    columns::number(span.start().line)
}

#[cfg(test)]
mod tests;
