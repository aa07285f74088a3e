//! `#[step]`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::GenericParam;
use syn::spanned::Spanned;

use crate::attributes::Attributes;
use crate::diagnostics::Diagnostics;
use crate::fallback;
use crate::function::Function;
use crate::options::call::CallOptions;
use crate::paths::Paths;
use crate::role::Role;
use crate::signature::Signature;
use crate::surface::{self, Surface};

/// Expands `#[step(attribute)] item`.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let options = CallOptions::read(Role::Step, attribute, &mut diagnostics);
    let Some(function) = Function::read(Role::Step, &item, &mut diagnostics) else {
        return fallback::item(item, diagnostics);
    };
    let signature = Signature::read(Role::Step, &function, &mut diagnostics);
    let surface = Surface {
        role: Role::Step,
        function: &function,
        signature: &signature,
        attributes: &Attributes::sort(&function.attributes),
        paths: &Paths::new(options.krate.clone()),
        repeats: options.repeats(),
    };
    match diagnostics.finish() {
        Some(errors) => fallback::function(&surface, errors),
        None => surface.function(&call(&surface, &options)),
    }
}

fn call(surface: &Surface<'_>, options: &CallOptions) -> TokenStream {
    let body = surface::body(surface.function, surface.attributes, &body_name(surface));
    let settings = settings(surface, options);
    // What is wrong with a result type is reported where the call is: at the result type.
    let span = surface.result_span();
    if options.repeats() {
        let step = surface.paths.repeatable_step(span);
        let (declare_retry, retry) = retry(surface, options);
        let run = repeatable_run(surface);
        quote_spanned! {span=>
            #body
            #declare_retry
            #step(__durable_caller, #settings, #retry, #run)
        }
    } else {
        let step = surface.paths.step(span);
        let run = run(surface);
        quote_spanned! {span=>
            #body
            #step(__durable_caller, #settings, #run)
        }
    }
}

/// The options as the runtime takes them.
pub(crate) fn settings(surface: &Surface<'_>, options: &CallOptions) -> TokenStream {
    let span = surface.span();
    let settings = surface.paths.step_options(span);
    let declared = surface.function.name();
    let name = options.name.as_ref().unwrap_or(&declared);
    let pure = options.pure;
    let max_attempts = Literal::u32_unsuffixed(options.max_attempts);
    let interval = Literal::u64_unsuffixed(options.interval_ms);
    let backoff_rate = Literal::f64_unsuffixed(options.backoff_rate);
    let max_interval = Literal::u64_unsuffixed(options.max_interval_ms);
    let timeout = match options.timeout_ms.map(Literal::u64_unsuffixed) {
        Some(timeout) => quote_spanned!(span=> ::core::option::Option::Some(#timeout)),
        None => quote_spanned!(span=> ::core::option::Option::None),
    };
    quote_spanned! {span=>
        #settings {
            name: #name,
            pure: #pure,
            max_attempts: #max_attempts,
            interval_ms: #interval,
            backoff_rate: #backoff_rate,
            max_interval_ms: #max_interval,
            timeout_ms: #timeout,
        }
    }
}

/// The author's `retry_if`: a declaration that gives a closure its type, and the argument.
pub(crate) fn retry(
    surface: &Surface<'_>,
    options: &CallOptions,
) -> (Option<TokenStream>, TokenStream) {
    let span = surface.span();
    match &options.retry_if {
        Some(function) => {
            let (_, error) = surface.value_and_error(&surface.result());
            (
                Some(quote_spanned! {span=>
                    let __durable_retry_if: fn(&#error) -> bool = #function;
                }),
                quote_spanned!(span=> ::core::option::Option::Some(__durable_retry_if)),
            )
        }
        None => (None, quote_spanned!(span=> ::core::option::Option::None)),
    }
}

/// A closure that runs the body on the arguments themselves.
fn run(surface: &Surface<'_>) -> TokenStream {
    let span = surface.span();
    let body = body_name(surface);
    let generics = arguments(surface);
    let names = surface.signature.names();
    quote_spanned! {span=>
        move |__durable_context| #body #generics(__durable_context, #(#names),*)
    }
}

/// A closure that runs the body on clones of the arguments.
pub(crate) fn repeatable_run(surface: &Surface<'_>) -> TokenStream {
    let span = surface.span();
    let body = body_name(surface);
    let generics = arguments(surface);
    let clones = surface.signature.arguments.iter().map(|argument| {
        let name = &argument.name;
        // An argument that is not `Clone` is reported at its type.
        let span = surface::at(argument.ty.span());
        let repeatable = surface.paths.repeatable(span);
        quote_spanned!(span=> #repeatable::again(&#name))
    });
    quote_spanned! {span=>
        move |__durable_context| #body #generics(__durable_context, #(#clones),*)
    }
}

/// What the body is called inside the public function: as it was declared, because errors and
/// traces show the name, unless an argument would hide it.
pub(crate) fn body_name(surface: &Surface<'_>) -> Ident {
    let name = surface.name();
    if surface.signature.names().any(|argument| argument == name) {
        Ident::new("__durable_body", name.span())
    } else {
        name.clone()
    }
}

/// The type and const arguments of the body; they need not follow from its parameters.
fn arguments(surface: &Surface<'_>) -> Option<TokenStream> {
    let names: Vec<_> = surface
        .function
        .signature
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            GenericParam::Const(parameter) => Some(&parameter.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    (!names.is_empty()).then(|| quote!(::<#(#names),*>))
}
