//! The function below an attribute, as its author wrote it.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Item, Signature, Visibility};

use crate::diagnostics::Diagnostics;
use crate::role::Role;

/// A function with its body unread.
///
/// The body stays tokens: it is emitted exactly as written, and a half-typed body is rustc's to
/// report rather than the end of every expansion.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// With its braces.
    pub(crate) body: TokenStream,
}

impl Function {
    /// Reads the item below the attribute of a role, or says what it is instead of a function.
    pub(crate) fn read(
        role: Role,
        item: &TokenStream,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        Self::read_for(role.word(), role.context(), item, diagnostics)
    }

    /// Reads the item below the attribute that is called `word`, whose functions take a `context`.
    pub(crate) fn read_for(
        word: &str,
        context: &str,
        item: &TokenStream,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        match syn::parse2(item.clone()) {
            Ok(function) => Some(function),
            Err(error) => {
                match kind_of(item) {
                    Some((culprit, kind)) => {
                        diagnostics.refuse(
                            culprit,
                            format_args!("`#[{word}]` cannot be put on {kind}: a {word} is an `async fn`"),
                            format_args!("write `#[{word}] async fn name(ctx: {context}, …) -> Result<T> {{ … }}`"),
                        );
                    }
                    None => diagnostics.adopt(error),
                }
                None
            }
        }
    }

    /// The function's name without `r#`.
    pub(crate) fn name(&self) -> String {
        use syn::ext::IdentExt;
        self.signature.ident.unraw().to_string()
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        match input.parse()? {
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => Ok(Self {
                attributes,
                visibility,
                signature,
                body: body.to_token_stream(),
            }),
            other => Err(syn::Error::new(
                other.span(),
                "expected the body of the function, `{ … }`",
            )),
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attributes,
            visibility,
            signature,
            body,
        } = self;
        tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}

/// The keyword and the name of an item that is no function.
fn kind_of(item: &TokenStream) -> Option<(TokenStream, &'static str)> {
    Some(match syn::parse2(item.clone()).ok()? {
        Item::Const(item) => (item.const_token.to_token_stream(), "a constant"),
        Item::Enum(item) => (item.enum_token.to_token_stream(), "an enum"),
        Item::Impl(item) => (item.impl_token.to_token_stream(), "an `impl` block"),
        Item::Mod(item) => (item.mod_token.to_token_stream(), "a module"),
        Item::Static(item) => (item.static_token.to_token_stream(), "a static"),
        Item::Struct(item) => (item.struct_token.to_token_stream(), "a struct"),
        Item::Trait(item) => (item.trait_token.to_token_stream(), "a trait"),
        Item::Type(item) => (item.type_token.to_token_stream(), "a type alias"),
        Item::Use(item) => (item.use_token.to_token_stream(), "a `use`"),
        Item::Fn(_) => return None,
        other => (other.to_token_stream(), "this item"),
    })
}
