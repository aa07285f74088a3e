//! The walk over a body, in the order in which it runs.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprAsync, ExprBinary, ExprBlock, ExprBreak, ExprCall, ExprClosure,
    ExprContinue, ExprForLoop, ExprIf, ExprLoop, ExprMatch, ExprMethodCall, ExprPath, ExprReturn,
    ExprTry, ExprWhile, Item, Local, Macro, Pat, Path, Stmt,
};

use super::columns::Columns;
use super::flow::{Flow, FrameKind};
use super::named::mentions;
use super::piece::Fragment;
use super::scope::Scope;
use super::sketch::sketch;
use super::{Machine, Site, SiteKind};
use crate::code::names;
use crate::contexts::Contexts;

/// A walk over a body that collects sites and the ways between them.
pub(super) struct Walk {
    pub(super) contexts: Contexts,
    columns: Columns,
    pub(super) scope: Scope,
    sites: Vec<Site>,
    pub(super) flow: Flow,
    /// Pieces with a name that wait for its use.
    pub(super) fragments: BTreeMap<Ident, Fragment>,
    /// The variables that are sagas.
    pub(super) sagas: BTreeSet<Ident>,
    /// What the next closure is for.
    pub(super) closure: Closure,
    /// The error that the function ends with, if that is written at its end.
    errors: Vec<*const Expr>,
}

/// What a closure is for.
#[derive(Clone, Default)]
pub(super) enum Closure {
    /// It runs any number of times.
    #[default]
    Unknown,
    /// It is given to a method, such as `map`.
    Of(String),
    /// It makes the calls that are waited for together.
    Each,
}

impl Walk {
    /// A walk over a body in which `context` is the context.
    pub(super) fn new(context: &Ident, columns: Columns, body: &Block) -> Self {
        let mut errors = Vec::new();
        ends_in_error(body, &mut errors);
        Self {
            contexts: Contexts::new(context),
            columns,
            scope: Scope::default(),
            sites: Vec::new(),
            flow: Flow::begin(),
            fragments: BTreeMap::new(),
            sagas: BTreeSet::new(),
            closure: Closure::Unknown,
            errors,
        }
    }

    /// What was collected; sites in the order of the walk.
    pub(super) fn finish(self) -> Machine {
        let (joints, edges) = self.flow.finish();
        Machine {
            sites: self.sites,
            joints,
            edges,
        }
    }

    /// Takes note of a site; the walk arrives there when its arguments have been walked.
    pub(super) fn record(&mut self, callee: &Ident, kind: SiteKind, span: Span) -> usize {
        let callee = callee.unraw().to_string();
        let (line, column) = self.columns.location(span);
        self.sites.push(Site {
            label: self.scope.label(&callee),
            callee,
            path: Vec::new(),
            kind,
            line,
            column,
        });
        self.sites.len() - 1
    }

    /// Takes note of the path of the function that a site calls.
    pub(super) fn note_path(&mut self, site: usize, path: &Path) {
        if let Some(site) = self.sites.get_mut(site) {
            site.path = names(path);
        }
    }

    /// One line of source, for a picture.
    pub(super) fn sketch(&self, source: &impl ToTokens) -> String {
        sketch(source.to_token_stream(), &self.contexts)
    }

    pub(super) fn within(&mut self, kind: &str, walk: impl FnOnce(&mut Self)) {
        self.scope.enter(kind);
        walk(self);
        self.scope.leave();
    }

    fn walk_statements(&mut self, statements: &[Stmt]) {
        let mut rest = statements;
        while let Some((statement, after)) = rest.split_first() {
            rest = after;
            match statement {
                Stmt::Local(local) => self.walk_local(local, after),
                statement => visit::visit_stmt(self, statement),
            }
        }
    }

    fn walk_local(&mut self, local: &Local, after: &[Stmt]) {
        match &local.init {
            Some(init) if init.diverge.is_some() => self.walk_let_else(local, init),
            Some(init) => match bound(&local.pat) {
                Some(name) if self.waits(&init.expr) && mentions(after, name) => {
                    let name = name.clone();
                    self.name(&name, |walk| visit::visit_local(walk, local));
                }
                name => {
                    visit::visit_local(self, local);
                    if let Some(name) = name {
                        self.fragments.remove(name);
                    }
                }
            },
            None => visit::visit_local(self, local),
        }
        self.note_saga(local);
        self.contexts.bind(local);
    }
}

