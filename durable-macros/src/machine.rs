//! What a workflow's body says about its durable calls: where they are, and the ways between them.
//!
//! A durable call is known by its first argument, the context, or by being a method of the
//! context. What a macro hides stays unknown here; at run time such a call is still told apart by
//! its source location, it only has no label and no place in the graph.
//!
//! The graph approximates what cannot be read off the source: a closure runs any number of times
//! where it is written, an async block or a pending call that is given a name runs where the name
//! is first used, and a panic is not drawn.

mod branch;
mod call;
mod columns;
mod flow;
mod named;
mod parallel;
mod piece;
mod repeat;
mod scope;
mod sketch;
mod walk;

use std::collections::BTreeMap;

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
    /// The path of a function that is called, without what it is relative to.
    pub(crate) path: Vec<String>,
    pub(crate) kind: SiteKind,
    pub(crate) line: u32,
    /// As a location counts: see [`columns`].
    pub(crate) column: u32,
}

/// What kind of call a site is: variants of the runtime's type of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SiteKind {
    /// A function that takes the context.
    Call,
    /// A workflow, by what is done with the call.
    Child,
    /// A method of the context.
    Operation,
}

/// A place where ways part or meet and no call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joint {
    pub(crate) kind: JointKind,
    /// What decides.
    pub(crate) text: String,
    pub(crate) line: u32,
}

/// What a joint does: variants of the runtime's type of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JointKind {
    /// One of several ways is taken.
    Choice,
    /// A way may be taken again.
    Loop,
    /// All ways are taken.
    Fork,
    /// All ways have been taken.
    Join,
}

/// What an edge connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The function begins.
    Start,
    /// A call, by its index.
    Site(usize),
    /// A joint, by its index.
    Joint(usize),
    /// The function returns.
    End,
    /// The function ends in an error.
    Error,
    /// Where a piece of the graph will be put in.
    Hole(usize),
}

/// A way from one node to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: Node,
    pub(crate) to: Node,
    pub(crate) way: Way,
    /// In which case it is taken.
    pub(crate) when: Option<String>,
}

/// How an edge is taken: variants of the runtime's type of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One after the other.
    Next,
    /// Back to the head of a loop.
    Again,
    /// Out of a loop or a block.
    Break,
    /// By `return` and the like.
    Return,
    /// By `?`.
    Fail,
    /// Together with others.
    Fork,
    /// Against others.
    Race,
    /// To what undoes a call.
    Undo,
}

/// What was read off a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// In source order.
    pub(crate) sites: Vec<Site>,
    pub(crate) joints: Vec<Joint>,
    pub(crate) edges: Vec<Edge>,
}

/// Reads a `body` in which the parameter `context` is the context.
pub(crate) fn read(context: &PatType, body: &TokenStream) -> Machine {
    let Pat::Ident(context) = &*context.pat else {
        return Machine::default();
    };
    // A body that does not parse is rustc's to report.
    let Ok(block) = syn::parse2::<Block>(body.clone()) else {
        return Machine::default();
    };
    let mut walk = Walk::new(&context.ident, Columns::of(body), &block);
    walk.visit_block(&block);
    walk.finish().in_source_order()
}

impl Machine {
    fn in_source_order(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.sites.len()).collect();
        order.sort_by_key(|index| self.sites.get(*index).map(|site| (site.line, site.column)));
        let places: BTreeMap<usize, usize> = order.iter().copied().zip(0..).collect();
        let place = |node: Node| match node {
            Node::Site(index) => Node::Site(places.get(&index).copied().unwrap_or(index)),
            other => other,
        };
        for edge in &mut self.edges {
            (edge.from, edge.to) = (place(edge.from), place(edge.to));
        }
        self.sites.sort_by_key(|site| (site.line, site.column));
        let line = |node: Node| match node {
            Node::Site(index) => self.sites.get(index).map(|site| site.line),
            Node::Joint(index) => self.joints.get(index).map(|joint| joint.line),
            Node::Start | Node::End | Node::Error | Node::Hole(_) => None,
        };
        self.edges.sort_by_key(|edge| line(edge.from));
        self
    }
}

/// The line of `span`.
pub(crate) fn line(span: Span) -> u32 {
    columns::number(span.start().line)
}

#[cfg(test)]
mod tests;
