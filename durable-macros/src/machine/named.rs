//! What runs later than it is written: closures, async blocks and pending calls.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit;
use syn::{Expr, ExprClosure, Stmt};

use super::flow::FrameKind;
use super::walk::{Closure, Walk};
use super::{JointKind, Way, line};

impl Walk {
    /// Walks what belongs to a name, as a piece of its own if it makes durable calls.
    pub(super) fn name(&mut self, name: &Ident, walk: impl FnOnce(&mut Self)) {
        let mark = self.flow.mark();
        let before = self.flow.take();
        let hole = self.flow.detach();
        walk(self);
        if self.flow.calls_since(&mark) {
            let fragment = self.flow.fragment(hole);
            self.fragments.insert(name.clone(), fragment);
            self.flow.give(before);
        } else {
            self.flow.settle(mark);
        }
    }

    /// Whether an expression runs nothing until it is used: an async block, a closure, a call that
    /// is not awaited.
    pub(super) fn waits(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Async(_) | Expr::Closure(_) => true,
            Expr::Paren(inner) => self.waits(&inner.expr),
            Expr::Call(call) => self.is_call(call),
            Expr::MethodCall(call) => self.is_pending(call),
            _ => false,
        }
    }

    /// The name of a piece is used: this is where it runs.
    pub(super) fn mention(&mut self, name: &Ident) {
        if let Some(fragment) = self.fragments.remove(name) {
            self.flow.splice(fragment);
        }
    }

    /// Uses of names in what cannot be parsed.
    pub(super) fn mention_all(&mut self, tokens: &TokenStream) {
        if !self.fragments.is_empty() {
            for name in identifiers(tokens.clone()) {
                self.mention(&name);
            }
        }
    }

    /// A closure runs any number of times where it stands.
    pub(super) fn walk_closure(&mut self, closure: &ExprClosure) {
        let inputs = self.sketch(&closure.inputs);
        let inner = |walk: &mut Self| {
            walk.flow.enter(FrameKind::Inner, None);
            visit::visit_expr_closure(walk, closure);
            walk.flow.leave();
        };
        let text = match std::mem::take(&mut self.closure) {
            Closure::Each => {
                self.flow.when("each");
                return inner(self);
            }
            Closure::Of(method) => format!("{method} |{inputs}|"),
            Closure::Unknown => format!("|{inputs}|"),
        };
        let mark = self.flow.mark();
        let line = line(closure.inputs_begin.spans[0]);
        let head = self.flow.joint(JointKind::Loop, text, line);
        inner(self);
        self.flow.again(head);
        self.flow.resume(head, Way::Next, Some("done"));
        self.flow.settle(mark);
    }
}

/// Whether a name is used in some statements.
pub(super) fn mentions(statements: &[Stmt], name: &Ident) -> bool {
    statements.iter().any(|statement| {
        identifiers(statement.to_token_stream())
            .iter()
            .any(|other| other == name)
    })
}

/// All identifiers in some tokens.
fn identifiers(tokens: TokenStream) -> Vec<Ident> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(name) => vec![name],
            TokenTree::Group(group) => identifiers(group.stream()),
            _ => Vec::new(),
        })
        .collect()
}
