//! Everything that is wrong with one declaration, reported in one build.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Collects refusals until the whole declaration has been read.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
}

impl Diagnostics {
    /// Refuses `culprit`: `problem` says what is wrong and why, `instead` what to write.
    pub(crate) fn refuse(
        &mut self,
        culprit: impl ToTokens,
        problem: impl Display,
        instead: impl Display,
    ) {
        // A proc macro cannot attach a help note on stable, so the help is the message's second line.
        let message = format!("{problem}\nhelp: {instead}");
        self.errors.push(syn::Error::new_spanned(culprit, message));
    }

    /// Takes over what a parser said.
    pub(crate) fn adopt(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// All refusals as `compile_error!` invocations, or `None` when there were none.
    pub(crate) fn finish(self) -> Option<TokenStream> {
        self.errors
            .into_iter()
            .reduce(|mut all, error| {
                all.combine(error);
                all
            })
            .map(|all| all.to_compile_error())
    }

    /// The messages alone.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.errors.iter().map(ToString::to_string).collect()
    }
}
