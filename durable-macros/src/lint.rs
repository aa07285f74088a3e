//! What a workflow's body must not do, because a replay runs it again.
//!
//! [`check`] reads a body once, from top to bottom, and knows of every value where it comes from
//! ([`scope`]). Each offence is reported at its own tokens; the body itself stays as it is, save
//! for the `#[allow_nondeterminism]`s, which rustc does not know.
//!
//! A macro sees tokens, no types, and not what the module above the function imports. So a path is
//! known by its own `use`s in the body or by its last two segments ([`known`]), and a hash map only
//! where its type or its making is written ([`iteration`]). What stays unseen is the guard waker's
//! and the replay's to report.

mod allowances;
mod awaits;
mod branches;
mod calls;
mod expressions;
mod imports;
mod iteration;
mod known;
mod macros;
mod methods;
mod offence;
mod patterns;
mod scope;
mod state;
mod walk;

use proc_macro2::TokenStream;
use syn::{Block, PatType};

use self::walk::Walk;
use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::signature::{Argument, Signature};

/// A body as rustc gets it, and what is known about its allowances.
struct Allowed {
    /// Without `#[allow_nondeterminism]`.
    body: TokenStream,
    /// Whether a statement that is allowed to waits for something else than durable calls.
    awaits_others: bool,
}

/// Refuses what is not deterministic in the `body` of a function that takes a `context` and
/// `arguments`.
///
/// Without a context, which was refused then, no `.await` is: nothing could be said about it.
fn check(
    context: Option<&PatType>,
    body: &TokenStream,
    arguments: &[Argument],
    diagnostics: &mut Diagnostics,
) -> Allowed {
    let (readable, allowances) = allowances::number(body);
    let without = allowances::strip(body);
    // A body that does not parse is rustc's to report.
    let Ok(block) = syn::parse2::<Block>(readable) else {
        return Allowed {
            body: without,
            awaits_others: false,
        };
    };
    let mut walk = Walk::new(context, arguments, allowances, diagnostics);
    walk.block(&block);
    Allowed {
        body: without,
        awaits_others: walk.finish(),
    }
}

/// Refuses what is not deterministic in a `function`, and takes its allowances out of it. True when
/// a statement that is allowed to waits for something else than durable calls.
pub(crate) fn apply(
    function: &mut Function,
    signature: &Signature,
    diagnostics: &mut Diagnostics,
) -> bool {
    allowances::refuse_on_function(&mut function.attributes, diagnostics);
    let context = signature.context.as_ref();
    let allowed = check(context, &function.body, &signature.arguments, diagnostics);
    function.body = allowed.body;
    allowed.awaits_others
}

#[cfg(test)]
mod tests;
