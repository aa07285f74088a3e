//! The options of `#[step]` and `#[transaction]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, Path};

use super::entry::Entry;
use super::table::{Misplaced, Table};
use crate::diagnostics::Diagnostics;
use crate::role::Role;

const STEP: [&str; 9] = [
    "name",
    "max_attempts",
    "interval",
    "backoff_rate",
    "max_interval",
    "retry_if",
    "timeout",
    "pure",
    "crate",
];

const TRANSACTION: [&str; 7] = [
    "name",
    "max_attempts",
    "interval",
    "backoff_rate",
    "max_interval",
    "retry_if",
    "crate",
];

const NOT_OF_A_TRANSACTION: [Misplaced; 2] = [
    Misplaced {
        name: "pure",
        problem: "a transaction cannot be `pure`: `pure` promises that running the body twice \
                  harms nobody, and a transaction's body writes",
        instead: "leave `pure` out; the result is recorded in the transaction's own commit already",
    },
    Misplaced {
        name: "timeout",
        problem: "a transaction cannot have a `timeout`: when it runs out, nobody could tell \
                  whether the commit went through",
        instead: "leave `timeout` out and give the database a `statement_timeout`, or make this a `#[step]`",
    },
];

/// How a step or transaction is to be run.
#[derive(Clone)]
pub(crate) struct CallOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<String>,
    pub(crate) pure: bool,
    /// `max_attempts` is given, if only as 1: each run has clones of the arguments.
    pub(crate) repeatable: bool,
    pub(crate) max_attempts: u32,
    pub(crate) interval_ms: u64,
    pub(crate) backoff_rate: f64,
    pub(crate) max_interval_ms: u64,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) retry_if: Option<Expr>,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            krate: None,
            name: None,
            pure: false,
            repeatable: false,
            max_attempts: 1,
            interval_ms: 1_000,
            backoff_rate: 2.0,
            max_interval_ms: 3_600_000,
            timeout_ms: None,
            retry_if: None,
        }
    }
}

impl CallOptions {
    /// Reads the options of a step or a transaction.
    pub(crate) fn read(role: Role, attribute: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let (known, misplaced): (&[&str], &[Misplaced]) = match role {
            Role::Transaction => (&TRANSACTION, &NOT_OF_A_TRANSACTION),
            Role::Step | Role::Workflow => (&STEP, &[]),
        };
        let mut table = Table::read(role, attribute, known, misplaced, diagnostics);
        let mut options = Self::default();
        if let Some(entry) = table.take("crate") {
            options.krate = entry.path("durable_runtime", diagnostics);
        }
        if let Some(entry) = table.take("name") {
            options.name = entry.text(diagnostics);
        }
        if let Some(entry) = table.take("pure") {
            options.pure = entry.flag(diagnostics);
        }
        options.read_timeout(&mut table, diagnostics);
        options.read_retries(role, &mut table, diagnostics);
        options
    }

    /// Whether the body may run more than once for one call.
    pub(crate) fn repeats(&self) -> bool {
        self.repeatable
    }

    fn read_timeout(&mut self, table: &mut Table, diagnostics: &mut Diagnostics) {
        let Some(entry) = table.take("timeout") else {
            return;
        };
        self.timeout_ms = entry.duration(diagnostics);
        if self.timeout_ms == Some(0) {
            diagnostics.refuse(
                entry.value.to_token_stream(),
                "a `timeout` of nothing: every run of the body would fail",
                "write how long one run may take, such as `timeout = \"30s\"`, or leave `timeout` out",
            );
        }
    }

    fn read_retries(&mut self, role: Role, table: &mut Table, diagnostics: &mut Diagnostics) {
        let tried_once = match table.take("max_attempts") {
            None => true,
            Some(entry) => self.read_attempts(role, &entry, diagnostics) == Some(1),
        };
        let mut dependent = Vec::new();
        if let Some(entry) = table.take("interval") {
            if let Some(interval) = entry.duration(diagnostics) {
                self.interval_ms = interval;
            }
            dependent.push(entry.name);
        }
        if let Some(entry) = table.take("backoff_rate") {
            if let Some(rate) = entry.factor("2.0", diagnostics) {
                self.backoff_rate = rate;
            }
            dependent.push(entry.name);
        }
        if let Some(entry) = table.take("max_interval") {
            if let Some(longest) = entry.duration(diagnostics) {
                self.max_interval_ms = longest;
            }
            if self.max_interval_ms < self.interval_ms {
                diagnostics.refuse(
                    entry.value.to_token_stream(),
                    "`max_interval` is shorter than `interval`, the first wait already",
                    "make `max_interval` the longest wait between two attempts, or leave it out (one hour)",
                );
            }
            dependent.push(entry.name);
        }
        if let Some(entry) = table.take("retry_if") {
            self.retry_if = entry.function("is_transient", diagnostics);
            dependent.push(entry.name);
        }
        if tried_once {
            for name in dependent {
                diagnostics.refuse(
                    &name,
                    format_args!(
                        "`{name}` says how to try again, and without `max_attempts` this {} is tried once",
                        role.word()
                    ),
                    format_args!("add `max_attempts = 3`, or leave `{name}` out"),
                );
            }
        }
    }

    fn read_attempts(
        &mut self,
        role: Role,
        entry: &Entry,
        diagnostics: &mut Diagnostics,
    ) -> Option<u32> {
        let attempts = entry.count("3", diagnostics)?;
        if attempts == 0 {
            diagnostics.refuse(
                entry.value.to_token_stream(),
                format_args!("`max_attempts = 0`: the {} would never run", role.word()),
                "`max_attempts` counts the first attempt: write 1 to never try again, 3 to try again twice",
            );
            return None;
        }
        self.repeatable = true;
        self.max_attempts = attempts;
        Some(attempts)
    }
}

#[cfg(test)]
mod tests;
