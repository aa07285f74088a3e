//! `#[workflow_part]`.

mod signature;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use crate::attributes::Attributes;
use crate::code::Code;
use crate::diagnostics::Diagnostics;
use crate::fallback;
use crate::function::Function;
use crate::lint;
use crate::options::part::PartOptions;
use crate::paths::Paths;
use crate::surface::at;

/// The attribute's name.
pub(crate) const WORD: &str = "workflow_part";
/// The first parameter's type.
pub(crate) const CONTEXT: &str = "&WorkflowContext";

/// Expands `#[workflow_part(attribute)] item`.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let options = PartOptions::read(attribute, &mut diagnostics);
    let Some(mut function) = Function::read_for(WORD, CONTEXT, &item, &mut diagnostics) else {
        return fallback::item(item, diagnostics);
    };
    options.parts.check(&function, &mut diagnostics);
    let signature = signature::read(&function, &mut diagnostics);
    let mut lints = Diagnostics::default();
    let awaits_others = lint::apply(&mut function, &signature, &mut lints);
    let lints = lints.finish();
    let item = function.to_token_stream();
    let attributes = Attributes::sort(&function.attributes);
    let paths = Paths::new(options.krate.clone());
    let declaration = match diagnostics.finish() {
        // A method's impl block has no room for the type.
        Some(errors) if function.signature.receiver().is_some() => quote!(#errors #item),
        // Whoever names it as a part is not refused as well.
        Some(errors) => {
            let ty = part_type(&function, &attributes, &Code::default(), &paths);
            quote!(#errors #item #ty)
        }
        None => {
            let parts = &options.parts.paths;
            let code = Code {
                awaits_others,
                ..Code::read(&function, &attributes, &signature, parts)
            };
            let ty = part_type(&function, &attributes, &code, &paths);
            quote!(#item #ty)
        }
    };
    quote!(#declaration #lints)
}

/// The type of the same name.
fn part_type(
    function: &Function,
    attributes: &Attributes,
    code: &Code,
    paths: &Paths,
) -> TokenStream {
    let name = &function.signature.ident;
    let span = at(name.span());
    let conditions = &attributes.conditions;
    let visibility = &function.visibility;
    let documentation = format!(
        " What is known of the code of [`{0}`](fn@{0}): for `parts({0})` where it is called.",
        function.name()
    );
    let code = code.expression(paths, span);
    let ty = paths.code(span);
    let part = paths.workflow_part(span);
    quote_spanned! {span=>
        #(#conditions)*
        #[doc = #documentation]
        #[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
        #visibility struct #name {}

        #(#conditions)*
        impl #part for #name {
            const CODE: &'static #ty = #code;
        }
    }
}
