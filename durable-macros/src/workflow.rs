//! `#[workflow]`.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;

use crate::attributes::Attributes;
use crate::code::Code;
use crate::diagnostics::Diagnostics;
use crate::fallback;
use crate::function::Function;
use crate::lint;
use crate::options::workflow::WorkflowOptions;
use crate::paths::Paths;
use crate::role::Role;
use crate::signature::Signature;
use crate::surface::{self, Surface};

/// Expands `#[workflow(attribute)] item`.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let options = WorkflowOptions::read(attribute, &mut diagnostics);
    let Some(mut function) = Function::read(Role::Workflow, &item, &mut diagnostics) else {
        return fallback::item(item, diagnostics);
    };
    let signature = Signature::read(Role::Workflow, &function, &mut diagnostics);
    options.parts.check(&function, &mut diagnostics);
    if options.raw {
        signature.check_raw(&function, &mut diagnostics);
    }
    let mut lints = Diagnostics::default();
    let awaits_others = lint::apply(&mut function, &signature, &mut lints);
    // What is not deterministic still compiles: the declaration stays whole, so that everything
    // else about it is checked and found as well.
    let lints = lints.finish();
    let surface = Surface {
        role: Role::Workflow,
        function: &function,
        signature: &signature,
        attributes: &Attributes::sort(&function.attributes),
        paths: &Paths::new(options.krate.clone()),
        repeats: false,
    };
    let declaration = match diagnostics.finish() {
        Some(errors) => fallback::workflow(&surface, &options, errors),
        None => declaration(&surface, &options, awaits_others),
    };
    quote!(#declaration #lints)
}

