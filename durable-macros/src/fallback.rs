//! What stands in for a refused declaration, so that its callers are not refused as well.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::FnArg;

use crate::code::Code;
use crate::diagnostics::Diagnostics;
use crate::lifetimes;
use crate::options::workflow::WorkflowOptions;
use crate::signature::MOST_OF_A_WORKFLOW;
use crate::surface::Surface;
use crate::workflow::{Constants, Types, Workflow, tuple};

/// The errors, and the item as it was.
pub(crate) fn item(item: TokenStream, diagnostics: Diagnostics) -> TokenStream {
    let errors = diagnostics.finish();
    quote!(#errors #item)
}

/// The errors, and a function of the same signature.
pub(crate) fn function(surface: &Surface<'_>, errors: TokenStream) -> TokenStream {
    let body = quote_spanned!(surface.span()=> ::core::unreachable!());
    let function = surface.function(&body);
    quote! {
        #errors
        #[allow(unused_variables)]
        #function
    }
}

/// The errors, a function of the same signature and a type of the same name.
pub(crate) fn workflow(
    surface: &Surface<'_>,
    options: &WorkflowOptions,
    errors: TokenStream,
) -> TokenStream {
    // A method's impl block has no room for the type.
    let inputs = &surface.function.signature.inputs;
    if inputs
        .iter()
        .any(|input| matches!(input, FnArg::Receiver(_)))
    {
        return errors;
    }
    let function = function(surface, errors);
    let mut types = Types::of(surface, tuple(surface));
    let arguments = &surface.signature.arguments;
    let is_generic = !surface.function.signature.generics.params.is_empty();
    let is_open = arguments
        .iter()
        .any(|argument| lifetimes::is_open(&argument.ty));
    if is_generic || is_open || options.raw || arguments.len() > MOST_OF_A_WORKFLOW {
        types.input = quote!(());
    }
    if is_generic {
        types.output = quote!(());
        types.error = surface.paths.error(surface.span());
    }
    let workflow = Workflow {
        types,
        constants: Constants {
            name: surface.function.name(),
            class: None,
            roles: Vec::new(),
            parameters: Vec::new(),
            version: None,
            max_recovery_attempts: 0,
            code: Code::default(),
        },
        run: quote!(async move { ::core::unreachable!() }),
    };
    let item = workflow.item(surface);
    quote!(#function #item)
}
