//! Finding the durable calls of a body.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprAsync, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLoop, ExprMatch,
    ExprMethodCall, ExprPath, ExprWhile, Item, Local, Macro, Token,
};

use super::Site;
use super::columns::Columns;
use super::scope::Scope;
use crate::contexts::Contexts;

/// A walk over a body that collects sites.
pub(super) struct Walk {
    contexts: Contexts,
    columns: Columns,
    scope: Scope,
    sites: Vec<Site>,
}

impl Walk {
    /// A walk over a body in which `context` is the context.
    pub(super) fn new(context: &Ident, columns: Columns) -> Self {
        Self {
            contexts: Contexts::new(context),
            columns,
            scope: Scope::default(),
            sites: Vec::new(),
        }
    }

    /// The collected sites, in source order.
    pub(super) fn finish(mut self) -> Vec<Site> {
        self.sites.sort_by_key(|site| (site.line, site.column));
        self.sites
    }

    fn record(&mut self, callee: &Ident, span: Span) {
        let callee = callee.unraw().to_string();
        let (line, column) = self.columns.location(span);
        self.sites.push(Site {
            label: self.scope.label(&callee),
            callee,
            line,
            column,
        });
    }

    fn within(&mut self, kind: &str, walk: impl FnOnce(&mut Self)) {
        self.scope.enter(kind);
        walk(self);
        self.scope.leave();
    }
}

impl Visit<'_> for Walk {
    fn visit_expr_call(&mut self, call: &ExprCall) {
        if call
            .args
            .first()
            .is_some_and(|argument| self.contexts.is_context(argument))
            && let Some(ExprPath { path, .. }) = callee(&call.func)
            && let Some(segment) = path.segments.last()
        {
            // The location of a call is where its callee starts, which is the path's first token.
            self.record(&segment.ident, call.func.span());
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &ExprMethodCall) {
        self.visit_expr(&call.receiver);
        let is_method_of_context =
            self.contexts.is_context(&call.receiver) && call.method != "clone";
        if is_method_of_context
            || call
                .args
                .first()
                .is_some_and(|argument| self.contexts.is_context(argument))
        {
            self.record(&call.method, call.method.span());
        }
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_local(&mut self, local: &Local) {
        visit::visit_local(self, local);
        self.contexts.bind(local);
    }

    fn visit_block(&mut self, block: &Block) {
        let contexts = self.contexts.clone();
        visit::visit_block(self, block);
        self.contexts = contexts;
    }

    fn visit_expr_if(&mut self, branch: &ExprIf) {
        self.visit_expr(&branch.cond);
        self.within("if", |walk| walk.visit_block(&branch.then_branch));
        if let Some((_, otherwise)) = &branch.else_branch {
            self.within("else", |walk| walk.visit_expr(otherwise));
        }
    }

    fn visit_expr_match(&mut self, branch: &ExprMatch) {
        self.visit_expr(&branch.expr);
        self.within("match", |walk| {
            for arm in &branch.arms {
                walk.visit_arm(arm);
            }
        });
    }

    fn visit_arm(&mut self, arm: &Arm) {
        self.within("arm", |walk| visit::visit_arm(walk, arm));
    }

    fn visit_expr_for_loop(&mut self, repeat: &ExprForLoop) {
        self.visit_expr(&repeat.expr);
        self.within("for", |walk| walk.visit_block(&repeat.body));
    }

    fn visit_expr_while(&mut self, repeat: &ExprWhile) {
        self.within("while", |walk| visit::visit_expr_while(walk, repeat));
    }

    fn visit_expr_loop(&mut self, repeat: &ExprLoop) {
        self.within("loop", |walk| visit::visit_expr_loop(walk, repeat));
    }

    fn visit_expr_async(&mut self, block: &ExprAsync) {
        self.within("async", |walk| visit::visit_expr_async(walk, block));
    }

    fn visit_expr_closure(&mut self, closure: &ExprClosure) {
        self.within("closure", |walk| visit::visit_expr_closure(walk, closure));
    }

    fn visit_macro(&mut self, invocation: &Macro) {
        let arguments = invocation.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        let (Ok(arguments), Some(name)) = (arguments, invocation.path.segments.last()) else {
            return;
        };
        let name = name.ident.unraw().to_string();
        let walk = |walk: &mut Self| {
            for argument in &arguments {
                walk.visit_expr(argument);
            }
        };
        // Other macros, such as `format!`, say nothing about the order of calls.
        if matches!(name.as_str(), "join" | "try_join" | "select") {
            self.within(&name, walk);
        } else {
            walk(self);
        }
    }

    // An item in a body has its own parameters.
    fn visit_item(&mut self, _: &Item) {}
}

/// The path that a call names, if it names one.
fn callee(function: &Expr) -> Option<&ExprPath> {
    match function {
        Expr::Path(path) => Some(path),
        Expr::Paren(inner) => callee(&inner.expr),
        Expr::Group(inner) => callee(&inner.expr),
        _ => None,
    }
}
