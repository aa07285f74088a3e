//! The options of `#[workflow]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Path;

use super::part::Parts;
use super::table::{Misplaced, Table};
use crate::diagnostics::Diagnostics;
use crate::role::Role;

const KNOWN: [&str; 8] = [
    "name",
    "class",
    "version",
    "max_recovery_attempts",
    "roles",
    "raw",
    "parts",
    "crate",
];

const RETRYING: &str = "a workflow is not retried: it continues where it stopped";
const RETRYING_INSTEAD: &str = "put it on the `#[step]` that may fail; `max_recovery_attempts` limits how often a crashing workflow is taken up again";

const NOT_OF_A_WORKFLOW: [Misplaced; 7] = [
    retrying("max_attempts"),
    retrying("interval"),
    retrying("backoff_rate"),
    retrying("max_interval"),
    retrying("retry_if"),
    Misplaced {
        name: "timeout",
        problem: "a workflow cannot have a `timeout`: it may have to wait for the machine to come back",
        instead: "leave it out, and give the `#[step]`s that may hang a `timeout`",
    },
    Misplaced {
        name: "pure",
        problem: "a workflow cannot be `pure`: `pure` is about the effects of a step's body",
        instead: "put `pure` on the `#[step]`s that have no effects",
    },
];

const fn retrying(name: &'static str) -> Misplaced {
    Misplaced {
        name,
        problem: RETRYING,
        instead: RETRYING_INSTEAD,
    }
}

/// What is to be known of a workflow beyond its code.
#[derive(Clone)]
pub(crate) struct WorkflowOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<String>,
    pub(crate) class: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) max_recovery_attempts: u32,
    pub(crate) roles: Vec<String>,
    /// Whether it takes its arguments as they were passed.
    pub(crate) raw: bool,
    pub(crate) parts: Parts,
}

impl WorkflowOptions {
    /// Reads the options of a workflow.
    pub(crate) fn read(attribute: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut table = Table::read(
            Role::Workflow,
            attribute,
            &KNOWN,
            &NOT_OF_A_WORKFLOW,
            diagnostics,
        );
        let mut options = Self {
            krate: None,
            name: None,
            class: None,
            version: None,
            max_recovery_attempts: 100,
            roles: Vec::new(),
            raw: false,
            parts: Parts::read(table.take("parts").as_ref(), diagnostics),
        };
        if let Some(entry) = table.take("crate") {
            options.krate = entry.path("durable_runtime", diagnostics);
        }
        if let Some(entry) = table.take("name") {
            options.name = entry.text(diagnostics);
        }
        if let Some(entry) = table.take("class") {
            options.class = entry.text(diagnostics);
        }
        if let Some(entry) = table.take("roles") {
            options.roles = entry.texts("\"admin\", \"editor\"", diagnostics);
        }
        if let Some(entry) = table.take("raw") {
            options.raw = entry.flag(diagnostics);
        }
        if let Some(entry) = table.take("version") {
            options.version = entry.text(diagnostics);
        }
        if let Some(entry) = table.take("max_recovery_attempts") {
            match entry.count("50", diagnostics) {
                Some(0) => diagnostics.refuse(
                    entry.value.to_token_stream(),
                    "`max_recovery_attempts = 0`: a workflow that was interrupted would never continue",
                    "write how often it may be taken up again after a crash, or leave it out (100)",
                ),
                Some(attempts) => options.max_recovery_attempts = attempts,
                None => {}
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{Diagnostics, WorkflowOptions};

    #[test]
    fn reads_every_option() {
        let mut diagnostics = Diagnostics::default();
        let options = WorkflowOptions::read(
            quote!(
                name = "n",
                class = "c",
                version = "v",
                max_recovery_attempts = 50,
                roles("admin", "editor"),
                raw,
                parts(a, b::c),
                crate = c
            ),
            &mut diagnostics,
        );
        assert_eq!(diagnostics.messages(), [""; 0]);
        assert_eq!(
            (options.name.as_deref(), options.version.as_deref()),
            (Some("n"), Some("v"))
        );
        assert_eq!(options.class.as_deref(), Some("c"));
        assert_eq!(options.max_recovery_attempts, 50);
        assert_eq!(options.roles, ["admin", "editor"]);
        assert!(options.raw);
        assert_eq!(options.parts.paths.len(), 2);
        assert!(options.krate.is_some());
    }

    #[test]
    fn refuses_options_of_another_form() {
        for (attribute, expected) in [
            (quote!(class = shop), "`class` takes a text in quotes"),
            (quote!(class("shop")), "write `class = \"…\"`"),
            (quote!(class = " "), "`class` is empty"),
            (
                quote!(roles = "admin"),
                "`roles` takes texts in quotes, in parentheses",
            ),
            (quote!(roles), "write `roles(\"admin\", \"editor\")`"),
            (quote!(roles()), "or leave it out"),
            (quote!(roles("admin", "")), "none of them empty"),
            (quote!(roles("admin", editor)), "none of them empty"),
            (quote!(roles("admin") = "editor"), "in parentheses"),
            (quote!(raw = true), "`raw` takes no value"),
            (quote!(raw()), "`raw` takes no value"),
            (quote!(required_roles("admin")), "did you mean `roles`?"),
        ] {
            let mut diagnostics = Diagnostics::default();
            WorkflowOptions::read(attribute, &mut diagnostics);
            let messages = diagnostics.messages();
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert!(messages[0].contains(expected), "{messages:?}");
        }
    }

    #[test]
    fn refuses_what_belongs_elsewhere() {
        for (attribute, expected) in [
            (quote!(max_attempts = 3), "a workflow is not retried"),
            (quote!(retry_if = f), "put it on the `#[step]`"),
            (quote!(timeout = "1s"), "leave it out, and give"),
            (quote!(pure), "a workflow cannot be `pure`"),
            (quote!(queue = "q"), "has no option `queue`"),
            (quote!(max_recovery_attempts = 0), "would never continue"),
        ] {
            let mut diagnostics = Diagnostics::default();
            WorkflowOptions::read(attribute, &mut diagnostics);
            let messages = diagnostics.messages();
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert!(messages[0].contains(expected), "{messages:?}");
        }
    }
}
