//! Which names of a body are its context.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use syn::{Expr, Local, Pat};

/// The names that stand for the context at one place of a body.
#[derive(Clone)]
pub(crate) struct Contexts {
    names: BTreeSet<Ident>,
}

impl Contexts {
    /// The names at the beginning of a body whose parameter is `context`.
    pub(crate) fn new(context: &Ident) -> Self {
        Self {
            names: BTreeSet::from([context.clone()]),
        }
    }

    /// Whether an expression is the context: `ctx`, `&ctx`, `&mut ctx` or `ctx.clone()`.
    pub(crate) fn is_context(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| self.names.contains(name)),
            Expr::Reference(reference) => self.is_context(&reference.expr),
            Expr::Paren(inner) => self.is_context(&inner.expr),
            Expr::Group(inner) => self.is_context(&inner.expr),
            Expr::MethodCall(call) => call.method == "clone" && self.is_context(&call.receiver),
            _ => false,
        }
    }

    /// Takes note of what a `let` renames to the context, or hides it with.
    pub(crate) fn bind(&mut self, local: &Local) {
        let Some(name) = named(&local.pat) else {
            return;
        };
        let renames = local
            .init
            .as_ref()
            .is_some_and(|init| self.is_context(&init.expr));
        if renames {
            self.names.insert(name.clone());
        } else {
            self.hide(name);
        }
    }

    /// Takes note that a name stands for something else from here on.
    pub(crate) fn hide(&mut self, name: &Ident) {
        self.names.remove(name);
    }
}

/// The name that a `let` gives to the whole value.
pub(crate) fn named(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(pattern) => Some(&pattern.ident),
        Pat::Type(typed) => named(&typed.pat),
        _ => None,
    }
}
