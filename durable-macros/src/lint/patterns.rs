//! The names that a pattern binds.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Expr, Pat, PatIdent};

use super::scope::{Scope, Value};

/// Binds all names of a pattern to what is known of the value that it takes apart.
pub(super) fn bind(pattern: &Pat, value: Value, scope: &mut Scope) {
    // Only a name for the whole value is what the value is.
    let value = match crate::contexts::named(pattern) {
        Some(_) => value,
        None => Value::of(value.carry),
    };
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    for name in names.0 {
        scope.bind(name, value);
    }
}

/// The guard of an arm.
pub(super) fn guard(pattern: &Pat) -> Option<&Expr> {
    match pattern {
        Pat::Guard(guarded) => Some(&guarded.guard),
        _ => None,
    }
}

struct Names<'p>(Vec<&'p Ident>);

impl<'p> Visit<'p> for Names<'p> {
    fn visit_pat_ident(&mut self, pattern: &'p PatIdent) {
        // `None` and constants look like names.
        let first = pattern.ident.to_string().chars().next();
        if !first.is_some_and(char::is_uppercase) {
            self.0.push(&pattern.ident);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_expr(&mut self, _: &'p Expr) {}
}
