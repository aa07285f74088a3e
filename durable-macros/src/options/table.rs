//! Reading the list of options.

use proc_macro2::{TokenStream, TokenTree};
use syn::Token;
use syn::parse::{ParseStream, Parser};

use super::entry::Entry;
use super::spelling;
use crate::diagnostics::Diagnostics;
use crate::role::Role;

/// The options that were written, each at most once and each known to the attribute.
pub(super) struct Table {
    entries: Vec<Entry>,
}

/// An option that another attribute has and this one cannot have.
pub(super) struct Misplaced {
    pub(super) name: &'static str,
    pub(super) problem: &'static str,
    pub(super) instead: &'static str,
}

impl Table {
    /// Reads the `attribute` of a role; whatever is not one of the `known` options is refused.
    pub(super) fn read(
        role: Role,
        attribute: TokenStream,
        known: &[&'static str],
        misplaced: &[Misplaced],
        diagnostics: &mut Diagnostics,
    ) -> Self {
        Self::read_for(role.word(), attribute, known, misplaced, diagnostics)
    }

    /// Reads the attribute that is called `word`.
    pub(super) fn read_for(
        word: &str,
        attribute: TokenStream,
        known: &[&'static str],
        misplaced: &[Misplaced],
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for entry in split(attribute, diagnostics) {
            let name = entry.name.to_string();
            if let Some(misplaced) = misplaced.iter().find(|option| option.name == name) {
                diagnostics.refuse(&entry.name, misplaced.problem, misplaced.instead);
            } else if !known.contains(&name.as_str()) {
                diagnostics.refuse(
                    &entry.name,
                    format_args!("`#[{word}]` has no option `{name}`"),
                    alternatives(&name, known),
                );
            } else if entries.iter().any(|earlier| earlier.name == entry.name) {
                diagnostics.refuse(
                    &entry.name,
                    format_args!("`{name}` is given twice"),
                    format_args!("keep one `{name}`"),
                );
            } else {
                entries.push(entry);
            }
        }
        Self { entries }
    }

    /// Takes the option `name` out of the table.
    pub(super) fn take(&mut self, name: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.swap_remove(index))
    }
}

/// The entries between the commas; an unreadable one is reported and skipped.
fn split(attribute: TokenStream, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let parser = |input: ParseStream<'_>| {
        let mut entries = Vec::new();
        while !input.is_empty() {
            match input.parse::<Entry>() {
                Ok(entry) => {
                    if !input.is_empty() && !input.peek(Token![,]) {
                        let name = &entry.name;
                        diagnostics.refuse(
                            input.cursor().token_stream().into_iter().next(),
                            format_args!("expected `,` after the option `{name}`"),
                            format_args!("write `{name} = …` and put a comma between two options"),
                        );
                    }
                    entries.push(entry);
                }
                Err(error) => diagnostics.adopt(error),
            }
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(entries)
    };
    match parser.parse2(attribute) {
        Ok(entries) => entries,
        Err(error) => {
            diagnostics.adopt(error);
            Vec::new()
        }
    }
}

fn alternatives(name: &str, known: &[&'static str]) -> String {
    let list = known
        .iter()
        .map(|option| format!("`{option}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match spelling::meant(name, known) {
        Some(meant) => format!("did you mean `{meant}`? The options are {list}"),
        None => format!("the options are {list}"),
    }
}
