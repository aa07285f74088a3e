//! The parameters after the context.

use proc_macro2::Span;
use quote::{format_ident, quote};
use syn::{Ident, Pat, PatType, Type, TypePath, TypeReference};

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::lifetimes::{self, Borrow};
use crate::role::Role;
use crate::spelled::spelled;

/// A named argument of a durable call.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// How many arguments of a workflow the runtime can record: the longest tuple it knows.
pub(crate) const MOST_OF_A_WORKFLOW: usize = 12;

/// Reads the `parameters` that follow the context.
pub(super) fn read(
    role: Role,
    parameters: Vec<&PatType>,
    diagnostics: &mut Diagnostics,
) -> Vec<Argument> {
    if role == Role::Workflow
        && let Some(surplus) = parameters.get(MOST_OF_A_WORKFLOW)
    {
        diagnostics.refuse(
            surplus,
            format_args!("a workflow takes at most {MOST_OF_A_WORKFLOW} arguments: they are recorded together, as one tuple"),
            "put arguments that belong together into a struct",
        );
    }
    parameters
        .into_iter()
        .enumerate()
        .map(|(index, parameter)| {
            check_attributes(role, parameter, diagnostics);
            check_type(role, parameter, diagnostics);
            Argument {
                name: read_name(role, index, parameter, diagnostics),
                ty: (*parameter.ty).clone(),
            }
        })
        .collect()
}

/// Sees to it that the `arguments` of a raw workflow are one.
pub(super) fn check_raw(
    arguments: &[Argument],
    function: &Function,
    diagnostics: &mut Diagnostics,
) {
    let name = &function.signature.ident;
    let culprit = match arguments {
        [_] => return,
        [] => quote!(#name),
        [_, Argument { name, ty }, ..] => quote!(#name: #ty),
    };
    diagnostics.refuse(
        culprit,
        "a raw workflow takes one parameter after its context: all arguments, as they were passed",
        format_args!(
            "write `async fn {name}(ctx: {}, arguments: Passed)`, or leave `raw` out",
            Role::Workflow.context()
        ),
    );
}

fn read_name(
    role: Role,
    index: usize,
    parameter: &PatType,
    diagnostics: &mut Diagnostics,
) -> Ident {
    if let Pat::Ident(pattern) = &*parameter.pat
        && pattern.by_ref.is_none()
        && pattern.subpat.is_none()
    {
        return pattern.ident.clone();
    }
    let word = role.word();
    let ty = spelled(&parameter.ty);
    let instead = match &*parameter.pat {
        Pat::Wild(_) => format!("write `_name: {ty}` for an argument that is not used"),
        pattern => format!(
            "write `argument: {ty}`, and `let {} = argument;` in the body",
            spelled(pattern)
        ),
    };
    diagnostics.refuse(
        &parameter.pat,
        format_args!("the arguments of a {word} need names: callers and records know them by name"),
        instead,
    );
    format_ident!("__durable_argument_{index}", span = Span::mixed_site())
}

fn check_attributes(role: Role, parameter: &PatType, diagnostics: &mut Diagnostics) {
    for attribute in &parameter.attrs {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            diagnostics.refuse(
                attribute,
                format_args!("a {} has the same arguments in every build: a record made by one build is read by another", role.word()),
                "take an `Option`, or put the `#[cfg]` on the whole function and write it twice",
            );
        }
    }
}

fn check_type(role: Role, parameter: &PatType, diagnostics: &mut Diagnostics) {
    match role {
        Role::Workflow => {
            if let Some(borrow) = lifetimes::borrow(&parameter.ty) {
                diagnostics.refuse(
                    &borrow,
                    "a workflow cannot borrow its arguments: they are recorded, and read back after a crash",
                    owned(&borrow),
                );
            }
            if let Some(ty) = lifetimes::impl_trait(&parameter.ty) {
                diagnostics.refuse(
                    ty,
                    "a workflow cannot take an `impl Trait`: after a crash nothing says which type it was",
                    "name the type",
                );
            }
        }
        Role::Step | Role::Transaction => {
            if let Some(reference) = lifetimes::mutable_borrow(&parameter.ty) {
                diagnostics.refuse(
                    reference,
                    format_args!(
                        "a {} cannot change what it borrows: on replay its body does not run, and the change would be missing",
                        role.word()
                    ),
                    "take it by value or by `&`, and return what has changed",
                );
            }
        }
    }
}

/// What to take instead of a borrow.
fn owned(borrow: &Borrow) -> String {
    match borrow {
        Borrow::Lifetime(lifetime) => {
            format!("take a type that owns its data, without `{lifetime}`")
        }
        Borrow::Reference(TypeReference { elem, .. }) => {
            let owner = match &**elem {
                Type::Slice(slice) => format!("Vec<{}>", spelled(&slice.elem)),
                Type::Path(TypePath {
                    qself: None, path, ..
                }) if path.is_ident("str") => "String".to_owned(),
                Type::Path(TypePath {
                    qself: None, path, ..
                }) if path.is_ident("Path") => "PathBuf".to_owned(),
                other => spelled(other),
            };
            format!("own it: `{owner}` instead of `{}`", spelled(borrow))
        }
    }
}