fn declaration(
    surface: &Surface<'_>,
    options: &WorkflowOptions,
    awaits_others: bool,
) -> TokenStream {
    let input = Input::of(surface, options);
    let function = surface.function(&call(surface, &input));
    let workflow = Workflow {
        types: Types::of(surface, input.ty.clone()),
        constants: Constants::of(surface, options, awaits_others),
        run: run(surface, &input),
    };
    let item = workflow.item(surface);
    let body = body(surface);
    quote!(#function #item #body)
}

/// The arguments in one: a tuple of them, or the single one of a raw workflow.
struct Input {
    ty: TokenStream,
    value: TokenStream,
}

impl Input {
    fn of(surface: &Surface<'_>, options: &WorkflowOptions) -> Self {
        let names = surface.signature.names();
        if options.raw {
            let types = argument_types(surface);
            return Self {
                ty: quote!(#(#types)*),
                value: quote!(#(#names)*),
            };
        }
        Self {
            ty: tuple(surface),
            value: quote_spanned!(surface.span()=> (#(#names,)*)),
        }
    }
}

fn argument_types<'a>(surface: &'a Surface<'_>) -> impl Iterator<Item = &'a Type> {
    let arguments = surface.signature.arguments.iter();
    arguments.map(|argument| &argument.ty)
}

/// The type of the arguments as a tuple.
pub(crate) fn tuple(surface: &Surface<'_>) -> TokenStream {
    let types = argument_types(surface);
    quote_spanned!(surface.span()=> (#(#types,)*))
}

fn call(surface: &Surface<'_>, input: &Input) -> TokenStream {
    let span = surface.span();
    let workflow = surface.paths.workflow(span);
    let arguments = &input.value;
    // Which workflow it is follows from the return type.
    quote_spanned!(span=> #workflow(__durable_caller, #arguments))
}

/// The body as a function of the type: beside `run`, its name would hide the workflow from itself.
fn body(surface: &Surface<'_>) -> TokenStream {
    let conditions = &surface.attributes.conditions;
    let name = surface.name();
    let body = surface::body(surface.function, surface.attributes, name);
    quote_spanned! {surface.span()=>
        #(#conditions)*
        impl #name {
            #body
        }
    }
}

fn run(surface: &Surface<'_>, input: &Input) -> TokenStream {
    let span = surface.span();
    let name = surface.name();
    let arguments = &input.value;
    let names = surface.signature.names();
    quote_spanned! {span=>
        let #arguments = __durable_input;
        #name::#name(__durable_context, #(#names),*)
    }
}

/// The type that stands for a workflow, with what the runtime knows about it.
pub(crate) struct Workflow {
    pub(crate) types: Types,
    pub(crate) constants: Constants,
    /// The body of `run`.
    pub(crate) run: TokenStream,
}

/// The associated types.
pub(crate) struct Types {
    pub(crate) input: TokenStream,
    pub(crate) output: TokenStream,
    pub(crate) error: TokenStream,
}

impl Types {
    /// The types in a signature whose arguments are `input`.
    pub(crate) fn of(surface: &Surface<'_>, input: TokenStream) -> Self {
        let (output, error) = surface.value_and_error(&surface.result());
        Self {
            input,
            output,
            error,
        }
    }
}

/// The associated constants.
pub(crate) struct Constants {
    pub(crate) name: String,
    pub(crate) class: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) parameters: Vec<String>,
    /// What its author pinned.
    pub(crate) version: Option<String>,
    pub(crate) max_recovery_attempts: u32,
    pub(crate) code: Code,
}

impl Constants {
    fn of(surface: &Surface<'_>, options: &WorkflowOptions, awaits_others: bool) -> Self {
        let Surface {
            function,
            signature,
            ..
        } = surface;
        Self {
            name: options.name.clone().unwrap_or_else(|| function.name()),
            class: options.class.clone(),
            roles: options.roles.clone(),
            // Those of a raw workflow have the names that their caller gives them.
            parameters: if options.raw {
                Vec::new()
            } else {
                let names = signature.names();
                names.map(|name| name.unraw().to_string()).collect()
            },
            version: options.version.clone(),
            max_recovery_attempts: options.max_recovery_attempts,
            code: Code {
                awaits_others,
                ..Code::read(
                    function,
                    surface.attributes,
                    signature,
                    &options.parts.paths,
                )
            },
        }
    }
}

impl Workflow {
    /// The type and its implementation.
    pub(crate) fn item(&self, surface: &Surface<'_>) -> TokenStream {
        let span = surface.span();
        let conditions = &surface.attributes.conditions;
        let visibility = &surface.function.visibility;
        let name = surface.name();
        let documentation = format!(
            " The workflow [`{0}`](fn@{0}) as a type: what it is registered and looked up by.",
            surface.function.name()
        );
        let Types {
            input,
            output,
            error,
        } = &self.types;
        let constants = self.constants(surface);
        let functions = self.functions(surface);
        let workflow = surface.paths.workflow_trait(span);
        quote_spanned! {span=>
            #(#conditions)*
            #[doc = #documentation]
            #[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
            #visibility struct #name {}

            #(#conditions)*
            impl #workflow for #name {
                type Input = #input;
                type Output = #output;
                type Error = #error;

                #constants

                #functions
            }
        }
    }

    /// The functions; what names the result carries its span, so that one which is no `Result` is
    /// reported there, and once.
    fn functions(&self, surface: &Surface<'_>) -> TokenStream {
        let span = surface.result_span();
        let paths = surface.paths;
        let codec_type = paths.error_codec_type(span);
        let codec = paths.error_codec(span);
        let context = paths.workflow_context(span);
        let run = &self.run;
        quote_spanned! {span=>
            fn error_codec() -> #codec_type<Self::Error> {
                #codec()
            }

            fn run(
                __durable_context: #context,
                __durable_input: Self::Input,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<Self::Output, Self::Error>,
            > + ::core::marker::Send {
                #run
            }
        }
    }

    fn constants(&self, surface: &Surface<'_>) -> TokenStream {
        let span = surface.span();
        let Constants {
            name,
            class,
            roles,
            parameters,
            version,
            max_recovery_attempts,
            code,
        } = &self.constants;
        let class = match class {
            Some(class) => quote_spanned!(span=> ::core::option::Option::Some(#class)),
            None => quote_spanned!(span=> ::core::option::Option::None),
        };
        let max_recovery_attempts = Literal::u32_unsuffixed(*max_recovery_attempts);
        let version = match version {
            Some(version) => quote_spanned!(span=> #version),
            None if code.parts.is_empty() => code.hash.to_token_stream(),
            None => {
                let workflow = surface.paths.workflow_trait(span);
                quote_spanned!(span=> <Self as #workflow>::CODE.hash)
            }
        };
        let ty = surface.paths.code(span);
        let code = code.expression(surface.paths, span);
        quote_spanned! {span=>
            const NAME: &'static str = #name;
            const CLASS: ::core::option::Option<&'static str> = #class;
            const ROLES: &'static [&'static str] = &[#(#roles),*];
            const PARAMETERS: &'static [&'static str] = &[#(#parameters),*];
            const VERSION: &'static str = #version;
            const MAX_RECOVERY_ATTEMPTS: u32 = #max_recovery_attempts;
            const CODE: &'static #ty = #code;
        }
    }
}
