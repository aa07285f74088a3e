//! The walk over a body: statements, blocks, and what is reported.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Block, Item, Local, Pat, PatType, Stmt, Type};

use super::allowances::{self, Allowances};
use super::iteration;
use super::offence::Offence;
use super::patterns;
use super::scope::{Carry, Scope, Value};
use super::state;
use crate::diagnostics::Diagnostics;
use crate::signature::Argument;

/// A walk over one body.
pub(super) struct Walk<'a> {
    pub(super) scope: Scope,
    /// What the context is called, for the messages; nothing if there is none.
    context: Option<String>,
    allowances: Allowances,
    /// The allowances of the statements around this place.
    active: Vec<usize>,
    awaits_others: bool,
    diagnostics: &'a mut Diagnostics,
    /// How many offences were seen, reported or not.
    pub(super) offences: usize,
    /// How often the context was carried somewhere.
    pub(super) carried: usize,
    /// Whether a loop is walked only to learn what its end tells its beginning.
    muted: bool,
    /// Whether what is made of an iterator does not depend on its order.
    pub(super) orderless: bool,
    /// Whether the values here go into a log and nowhere else.
    pub(super) logged: bool,
}

impl<'a> Walk<'a> {
    /// A walk over the body of a function with this `context` and these `arguments`.
    pub(super) fn new(
        context: Option<&PatType>,
        arguments: &[Argument],
        allowances: Allowances,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let name = context.and_then(|context| match &*context.pat {
            Pat::Ident(name) => Some(&name.ident),
            _ => None,
        });
        let owned = context.is_some_and(|context| !matches!(&*context.ty, Type::Reference(_)));
        let mut scope = Scope::new(name, owned);
        for argument in arguments {
            let shape = iteration::shape_of_type(&argument.ty, &scope);
            scope.bind(
                &argument.name,
                Value {
                    carry: Carry::Nothing,
                    shape,
                },
            );
        }
        Self {
            scope,
            context: context.map(|_| name.map_or_else(|| "ctx".to_owned(), ToString::to_string)),
            allowances,
            active: Vec::new(),
            awaits_others: false,
            diagnostics,
            offences: 0,
            carried: 0,
            muted: false,
            orderless: false,
            logged: false,
        }
    }

    /// Reports what is wrong with the allowances; whether an allowed statement waits for others.
    pub(super) fn finish(self) -> bool {
        self.allowances.finish(self.diagnostics);
        self.awaits_others
    }

    /// Whether the context is known, without which nothing can be said about an `.await`.
    pub(super) fn has_context(&self) -> bool {
        self.context.is_some()
    }

    /// Reports an offence at `culprit`, unless it is allowed here.
    pub(super) fn report(
        &mut self,
        offence: Offence,
        culprit: impl ToTokens,
        written: impl std::fmt::Display,
    ) {
        if self.logged && offence.is_harmless_in_a_log() {
            return;
        }
        self.offences += 1;
        if let Some(allowance) = self.active.last() {
            self.allowances.uses(*allowance);
        } else if !self.muted {
            let context = self.context.as_deref().unwrap_or("ctx");
            self.diagnostics
                .refuse(culprit, offence.problem(written), offence.instead(context));
        }
    }

    /// Walks something with the allowances among its attributes; `tokens` are all of it.
    pub(super) fn allowing<T>(
        &mut self,
        attributes: &[syn::Attribute],
        tokens: impl FnOnce() -> TokenStream,
        walk: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Some(allowance) = self.allowances.claim(attributes) else {
            return walk(self);
        };
        self.active.push(allowance);
        let walked = walk(self);
        self.active.pop();
        if self.allowances.is_used(allowance) && allowances::waits(&tokens()) {
            self.awaits_others = true;
        }
        walked
    }

    /// Walks something of which the names are forgotten afterwards.
    pub(super) fn within<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.scope.mark();
        let walked = walk(self);
        self.scope.back_to(mark);
        walked
    }

    /// Walks the body of a loop: its end may tell something about its beginning.
    pub(super) fn repeated(&mut self, walk: impl Fn(&mut Self)) {
        let was_muted = std::mem::replace(&mut self.muted, true);
        self.within(&walk);
        self.muted = was_muted;
        self.within(&walk);
    }

    /// Walks a block; its value is that of its last expression.
    pub(super) fn block(&mut self, block: &Block) -> Value {
        self.within(|walk| walk.statements(&block.stmts))
    }

    /// Walks statements that share their names.
    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Value {
        self.scope.imports().enter(statements);
        let mut value = Value::default();
        let mut rest = statements;
        while let Some((statement, after)) = rest.split_first() {
            rest = after;
            value = self.allowing(
                allowances::attributes(statement),
                || statement.to_token_stream(),
                |walk| walk.statement(statement, after),
            );
        }
        value
    }

    fn statement(&mut self, statement: &Stmt, after: &[Stmt]) -> Value {
        match statement {
            Stmt::Local(local) => {
                self.local(local, after);
                Value::default()
            }
            Stmt::Expr(expression, semicolon) => {
                let value = self.value(expression);
                match semicolon {
                    Some(_) => Value::default(),
                    None => value,
                }
            }
            Stmt::Macro(invocation) => {
                let value = self.invocation(&invocation.mac);
                match invocation.semi_token {
                    Some(_) => Value::default(),
                    None => value,
                }
            }
            Stmt::Item(item) => {
                self.item(item);
                Value::default()
            }
        }
    }

    fn local(&mut self, local: &Local, after: &[Stmt]) {
        let ty = match &local.pat {
            Pat::Type(typed) => Some(&*typed.ty),
            _ => None,
        };
        let Some(init) = &local.init else {
            let shape = ty.and_then(|ty| iteration::shape_of_type(ty, &self.scope));
            let value = Value {
                carry: Carry::Nothing,
                shape,
            };
            patterns::bind(&local.pat, value, &mut self.scope);
            return;
        };
        self.orderless = ty.is_some_and(iteration::is_ordered_or_unordered)
            || iteration::is_sorted_next(&local.pat, after);
        let mut value = self.value(&init.expr);
        if let Some((_, diverge)) = &init.diverge {
            self.value(diverge);
        }
        if let Some(ty) = ty {
            value.shape = iteration::shape_of_type(ty, &self.scope);
        }
        if !self.scope.rename(local) {
            patterns::bind(&local.pat, value, &mut self.scope);
        }
    }

    // The functions of a body have parameters and roles of their own.
    fn item(&mut self, item: &Item) {
        match item {
            Item::Static(item) if state::is_shared(item) => {
                let written = format!("static {}", item.ident);
                self.report(Offence::Static, &item.ident, written);
            }
            Item::Macro(item) if state::is_thread_local(&item.mac) => {
                self.report(Offence::ThreadLocal, &item.mac.path, "");
            }
            _ => {}
        }
    }

    /// Binds the names of a pattern.
    pub(super) fn bind(&mut self, pattern: &Pat, value: Value) {
        patterns::bind(pattern, value, &mut self.scope);
    }
}

/// The name of a method or variable without `r#`.
pub(super) fn text(ident: &Ident) -> String {
    ident.unraw().to_string()
}
