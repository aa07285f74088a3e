//! What the signature of a part has to look like.

use quote::ToTokens;
use syn::{FnArg, PatType, Type};

use super::{CONTEXT, WORD};
use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::role::Role;
use crate::signature::Signature;
use crate::spelled::spelled;

/// Reads the signature of `function`; its other parameters and its result are its own affair.
pub(super) fn read(function: &Function, diagnostics: &mut Diagnostics) -> Signature {
    check_single_role(function, diagnostics);
    let signature = &function.signature;
    let name = &signature.ident;
    if signature.asyncness.is_none() {
        diagnostics.refuse(
            signature.fn_token,
            "a part of a workflow is an `async fn`: it awaits durable calls",
            format_args!("write `async fn {name}(…)`, or leave `#[{WORD}]` out"),
        );
    }
    Signature {
        context: context(function, diagnostics),
        arguments: Vec::new(),
        output: None,
    }
}

fn check_single_role(function: &Function, diagnostics: &mut Diagnostics) {
    for attribute in &function.attributes {
        let Some(name) = attribute.path().segments.last() else {
            continue;
        };
        if let Some(other) = Role::ALL.into_iter().find(|role| name.ident == role.word()) {
            diagnostics.refuse(
                attribute,
                format_args!(
                    "a part of a workflow cannot be a {} as well: it runs as part of its caller, and has no record",
                    other.word()
                ),
                "keep one of the two attributes",
            );
        }
    }
}

/// The first parameter, if it is the context of the caller.
fn context(function: &Function, diagnostics: &mut Diagnostics) -> Option<PatType> {
    let name = &function.signature.ident;
    let inputs = &function.signature.inputs;
    let first = match inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            diagnostics.refuse(
                receiver,
                "a part of a workflow cannot take `self`: its first parameter is the context",
                format_args!(
                    "make it a free function, `async fn {name}(ctx: {CONTEXT}, this: &Type, …)`"
                ),
            );
            return None;
        }
        Some(FnArg::Typed(first)) => first,
        None => {
            diagnostics.refuse(
                name,
                format_args!("the context is missing: a part of a workflow takes a `{CONTEXT}` first, that of its caller"),
                format_args!("write `async fn {name}(ctx: {CONTEXT})`"),
            );
            return None;
        }
    };
    match (&*first.ty, role(&first.ty)) {
        (Type::Reference(reference), Some(Role::Workflow)) if reference.mutability.is_none() => {
            return Some(first.clone());
        }
        (_, Some(Role::Workflow)) => diagnostics.refuse(
            &first.ty,
            "a part borrows the context of the workflow that calls it: it makes its calls there",
            format_args!("write `{}: {CONTEXT}`", spelled(&first.pat)),
        ),
        (_, Some(role)) => diagnostics.refuse(
            &first.ty,
            format_args!(
                "a part of a workflow takes a `{CONTEXT}`, not a `{}`: only a workflow may make durable calls",
                spelled(&first.ty)
            ),
            format_args!(
                "write `{}: {CONTEXT}`, or make this a `#[{}]`",
                spelled(&first.pat),
                role.word()
            ),
        ),
        (_, None) => match inputs.iter().skip(1).find(|input| is_context(input)) {
            Some(context) => diagnostics.refuse(
                context,
                "the context comes first: that is how a call is recognised as a durable one",
                format_args!("move `{}` to the front", spelled(context)),
            ),
            None => diagnostics.refuse(
                first,
                format_args!("the context is missing: a part of a workflow takes a `{CONTEXT}` first, that of its caller"),
                format_args!(
                    "write `async fn {name}(ctx: {CONTEXT}, {}, …)`",
                    spelled(&first.to_token_stream())
                ),
            ),
        },
    }
    None
}

fn is_context(input: &FnArg) -> bool {
    match input {
        FnArg::Typed(parameter) => role(&parameter.ty).is_some(),
        FnArg::Receiver(_) => false,
    }
}

/// The role whose context a type is, by value or by reference.
fn role(ty: &Type) -> Option<Role> {
    match ty {
        Type::Path(ty) => Role::of_context(&ty.path.segments.last()?.ident.to_string()),
        Type::Reference(ty) => role(&ty.elem),
        Type::Group(ty) => role(&ty.elem),
        Type::Paren(ty) => role(&ty.elem),
        _ => None,
    }
}
