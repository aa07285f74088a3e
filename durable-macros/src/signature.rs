//! What a declaration's signature has to look like.
//!
//! Reading goes on after a refusal, so that one build shows all of them, and what was read is
//! complete enough for the fallback that callers then compile against.

mod arguments;
mod context;
mod output;
mod qualifiers;

use syn::{Ident, PatType, Type};

pub(crate) use self::arguments::{Argument, MOST_OF_A_WORKFLOW};
use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::role::Role;

/// A signature as durable calls see it.
pub(crate) struct Signature {
    /// The first parameter; missing only if that was refused.
    pub(crate) context: Option<PatType>,
    /// The other parameters.
    pub(crate) arguments: Vec<Argument>,
    /// The return type; missing only if that was refused.
    pub(crate) output: Option<Type>,
}

impl Signature {
    /// Reads the signature of `function`, refusing whatever a `role` cannot have.
    pub(crate) fn read(role: Role, function: &Function, diagnostics: &mut Diagnostics) -> Self {
        qualifiers::check(role, function, diagnostics);
        let (context, rest) = context::read(role, function, diagnostics);
        Self {
            context,
            arguments: arguments::read(role, rest, diagnostics),
            output: output::read(role, function, diagnostics),
        }
    }

    /// Refuses what cannot take all arguments as they were passed.
    pub(crate) fn check_raw(&self, function: &Function, diagnostics: &mut Diagnostics) {
        arguments::check_raw(&self.arguments, function, diagnostics);
    }

    /// The arguments' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.arguments.iter().map(|argument| &argument.name)
    }
}

#[cfg(test)]
mod tests;
