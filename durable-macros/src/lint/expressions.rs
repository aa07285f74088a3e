//! The walk over expressions: each says how its value has to do with the context.

use quote::ToTokens;
use syn::{Expr, ExprClosure, ExprMatch};

use super::imports;
use super::offence::Offence;
use super::patterns;
use super::scope::{Carry, Value};
use super::walk::Walk;
use crate::contexts::named;

impl Walk<'_> {
    /// Walks an expression.
    pub(super) fn value(&mut self, expression: &Expr) -> Value {
        let orderless = std::mem::take(&mut self.orderless);
        if self.scope.is_context(expression) {
            self.carried += 1;
            return Value::of(Carry::Call);
        }
        match expression {
            Expr::Await(inner) => self.awaited(&inner.base, inner.await_token),
            Expr::MethodCall(call) => self.method(call, orderless),
            Expr::Call(call) => self.call(call),
            Expr::Path(path) => self.path(path),
            Expr::Macro(inner) => self.invocation(&inner.mac),
            Expr::Try(inner) => self.through(&inner.expr, orderless),
            Expr::Paren(inner) => self.through(&inner.expr, orderless),
            Expr::Group(inner) => self.through(&inner.expr, orderless),
            Expr::Reference(inner) => self.through(&inner.expr, orderless),
            Expr::RawAddr(inner) => self.value(&inner.expr),
            Expr::Unary(inner) => self.value(&inner.expr),
            Expr::Cast(inner) => self.value(&inner.expr),
            Expr::Field(inner) => Value::of(self.value(&inner.base).carry),
            Expr::Index(inner) => {
                self.value(&inner.index);
                Value::of(self.value(&inner.expr).carry)
            }
            Expr::Array(inner) => self.all(&inner.elems),
            Expr::Tuple(inner) => self.all(&inner.elems),
            Expr::Repeat(inner) => self.all([&*inner.expr, &*inner.len]),
            Expr::Binary(inner) => self.all([&*inner.left, &*inner.right]),
            Expr::Range(inner) => self.all(inner.start.iter().chain(&inner.end).map(|end| &**end)),
            Expr::Struct(inner) => {
                let rest = inner.rest.iter().map(|rest| &**rest);
                self.all(inner.fields.iter().map(|field| &field.expr).chain(rest))
            }
            Expr::Assign(inner) => {
                let value = self.value(&inner.right);
                match root(&inner.left) {
                    Some(name) => self.scope.put(name, value),
                    None => drop(self.value(&inner.left)),
                }
                Value::default()
            }
            Expr::Let(inner) => {
                let value = self.value(&inner.expr);
                self.bind(&inner.pat, value);
                Value::default()
            }
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::Const(inner) => self.block(&inner.block),
            Expr::TryBlock(inner) => self.block(&inner.block),
            Expr::Async(inner) => self.carrying(|walk| walk.block(&inner.block)),
            Expr::Closure(closure) => self.closure(closure, Value::default()),
            Expr::If(inner) => {
                let then = self.within(|walk| {
                    walk.value(&inner.cond);
                    walk.block(&inner.then_branch)
                });
                match &inner.else_branch {
                    Some((_, otherwise)) => then.and(self.value(otherwise)),
                    None => then,
                }
            }
            Expr::Match(inner) => self.choice(inner),
            Expr::ForLoop(inner) => {
                let over = self.iterated(&inner.expr);
                self.repeated(|walk| {
                    walk.bind(&inner.pat, over);
                    walk.block(&inner.body);
                });
                Value::default()
            }
            Expr::While(inner) => {
                self.repeated(|walk| {
                    walk.value(&inner.cond);
                    walk.block(&inner.body);
                });
                Value::default()
            }
            Expr::Loop(inner) => {
                let carried = self.carried;
                self.repeated(|walk| {
                    walk.block(&inner.body);
                });
                // What a `break` gives away was most likely made of a result.
                match self.carried > carried {
                    true => Value::of(Carry::Result),
                    false => Value::default(),
                }
            }
            Expr::Break(inner) => self.all(inner.expr.iter().map(|expr| &**expr)),
            Expr::Return(inner) => self.all(inner.expr.iter().map(|expr| &**expr)),
            Expr::Yield(inner) => self.all(inner.expr.iter().map(|expr| &**expr)),
            _ => Value::default(),
        }
    }

    fn through(&mut self, inner: &Expr, orderless: bool) -> Value {
        self.orderless = orderless;
        self.value(inner)
    }

    /// Several expressions that make up one.
    pub(super) fn all<'e>(&mut self, parts: impl IntoIterator<Item = &'e Expr>) -> Value {
        let mut parts = parts.into_iter();
        let mut whole = match parts.next() {
            Some(first) => Value::of(self.value(first).carry),
            None => return Value::default(),
        };
        for part in parts {
            whole = whole.and(self.value(part));
        }
        whole
    }

    fn path(&mut self, path: &syn::ExprPath) -> Value {
        if let Some(name) = imports::variable(path)
            && let Some(value) = self.scope.variable(name)
        {
            if value.carry == Carry::Call {
                self.carried += 1;
            }
            return value;
        }
        self.check_path(path);
        Value::default()
    }

    fn choice(&mut self, choice: &ExprMatch) -> Value {
        let matched = self.value(&choice.expr);
        let mut value = Value::default();
        for arm in &choice.arms {
            let of_arm = self.allowing(
                &arm.attrs,
                || arm.to_token_stream(),
                |walk| {
                    walk.within(|walk| {
                        walk.bind(&arm.pat, matched);
                        if let Some(guard) = patterns::guard(&arm.pat) {
                            walk.value(guard);
                        }
                        walk.value(&arm.body)
                    })
                },
            );
            value = value.and(of_arm);
        }
        value
    }

    /// A closure whose parameters are given what is known of `given`.
    pub(super) fn closure(&mut self, closure: &ExprClosure, given: Value) -> Value {
        self.check_move(closure);
        self.carrying(|walk| {
            walk.within(|walk| {
                for parameter in &closure.inputs {
                    walk.bind(parameter, Value::of(given.carry));
                }
                walk.value(&closure.body)
            })
        })
    }

    /// Code that runs later: it is a call if the context is anywhere in it.
    fn carrying(&mut self, walk: impl FnOnce(&mut Self) -> Value) -> Value {
        let carried = self.carried;
        let value = walk(self);
        match self.carried > carried {
            true => Value::of(Carry::Call),
            false => value,
        }
    }

    fn check_move(&mut self, closure: &ExprClosure) {
        let Some(capture) = &closure.capture else {
            return;
        };
        let hidden: Vec<_> = closure.inputs.iter().filter_map(named).collect();
        let body = closure.body.to_token_stream();
        let takes = super::macros::names(body)
            .iter()
            .any(|name| !hidden.contains(&name) && self.scope.is_owned_context(name));
        if takes {
            self.report(Offence::Move, capture, "");
        }
    }
}

/// The variable that an expression is a part of.
pub(super) fn root(expression: &Expr) -> Option<&proc_macro2::Ident> {
    match expression {
        Expr::Path(path) => imports::variable(path),
        Expr::Field(inner) => root(&inner.base),
        Expr::Index(inner) => root(&inner.expr),
        Expr::Paren(inner) => root(&inner.expr),
        Expr::Group(inner) => root(&inner.expr),
        Expr::Reference(inner) => root(&inner.expr),
        Expr::Unary(inner) => root(&inner.expr),
        Expr::MethodCall(inner) => root(&inner.receiver),
        _ => None,
    }
}
