//! Where a declaration's other attributes go.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Meta};

/// The attributes of one declaration, by where they belong.
#[derive(Clone)]
pub(crate) struct Attributes {
    /// `#[cfg]`: on everything that is generated.
    pub(crate) conditions: Vec<Attribute>,
    /// What callers and readers of the documentation see.
    pub(crate) public: Vec<Attribute>,
    /// On the body: lint levels, and attribute macros such as `#[tracing::instrument]`.
    pub(crate) body: Vec<Attribute>,
}

impl Attributes {
    /// Sorts `attributes`.
    pub(crate) fn sort(attributes: &[Attribute]) -> Self {
        let mut sorted = Self {
            conditions: Vec::new(),
            public: Vec::new(),
            body: Vec::new(),
        };
        for attribute in attributes {
            let place = if attribute.path().is_ident("cfg") {
                &mut sorted.conditions
            } else if is_public(attribute) {
                &mut sorted.public
            } else {
                &mut sorted.body
            };
            place.push(attribute.clone());
        }
        sorted
    }

    /// The attributes that may change what the body does.
    pub(crate) fn effective(&self) -> impl Iterator<Item = &Attribute> {
        self.body.iter().filter(|attribute| {
            !["allow", "expect", "warn", "deny", "forbid"]
                .iter()
                .any(|level| attribute.path().is_ident(level))
        })
    }
}

fn is_public(attribute: &Attribute) -> bool {
    let path = attribute.path();
    ["doc", "deprecated", "must_use"]
        .iter()
        .any(|name| path.is_ident(name))
        || path.is_ident("cfg_attr") && adds_documentation(attribute)
}

/// Whether a `#[cfg_attr(condition, doc …)]` is about documentation.
fn adds_documentation(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    let added: TokenStream = list
        .tokens
        .clone()
        .into_iter()
        .skip_while(|token| !matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
        .skip(1)
        .collect();
    matches!(added.into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::{Attribute, parse_quote};

    use super::Attributes;

    #[test]
    fn sorts_by_who_is_concerned() {
        let attributes: [Attribute; 7] = [
            parse_quote!(#[doc = " Docs."]),
            parse_quote!(#[cfg(unix)]),
            parse_quote!(#[must_use]),
            parse_quote!(#[cfg_attr(docsrs, doc(cfg(unix)))]),
            parse_quote!(#[cfg_attr(feature = "trace", tracing::instrument)]),
            parse_quote!(#[tracing::instrument(skip_all)]),
            parse_quote!(#[allow(clippy::too_many_lines)]),
        ];
        let sorted = Attributes::sort(&attributes);
        let spelled = |attributes: &[Attribute]| {
            attributes
                .iter()
                .map(|attribute| attribute.path().to_token_stream().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(spelled(&sorted.conditions), ["cfg"]);
        assert_eq!(spelled(&sorted.public), ["doc", "must_use", "cfg_attr"]);
        assert_eq!(
            spelled(&sorted.body),
            ["cfg_attr", "tracing :: instrument", "allow"]
        );
        assert_eq!(sorted.effective().count(), 2);
    }
}
