//! One option: `name = value`, `name(item, item)`, or a name alone.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{Expr, ExprLit, Lit, Path, Token, parenthesized};

use super::duration;
use crate::diagnostics::Diagnostics;

/// An option as written.
pub(super) struct Entry {
    pub(super) name: Ident,
    pub(super) value: Option<Expr>,
    /// What stands in parentheses after the name.
    list: Option<Punctuated<Expr, Token![,]>>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // `crate` is a keyword, which an identifier otherwise may not be.
        let name = input.call(Ident::parse_any)?;
        let list = if input.peek(Paren) {
            let content;
            parenthesized!(content in input);
            Some(Punctuated::parse_terminated(&content)?)
        } else {
            None
        };
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { name, value, list })
    }
}

impl Entry {
    /// The value as text in quotes, which must not be empty.
    pub(super) fn text(&self, diagnostics: &mut Diagnostics) -> Option<String> {
        match self.literal() {
            Some(Lit::Str(text)) if !text.value().trim().is_empty() => Some(text.value()),
            Some(Lit::Str(_)) => self.refuse("is empty", "\"…\"", diagnostics),
            _ => self.refuse("takes a text in quotes", "\"…\"", diagnostics),
        }
    }

    /// The items in parentheses as texts, at least one, none of them empty.
    pub(super) fn texts(&self, example: &str, diagnostics: &mut Diagnostics) -> Vec<String> {
        let name = &self.name;
        let instead = format!("write `{name}({example})`");
        let items = match (&self.value, &self.list) {
            (None, Some(items)) if !items.is_empty() => items,
            (None, Some(_)) => {
                let problem = format_args!("`{name}` is empty");
                diagnostics.refuse(name, problem, format_args!("{instead}, or leave it out"));
                return Vec::new();
            }
            _ => {
                let problem = format_args!("`{name}` takes texts in quotes, in parentheses");
                diagnostics.refuse(self.given(), problem, instead);
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for item in items {
            match item {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) if !text.value().trim().is_empty() => {
                    texts.push(text.value());
                }
                _ => diagnostics.refuse(
                    item,
                    format_args!("`{name}` takes texts in quotes, none of them empty"),
                    &instead,
                ),
            }
        }
        texts
    }

    /// The items in parentheses as paths, at least one.
    pub(super) fn paths(&self, example: &str, diagnostics: &mut Diagnostics) -> Vec<Path> {
        let name = &self.name;
        let instead = format!("write `{name}({example})`");
        let items = match (&self.value, &self.list) {
            (None, Some(items)) if !items.is_empty() => items,
            (None, Some(_)) => {
                let problem = format_args!("`{name}` is empty");
                diagnostics.refuse(name, problem, format_args!("{instead}, or leave it out"));
                return Vec::new();
            }
            _ => {
                let problem = format_args!("`{name}` takes paths, in parentheses");
                diagnostics.refuse(self.given(), problem, instead);
                return Vec::new();
            }
        };
        let mut paths = Vec::new();
        for item in items {
            match item {
                Expr::Path(path) if path.qself.is_none() => paths.push(path.path.clone()),
                _ => diagnostics.refuse(
                    item,
                    format_args!("`{name}` takes paths of functions"),
                    &instead,
                ),
            }
        }
        paths
    }

    /// The value as a whole number.
    pub(super) fn count(&self, example: &str, diagnostics: &mut Diagnostics) -> Option<u32> {
        match self.literal() {
            Some(Lit::Int(number)) => match number.base10_parse() {
                Ok(number) => Some(number),
                Err(_) => self.refuse(
                    "takes a whole number below 4294967296",
                    example,
                    diagnostics,
                ),
            },
            _ => self.refuse("takes a whole number", example, diagnostics),
        }
    }

    /// The value as a factor of at least 1.
    pub(super) fn factor(&self, example: &str, diagnostics: &mut Diagnostics) -> Option<f64> {
        let number = match self.literal() {
            Some(Lit::Float(number)) => number.base10_parse().ok(),
            Some(Lit::Int(number)) => number.base10_parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if (1.0..=f64::MAX).contains(&number) => Some(number),
            _ => self.refuse("takes a number that is at least 1.0", example, diagnostics),
        }
    }

    /// The value as a duration, in milliseconds.
    pub(super) fn duration(&self, diagnostics: &mut Diagnostics) -> Option<u64> {
        match self.literal() {
            Some(Lit::Str(text)) => match duration::milliseconds(&text.value()) {
                Ok(milliseconds) => Some(milliseconds),
                Err(problem) => {
                    diagnostics.refuse(text, problem, duration::SPELLING);
                    None
                }
            },
            Some(Lit::Int(number)) => {
                let example = format!("\"{}s\"", number.base10_digits());
                self.refuse(
                    "takes a duration in quotes, with its unit",
                    &example,
                    diagnostics,
                )
            }
            _ => self.refuse("takes a duration in quotes", "\"1s\"", diagnostics),
        }
    }

    /// Whether the option, which takes no value, is set.
    pub(super) fn flag(&self, diagnostics: &mut Diagnostics) -> bool {
        if self.value.is_some() || self.list.is_some() {
            let name = &self.name;
            diagnostics.refuse(
                self.given(),
                format_args!("`{name}` takes no value"),
                format_args!("write `{name}` alone, or leave it out"),
            );
        }
        true
    }

    /// The value as a path.
    pub(super) fn path(&self, example: &str, diagnostics: &mut Diagnostics) -> Option<Path> {
        match &self.value {
            Some(Expr::Path(value)) if value.qself.is_none() => Some(value.path.clone()),
            _ => self.refuse("takes a path", example, diagnostics),
        }
    }

    /// The value as a function: its path, or a closure.
    pub(super) fn function(&self, example: &str, diagnostics: &mut Diagnostics) -> Option<Expr> {
        match &self.value {
            Some(value @ (Expr::Path(_) | Expr::Closure(_))) => Some(value.clone()),
            _ => self.refuse(
                "takes a function, `fn(&Error) -> bool`",
                example,
                diagnostics,
            ),
        }
    }

    fn literal(&self) -> Option<&Lit> {
        match &self.value {
            Some(Expr::Lit(ExprLit { lit, .. })) => Some(lit),
            _ => None,
        }
    }

    /// What the name was given; nothing is the name itself.
    fn given(&self) -> TokenStream {
        match (&self.value, &self.list) {
            (Some(value), _) => value.to_token_stream(),
            (None, Some(items)) if !items.is_empty() => items.to_token_stream(),
            _ => self.name.to_token_stream(),
        }
    }

    fn refuse<T>(&self, problem: &str, example: &str, diagnostics: &mut Diagnostics) -> Option<T> {
        let name = &self.name;
        diagnostics.refuse(
            self.given(),
            format_args!("`{name}` {problem}"),
            format_args!("write `{name} = {example}`"),
        );
        None
    }
}
