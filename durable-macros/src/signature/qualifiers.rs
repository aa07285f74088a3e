//! What stands around a function's name: `const async unsafe extern`, generics, `…`.

use quote::ToTokens;
use syn::{GenericParam, Safety};

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::role::Role;

/// Refuses the qualifiers and generics that a `role` cannot have.
pub(super) fn check(role: Role, function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    let word = role.word();
    check_single_role(role, function, diagnostics);
    if signature.asyncness.is_none() {
        let name = &signature.ident;
        diagnostics.refuse(
            signature.fn_token,
            format_args!("a {word} is an `async fn`: its caller waits for the record of it, not only for its body"),
            format_args!("write `async fn {name}(…)`; a body that never awaits is fine"),
        );
    }
    if let Some(token) = &signature.constness {
        diagnostics.refuse(
            token,
            format_args!("a {word} cannot be `const`: what it does is recorded at run time"),
            "leave `const` out",
        );
    }
    if let Safety::Unsafe(_) | Safety::Safe(_) = &signature.safety {
        diagnostics.refuse(
            signature.safety.to_token_stream(),
            format_args!("a {word} cannot be `unsafe`: the runtime calls it again after a crash, and cannot keep its contract"),
            "leave `unsafe` out, and put what needs it into an `unsafe` block with its reason",
        );
    }
    if let Some(abi) = &signature.abi {
        diagnostics.refuse(
            abi,
            format_args!("a {word} cannot be `extern`: only the runtime calls its body"),
            "leave `extern` out",
        );
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics.refuse(
            variadic,
            format_args!("a {word} cannot be variadic: its arguments have names and types"),
            "take a `Vec` instead of `...`",
        );
    }
    if role == Role::Workflow {
        check_generics(function, diagnostics);
    }
}

/// A second attribute would expand the first one's body once more.
fn check_single_role(role: Role, function: &Function, diagnostics: &mut Diagnostics) {
    for attribute in &function.attributes {
        let Some(name) = attribute.path().segments.last() else {
            continue;
        };
        let mut roles = Role::ALL.into_iter();
        if let Some(other) = roles.find(|role| name.ident == role.word()) {
            diagnostics.refuse(
                attribute,
                format_args!(
                    "a {} cannot be a {} as well: its body would be recorded twice",
                    role.word(),
                    other.word()
                ),
                "keep one of the two attributes",
            );
        }
    }
}

fn check_generics(function: &Function, diagnostics: &mut Diagnostics) {
    for parameter in &function.signature.generics.params {
        match parameter {
            GenericParam::Type(parameter) => diagnostics.refuse(
                &parameter.ident,
                format_args!(
                    "a workflow cannot be generic: after a crash it is found by its name, and nothing says what `{}` was",
                    parameter.ident
                ),
                "name the type, or write one workflow a type and put what they share into a generic step or function",
            ),
            GenericParam::Const(parameter) => diagnostics.refuse(
                &parameter.ident,
                format_args!(
                    "a workflow cannot be generic: after a crash it is found by its name, and nothing says what `{}` was",
                    parameter.ident
                ),
                "take it as an argument, which is recorded",
            ),
            GenericParam::Lifetime(parameter) => diagnostics.refuse(
                &parameter.lifetime,
                "a workflow cannot have lifetimes: its arguments are recorded, and read back after a crash",
                format_args!("own the arguments and leave `{}` out", parameter.lifetime),
            ),
        }
    }
}