impl Visit<'_> for Walk {
    fn visit_expr(&mut self, expression: &Expr) {
        // A closure in an argument of an argument is not for the method outside.
        if !matches!(
            expression,
            Expr::Closure(_) | Expr::MethodCall(_) | Expr::Paren(_)
        ) && matches!(self.closure, Closure::Of(_))
        {
            self.closure = Closure::Unknown;
        }
        visit::visit_expr(self, expression);
        if self
            .errors
            .iter()
            .any(|error| std::ptr::eq(*error, expression))
        {
            self.flow.end(true);
        }
    }

    fn visit_expr_call(&mut self, call: &ExprCall) {
        self.walk_call(call);
    }

    fn visit_expr_method_call(&mut self, call: &ExprMethodCall) {
        self.walk_method_call(call, false);
    }

    fn visit_expr_path(&mut self, path: &ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.mention(name);
        }
    }

    fn visit_expr_try(&mut self, attempt: &ExprTry) {
        let before = self.flow.failed();
        visit::visit_expr_try(self, attempt);
        self.flow.attempt();
        // What failed inside, in an async block, fails here as well.
        self.flow.stop(&before);
    }

    fn visit_expr_return(&mut self, leave: &ExprReturn) {
        visit::visit_expr_return(self, leave);
        let in_error = leave.expr.as_deref().is_some_and(is_error);
        self.flow.end(in_error);
    }

    fn visit_expr_break(&mut self, leave: &ExprBreak) {
        visit::visit_expr_break(self, leave);
        let label = leave.label.as_ref().map(|label| label.ident.to_string());
        self.flow.depart(label.as_deref());
    }

    fn visit_expr_continue(&mut self, again: &ExprContinue) {
        let label = again.label.as_ref().map(|label| label.ident.to_string());
        self.flow.repeat(label.as_deref());
    }

    fn visit_local(&mut self, local: &Local) {
        self.walk_local(local, &[]);
    }

    fn visit_block(&mut self, block: &Block) {
        let contexts = self.contexts.clone();
        self.walk_statements(&block.stmts);
        self.contexts = contexts;
    }

    fn visit_expr_block(&mut self, block: &ExprBlock) {
        match &block.label {
            Some(label) => {
                let label = label.name.ident.to_string();
                self.flow.enter(FrameKind::Block, Some(label));
                self.visit_block(&block.block);
                self.flow.leave();
            }
            None => self.visit_block(&block.block),
        }
    }

    fn visit_expr_binary(&mut self, binary: &ExprBinary) {
        match binary.op {
            BinOp::And(_) | BinOp::Or(_) if self.makes_calls(&binary.right) => {
                self.walk_short_circuit(binary);
            }
            _ => visit::visit_expr_binary(self, binary),
        }
    }

    fn visit_expr_if(&mut self, branch: &ExprIf) {
        self.walk_if(branch);
    }

    fn visit_expr_match(&mut self, branch: &ExprMatch) {
        self.walk_match(branch);
    }

    // The walk of a `match` visits its arms itself.
    fn visit_arm(&mut self, _: &Arm) {}

    fn visit_expr_for_loop(&mut self, repeat: &ExprForLoop) {
        self.walk_for(repeat);
    }

    fn visit_expr_while(&mut self, repeat: &ExprWhile) {
        self.walk_while(repeat);
    }

    fn visit_expr_loop(&mut self, repeat: &ExprLoop) {
        self.walk_loop(repeat);
    }

    fn visit_expr_async(&mut self, block: &ExprAsync) {
        self.within("async", |walk| {
            walk.flow.enter(FrameKind::Inner, None);
            visit::visit_expr_async(walk, block);
            walk.flow.leave();
        });
    }

    fn visit_expr_closure(&mut self, closure: &ExprClosure) {
        self.within("closure", |walk| walk.walk_closure(closure));
    }

    fn visit_macro(&mut self, invocation: &Macro) {
        self.walk_macro(invocation);
    }

    // An item in a body has its own parameters.
    fn visit_item(&mut self, _: &Item) {}
}

/// The name that a pattern binds, if it binds one and does nothing else.
pub(super) fn bound(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.subpat.is_none() => Some(&pattern.ident),
        Pat::Type(pattern) => bound(&pattern.pat),
        _ => None,
    }
}

/// Whether an expression is an `Err(…)`.
pub(super) fn is_error(expression: &Expr) -> bool {
    match expression {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path
                .path
                .segments
                .last()
                .is_some_and(|name| name.ident == "Err"),
            _ => false,
        },
        Expr::Paren(inner) => is_error(&inner.expr),
        _ => false,
    }
}

/// The `Err(…)`s in which a function ends without a `return`.
fn ends_in_error(block: &Block, errors: &mut Vec<*const Expr>) {
    fn last(expression: &Expr, errors: &mut Vec<*const Expr>) {
        match expression {
            Expr::If(branch) => {
                ends_in_error(&branch.then_branch, errors);
                if let Some((_, otherwise)) = &branch.else_branch {
                    last(otherwise, errors);
                }
            }
            Expr::Match(branch) => {
                for arm in &branch.arms {
                    last(&arm.body, errors);
                }
            }
            Expr::Block(inner) if inner.label.is_none() => ends_in_error(&inner.block, errors),
            error if is_error(error) => errors.push(std::ptr::from_ref(error)),
            _ => {}
        }
    }
    if let Some(Stmt::Expr(expression, None)) = block.stmts.last() {
        last(expression, errors);
    }
}
