//! `#[transaction]`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{FnArg, Pat, Token, parse_quote};

use crate::attributes::Attributes;
use crate::diagnostics::Diagnostics;
use crate::fallback;
use crate::function::Function;
use crate::options::call::CallOptions;
use crate::paths::Paths;
use crate::role::Role;
use crate::signature::Signature;
use crate::step;
use crate::surface::{self, Surface};

/// Expands `#[transaction(attribute)] item`.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let options = CallOptions::read(Role::Transaction, attribute, &mut diagnostics);
    let Some(function) = Function::read(Role::Transaction, &item, &mut diagnostics) else {
        return fallback::item(item, diagnostics);
    };
    let signature = Signature::read(Role::Transaction, &function, &mut diagnostics);
    let surface = Surface {
        role: Role::Transaction,
        function: &function,
        signature: &signature,
        attributes: &Attributes::sort(&function.attributes),
        paths: &Paths::new(options.krate.clone()),
        repeats: true,
    };
    match diagnostics.finish() {
        Some(errors) => fallback::function(&surface, errors),
        None => surface.function(&call(&surface, &options)),
    }
}

fn call(surface: &Surface<'_>, options: &CallOptions) -> TokenStream {
    let function = with_mutable_context(surface.function);
    let body = surface::body(&function, surface.attributes, &step::body_name(surface));
    let settings = step::settings(surface, options);
    let (declare_retry, retry) = step::retry(surface, options);
    let run = step::repeatable_run(surface);
    let span = surface.result_span();
    let transaction = surface.paths.transaction(span);
    quote_spanned! {span=>
        #body
        #declare_retry
        #transaction(__durable_caller, #settings, #retry, #run)
    }
}

/// Lets the body borrow its connection without the author writing `mut`.
fn with_mutable_context(function: &Function) -> Function {
    let mut function = function.clone();
    if let Some(FnArg::Typed(context)) = function.signature.inputs.first_mut()
        && let Pat::Ident(pattern) = &mut *context.pat
        && pattern.mutability.is_none()
        && pattern.by_ref.is_none()
    {
        pattern.mutability = Some(Token![mut](pattern.ident.span()));
        context.attrs.push(parse_quote!(#[allow(unused_mut)]));
    }
    function
}
