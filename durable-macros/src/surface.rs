//! The function that callers see: the declared one with the caller in the context's place.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, Type, TypePath, parse_quote};

use crate::attributes::Attributes;
use crate::function::Function;
use crate::lifetimes;
use crate::paths::Paths;
use crate::role::Role;
use crate::signature::Signature;

/// What the generated items of one declaration have in common.
pub(crate) struct Surface<'a> {
    pub(crate) role: Role,
    pub(crate) function: &'a Function,
    pub(crate) signature: &'a Signature,
    pub(crate) attributes: &'a Attributes,
    pub(crate) paths: &'a Paths,
    /// Whether the body may run more than once for one call.
    pub(crate) repeats: bool,
}

impl Surface<'_> {
    /// The public function around `body`.
    pub(crate) fn function(&self, body: &TokenStream) -> TokenStream {
        let span = self.span();
        let Attributes {
            conditions, public, ..
        } = self.attributes;
        let documentation = self.documentation();
        let visibility = &self.function.visibility;
        let name = self.name();
        let generics = self.generics();
        let (parameters, _, conditions_on_types) = generics.split_for_impl();
        let caller = self.caller();
        let arguments = self.arguments();
        let output = self.output();
        quote_spanned! {span=>
            #(#conditions)*
            #(#public)*
            #(#documentation)*
            #[allow(clippy::too_many_arguments, clippy::type_complexity)]
            #[track_caller]
            #visibility fn #name #parameters (
                __durable_caller: #caller,
                #(#arguments),*
            ) -> #output #conditions_on_types {
                #body
            }
        }
    }

    /// The declared name.
    pub(crate) fn name(&self) -> &Ident {
        &self.function.signature.ident
    }

    /// Generated code is reported at the declared name.
    pub(crate) fn span(&self) -> Span {
        at(self.name().span())
    }

    /// The return type as declared, or one to stand in for it.
    pub(crate) fn result(&self) -> Type {
        match &self.signature.output {
            Some(output) => output.clone(),
            None => {
                let error = self.paths.error(self.span());
                parse_quote!(::core::result::Result<(), #error>)
            }
        }
    }

    /// The value and the error type of a `result`.
    ///
    /// Both carry the span of the return type, so that a type which is no `Result` is one error.
    pub(crate) fn value_and_error(&self, result: &Type) -> (TokenStream, TokenStream) {
        let span = self.result_span();
        let split = self.paths.step_result(span);
        (
            quote_spanned!(span=> <#result as #split>::Value),
            quote_spanned!(span=> <#result as #split>::Error),
        )
    }

    /// Where the declared return type says what it returns: at `Result` in `anyhow::Result<T>`.
    pub(crate) fn result_span(&self) -> Span {
        match &self.signature.output {
            Some(Type::Path(TypePath { path, .. })) => match path.segments.last() {
                Some(segment) => at(segment.ident.span()),
                None => self.span(),
            },
            Some(output) => at(output.span()),
            None => self.span(),
        }
    }

    fn generics(&self) -> Generics {
        let mut generics = self.function.signature.generics.clone();
        lifetimes::bound(&mut generics);
        generics
    }

    fn caller(&self) -> TokenStream {
        let span = match &self.signature.context {
            Some(context) => at(context.ty.span()),
            None => self.span(),
        };
        let caller = match self.role {
            Role::Step | Role::Transaction => self.paths.step_caller(span),
            Role::Workflow => self.paths.workflow_caller(span),
        };
        quote_spanned!(span=> impl #caller<'durable>)
    }

    fn arguments(&self) -> impl Iterator<Item = TokenStream> {
        self.signature.arguments.iter().map(|argument| {
            let name = &argument.name;
            let mut ty = argument.ty.clone();
            lifetimes::spell_out(&mut ty);
            quote!(#name: #ty)
        })
    }

    fn output(&self) -> TokenStream {
        let span = self.span();
        match self.role {
            Role::Step | Role::Transaction => {
                let span = self.result_span();
                let call = self.paths.step_call(span);
                let (value, error) = self.value_and_error(&self.result());
                let runs = self.runs(span);
                quote_spanned!(span=> #call<'durable, #value, #error #runs>)
            }
            Role::Workflow => {
                let call = self.paths.workflow_call(span);
                let name = self.name();
                quote_spanned!(span=> #call<'durable, #name>)
            }
        }
    }

    /// The last argument of a step's or transaction's `StepCall`: what may be said at the call.
    fn runs(&self, span: Span) -> Option<TokenStream> {
        let runs = match self.role {
            Role::Transaction => self.paths.runs_in_transaction(span),
            _ if self.repeats => self.paths.runs_again(span),
            _ => return None,
        };
        Some(quote_spanned!(span=> , #runs))
    }

    /// One paragraph on how the function is called, the one thing that differs from its declaration.
    fn documentation(&self) -> Vec<TokenStream> {
        let name = self.function.name();
        let arguments: String = self
            .signature
            .names()
            .map(|argument| format!(", {argument}"))
            .collect();
        let call = |context: &str| format!("`{name}({context}{arguments}).await?`");
        let line = match self.role {
            Role::Step => format!(
                " A durable step: in a workflow, call it with {}.",
                call("&ctx")
            ),
            Role::Transaction => {
                format!(
                    " A durable transaction: in a workflow, call it with {}.",
                    call("&ctx")
                )
            }
            Role::Workflow => format!(
                " A durable workflow: run it with {}, or as a child of another with {}.",
                call("&durable"),
                call("&ctx")
            ),
        };
        let has_documentation = self
            .attributes
            .public
            .iter()
            .any(|attribute| attribute.path().is_ident("doc"));
        let blank = has_documentation.then(|| quote!(#[doc = ""]));
        blank.into_iter().chain([quote!(#[doc = #line])]).collect()
    }
}

/// The place of `span`, with the hygiene of generated code.
pub(crate) fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The declared function, word for word, under `name`.
pub(crate) fn body(function: &Function, attributes: &Attributes, name: &Ident) -> TokenStream {
    let mut signature = function.signature.clone();
    signature.ident = name.clone();
    let attributes = &attributes.body;
    let block = &function.body;
    // That it is `async` was not the author's choice.
    quote!(#[allow(clippy::unused_async)] #(#attributes)* #signature #block)
}
