//! Calls of functions, and the paths that name them.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, ExprCall, ExprPath};

use super::awaits::{COMBINATORS, HOLDERS};
use super::imports::{self, segments};
use super::iteration;
use super::known::{self, is_whole};
use super::macros;
use super::offence::Offence;
use super::scope::{Carry, Value};
use super::walk::Walk;

impl Walk<'_> {
    /// A call of a function.
    pub(super) fn call(&mut self, call: &ExprCall) -> Value {
        let takes_context = call
            .args
            .first()
            .is_some_and(|argument| self.scope.is_context(argument));
        let function = match &*call.func {
            // What takes the context is the author's own, whatever it is called.
            Expr::Path(_) if takes_context => Value::default(),
            Expr::Path(path) if self.spawns(path) && self.carries(call.args.to_token_stream()) => {
                self.report(Offence::Escape, &path.path, spelled_path(&path.path));
                Value::default()
            }
            function => self.value(function),
        };
        let given = self.arguments(&call.args, function);
        let carry = match given.carry.max(function.carry) {
            Carry::Result if !hands_on(&call.func) => Carry::Derived,
            carry => carry,
        };
        let shape = match &*call.func {
            Expr::Path(path) => iteration::shape_of_constructor(path, &self.scope),
            _ => None,
        };
        Value { carry, shape }
    }

    /// The arguments of a call; closures among them are given what the others and `receiver` are.
    pub(super) fn arguments<'e>(
        &mut self,
        arguments: impl IntoIterator<Item = &'e Expr, IntoIter: Clone>,
        receiver: Value,
    ) -> Value {
        let arguments = arguments.into_iter();
        let mut all = Value::default();
        for argument in arguments.clone() {
            if !matches!(argument, Expr::Closure(_)) {
                all = all.and(self.value(argument));
            }
        }
        let given = all.and(receiver);
        for argument in arguments {
            if let Expr::Closure(closure) = argument {
                all = all.and(self.closure(closure, given));
            }
        }
        all
    }

    /// Reports a path that names something which is not deterministic.
    pub(super) fn check_path(&mut self, path: &ExprPath) {
        if let Some(offence) = self.offence_of(path) {
            self.report(offence, &path.path, spelled_path(&path.path));
        }
    }

    fn offence_of(&mut self, path: &ExprPath) -> Option<Offence> {
        if path.qself.is_some() {
            return None;
        }
        let resolved = self.scope.resolve(&path.path)?;
        match resolved.as_slice() {
            [name] => self.offence_of_glob(name),
            _ => known::offence(&resolved),
        }
    }

    fn spawns(&mut self, path: &ExprPath) -> bool {
        let is_variable =
            imports::variable(path).is_some_and(|name| self.scope.variable(name).is_some());
        !is_variable && self.offence_of(path) == Some(Offence::Spawn)
    }

    /// Whether `tokens` name the context or something in which it is.
    fn carries(&self, tokens: TokenStream) -> bool {
        macros::names(tokens)
            .iter()
            .filter_map(|name| self.scope.variable(name))
            .any(|value| value.carry == Carry::Call)
    }

    /// What a single name is by a `use module::*` in the body.
    fn offence_of_glob(&mut self, name: &str) -> Option<Offence> {
        let globs: Vec<_> = self.scope.imports().globs().cloned().collect();
        globs.into_iter().find_map(|mut path| {
            path.push(name.to_owned());
            known::offence(&path)
        })
    }

    /// Whether a resolved path is that of one of the `names` in `module`, wherever it is from.
    pub(super) fn names(&mut self, path: &syn::Path, module: &str, names: &[&str]) -> bool {
        let resolved = self.scope.imports().resolve(path);
        resolved.is_some_and(|path| names.iter().any(|name| is_whole(&path, module, name)))
    }
}

/// A path without generic arguments.
pub(super) fn spelled_path(path: &syn::Path) -> String {
    segments(path).join("::")
}

/// Whether a function gives back what it is given, in one form or another.
fn hands_on(function: &Expr) -> bool {
    let Expr::Path(path) = function else {
        return false;
    };
    let segments = segments(&path.path);
    match segments.as_slice() {
        [.., of, _] if HOLDERS.contains(&of.as_str()) => true,
        [.., last] => {
            // `Some`, `Ok`, and the author's own tuple structs.
            let is_constructor = last.starts_with(|first: char| first.is_uppercase());
            is_constructor || COMBINATORS.contains(&last.as_str())
        }
        [] => false,
    }
}
