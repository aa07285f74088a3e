//! What is known at one place of a body: its names, and where their values come from.

use proc_macro2::Ident;
use syn::{Expr, Local};

use super::imports::Imports;
use crate::contexts::{Contexts, named};

/// How a value has to do with the context: the greater, the more it may be awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Carry {
    /// Not at all.
    #[default]
    Nothing,
    /// A function made it of a result. Its methods may be awaited, it itself may not.
    Derived,
    /// The result of a durable call, or what was taken out of one: a value, or a handle.
    Result,
    /// The context is in it: a pending call, several of them, a reader of a stream.
    Call,
}

/// What a value is, where that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    HashMap,
    HashSet,
    /// A point in time, whose `elapsed()` reads the clock.
    Moment,
}

/// What is known about the value of an expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) carry: Carry,
    pub(super) shape: Option<Shape>,
}

impl Value {
    /// A value of which only is known how it has to do with the context.
    pub(super) fn of(carry: Carry) -> Self {
        Self { carry, shape: None }
    }

    /// What is known of something that has to do with both.
    pub(super) fn and(self, other: Self) -> Self {
        Self::of(self.carry.max(other.carry))
    }
}

/// A local variable.
struct Variable {
    name: Ident,
    value: Value,
    /// Whether it is the context itself, not a borrow of it.
    owns_context: bool,
}

/// The names at one place of a body.
pub(super) struct Scope {
    contexts: Option<Contexts>,
    variables: Vec<Variable>,
    imports: Imports,
}

/// A place to come back to at the end of a block.
pub(super) struct Mark {
    contexts: Option<Contexts>,
    variables: usize,
    imports: usize,
}

impl Scope {
    /// At the beginning of a body whose context parameter is `context`, and `owned` if by value.
    pub(super) fn new(context: Option<&Ident>, owned: bool) -> Self {
        let mut scope = Self {
            contexts: context.map(Contexts::new),
            variables: Vec::new(),
            imports: Imports::default(),
        };
        if let Some(context) = context {
            scope.variables.push(Variable {
                name: context.clone(),
                value: Value::of(Carry::Call),
                owns_context: owned,
            });
        }
        scope
    }

    /// The imports.
    pub(super) fn imports(&mut self) -> &mut Imports {
        &mut self.imports
    }

    /// What a path names: see [`Imports::resolve`].
    pub(super) fn resolve(&self, path: &syn::Path) -> Option<Vec<String>> {
        self.imports.resolve(path)
    }

    /// What is known here.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            contexts: self.contexts.clone(),
            variables: self.variables.len(),
            imports: self.imports.mark(),
        }
    }

    /// Forgets the names since `mark`.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.contexts = mark.contexts;
        self.variables.truncate(mark.variables);
        self.imports.back_to(mark.imports);
    }

    /// Whether an expression is the context.
    pub(super) fn is_context(&self, expression: &Expr) -> bool {
        self.contexts
            .as_ref()
            .is_some_and(|contexts| contexts.is_context(expression))
    }

    /// Whether a name is the context itself, which a `move` would take away.
    pub(super) fn is_owned_context(&self, name: &Ident) -> bool {
        self.find(name)
            .is_some_and(|variable| variable.owns_context)
    }

    /// A new variable that hides others of its name.
    pub(super) fn bind(&mut self, name: &Ident, value: Value) {
        if let Some(contexts) = &mut self.contexts {
            contexts.hide(name);
        }
        self.variables.push(Variable {
            name: name.clone(),
            value,
            owns_context: false,
        });
    }

    /// Binds what a `let` renames to the context, if it does.
    pub(super) fn rename(&mut self, local: &Local) -> bool {
        let Some(init) = &local.init else {
            return false;
        };
        let (Some(name), true) = (named(&local.pat), self.is_context(&init.expr)) else {
            return false;
        };
        let owns_context = match &*init.expr {
            Expr::MethodCall(_) => true,
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| self.is_owned_context(name)),
            _ => false,
        };
        if let Some(contexts) = &mut self.contexts {
            contexts.bind(local);
        }
        self.variables.push(Variable {
            name: name.clone(),
            value: Value::of(Carry::Call),
            owns_context,
        });
        true
    }

    /// Adds to what is known of a variable: it was assigned, or something was put into it.
    pub(super) fn put(&mut self, name: &Ident, value: Value) {
        let mut variables = self.variables.iter_mut().rev();
        if let Some(variable) = variables.find(|variable| variable.name == *name) {
            variable.value.carry = variable.value.carry.max(value.carry);
            variable.value.shape = variable.value.shape.or(value.shape);
        }
    }

    /// What is known of a variable, if there is one of this name.
    pub(super) fn variable(&self, name: &Ident) -> Option<Value> {
        self.find(name).map(|variable| variable.value)
    }

    fn find(&self, name: &Ident) -> Option<&Variable> {
        let mut variables = self.variables.iter().rev();
        variables.find(|variable| variable.name == *name)
    }
}
