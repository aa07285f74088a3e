//! The options of `#[workflow_part]`, and the parts that it and `#[workflow]` name.

use proc_macro2::TokenStream;
use syn::Path;

use super::entry::Entry;
use super::table::Table;
use crate::code::names;
use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::part::WORD;
use crate::spelled::spelled;

const KNOWN: [&str; 2] = ["parts", "crate"];

/// What is to be known of a part beyond its code.
pub(crate) struct PartOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) parts: Parts,
}

impl PartOptions {
    /// Reads the options of a part.
    pub(crate) fn read(attribute: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut table = Table::read_for(WORD, attribute, &KNOWN, &[], diagnostics);
        let krate = table.take("crate");
        Self {
            krate: krate.and_then(|entry| entry.path("durable_runtime", diagnostics)),
            parts: Parts::read(table.take("parts").as_ref(), diagnostics),
        }
    }
}

/// The functions that make durable calls on behalf of another.
#[derive(Clone, Default)]
pub(crate) struct Parts {
    pub(crate) paths: Vec<Path>,
}

impl Parts {
    /// Reads `parts(a, b::c)`.
    pub(super) fn read(entry: Option<&Entry>, diagnostics: &mut Diagnostics) -> Self {
        let mut parts = Self::default();
        let Some(entry) = entry else {
            return parts;
        };
        for path in entry.paths("prepare, orders::ship", diagnostics) {
            let is_twin = |other: &Path| spelled(other) == spelled(&path);
            if parts.paths.iter().any(is_twin) {
                diagnostics.refuse(
                    &path,
                    "this part is named twice",
                    "name it once; it may be called any number of times",
                );
            } else {
                parts.paths.push(path);
            }
        }
        parts
    }

    /// Refuses a function that is to be a part of itself.
    pub(crate) fn check(&self, function: &Function, diagnostics: &mut Diagnostics) {
        let name = function.name();
        for path in &self.paths {
            if names(path) == [name.as_str()] {
                diagnostics.refuse(
                    path,
                    format_args!("`{name}` cannot be a part of itself: its picture and its version would have no end"),
                    "leave it out; a function may call itself without being named here",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::{ToTokens, quote};

    use super::PartOptions;
    use crate::diagnostics::Diagnostics;

    fn read(attribute: TokenStream) -> (Vec<String>, Vec<String>) {
        let mut diagnostics = Diagnostics::default();
        let options = PartOptions::read(attribute, &mut diagnostics);
        let function = syn::parse_str("async fn me(ctx: &WorkflowContext) {}").unwrap();
        options.parts.check(&function, &mut diagnostics);
        let parts = options.parts.paths.iter();
        let parts = parts.map(|path| path.to_token_stream().to_string());
        (parts.collect(), diagnostics.messages())
    }

    #[test]
    fn reads_every_option() {
        let (parts, messages) = read(quote!(parts(prepare, orders::ship), crate = c));
        assert_eq!(messages, [""; 0]);
        assert_eq!(parts, ["prepare", "orders :: ship"]);
        assert_eq!(read(quote!()), (vec![], vec![]));
    }

    #[test]
    fn explains_what_it_cannot_take() {
        for (attribute, expected) in [
            (
                quote!(parts = prepare),
                "`parts` takes paths, in parentheses",
            ),
            (quote!(parts), "write `parts(prepare, orders::ship)`"),
            (quote!(parts()), "or leave it out"),
            (quote!(parts("prepare")), "`parts` takes paths of functions"),
            (
                quote!(parts(prepare(1))),
                "`parts` takes paths of functions",
            ),
            (quote!(parts(a, a)), "named twice"),
            (quote!(parts(self::me)), "cannot be a part of itself"),
            (quote!(part(a)), "did you mean `parts`?"),
            (
                quote!(name = "n"),
                "`#[workflow_part]` has no option `name`",
            ),
        ] {
            let (_, messages) = read(attribute);
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert!(messages[0].contains(expected), "{messages:?}");
        }
    }
}
