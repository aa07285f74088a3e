//! The first parameter.

use quote::ToTokens;
use syn::{FnArg, PatType, Type};

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::role::Role;
use crate::spelled::spelled;

/// The context parameter and the parameters after it.
pub(super) fn read<'a>(
    role: Role,
    function: &'a Function,
    diagnostics: &mut Diagnostics,
) -> (Option<PatType>, Vec<&'a PatType>) {
    let inputs = &function.signature.inputs;
    let mut rest = Vec::new();
    for input in inputs {
        match input {
            FnArg::Receiver(receiver) => refuse_receiver(role, receiver, diagnostics),
            FnArg::Typed(parameter) => rest.push(parameter),
        }
    }
    let position = rest
        .iter()
        .position(|parameter| contexts(&parameter.ty).is_some());
    let Some(position) = position else {
        refuse_missing(role, function, diagnostics);
        return (None, rest);
    };
    let context = rest.remove(position);
    if position > 0 {
        diagnostics.refuse(
            context,
            "the context comes first: that is how a call is recognised as a durable one",
            format_args!("move `{}` to the front", spelled(context)),
        );
    }
    check_type(role, context, diagnostics);
    (Some(context.clone()), rest)
}

/// The role whose context a type is, by value or by reference.
fn contexts(ty: &Type) -> Option<Role> {
    match ty {
        Type::Path(ty) => Role::of_context(&ty.path.segments.last()?.ident.to_string()),
        Type::Reference(ty) => contexts(&ty.elem),
        Type::Group(ty) => contexts(&ty.elem),
        Type::Paren(ty) => contexts(&ty.elem),
        _ => None,
    }
}

fn check_type(role: Role, context: &PatType, diagnostics: &mut Diagnostics) {
    let (word, expected) = (role.word(), role.context());
    let Some(found) = contexts(&context.ty) else {
        return;
    };
    if found != role {
        let reason = match found {
            Role::Step => "that one is for the body of a step",
            Role::Transaction => "only a transaction runs inside a database transaction",
            Role::Workflow => "only a workflow may make durable calls",
        };
        diagnostics.refuse(
            &context.ty,
            format_args!(
                "a {word} takes a `{expected}`, not a `{}`: {reason}",
                found.context()
            ),
            format_args!(
                "write `{}: {expected}`, or make this a `#[{}]`",
                spelled(&context.pat),
                found.word()
            ),
        );
    } else if let Type::Reference(_) = &*context.ty {
        diagnostics.refuse(
            &context.ty,
            format_args!("a {word} owns its context: the runtime makes one for each run"),
            format_args!(
                "write `{}: {expected}` without the `&`",
                spelled(&context.pat)
            ),
        );
    }
}

fn refuse_receiver(role: Role, receiver: &syn::Receiver, diagnostics: &mut Diagnostics) {
    let (word, context) = (role.word(), role.context());
    let instead = match role {
        Role::Workflow => format!(
            "make it a free function, `async fn name(ctx: {context}, …)`, and take what it needs as arguments"
        ),
        Role::Step | Role::Transaction => format!(
            "make it a free function, `async fn name(ctx: {context}, this: &Type, …)`, and hand the value over"
        ),
    };
    diagnostics.refuse(
        receiver,
        format_args!("a {word} cannot take `self`: its first parameter is the context"),
        instead,
    );
}

fn refuse_missing(role: Role, function: &Function, diagnostics: &mut Diagnostics) {
    let (word, context) = (role.word(), role.context());
    let name = &function.signature.ident;
    let typed = function
        .signature
        .inputs
        .iter()
        .find_map(|input| match input {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        });
    let (culprit, rest) = match typed {
        Some(parameter) => (parameter.to_token_stream(), ", …"),
        None => (name.to_token_stream(), ""),
    };
    diagnostics.refuse(
        culprit,
        format_args!("the context is missing: every {word} takes a `{context}` first"),
        format_args!("write `async fn {name}(ctx: {context}{rest})`"),
    );
}
