use proc_macro2::TokenStream;
use quote::quote;

use super::CallOptions;
use crate::diagnostics::Diagnostics;
use crate::role::Role;

fn read(role: Role, attribute: TokenStream) -> (CallOptions, Vec<String>) {
    let mut diagnostics = Diagnostics::default();
    let options = CallOptions::read(role, attribute, &mut diagnostics);
    (options, diagnostics.messages())
}

/// Rules: S1
#[test]
fn defaults_run_once() {
    let (options, messages) = read(Role::Step, quote!());
    assert_eq!(messages, [""; 0]);
    assert!(!options.repeats() && !options.pure);
    assert_eq!((options.max_attempts, options.interval_ms), (1, 1_000));
    assert!((options.backoff_rate - 2.0).abs() < f64::EPSILON);
    assert_eq!(
        (options.max_interval_ms, options.timeout_ms),
        (3_600_000, None)
    );
}

#[test]
fn who_gives_max_attempts_gives_clones_even_for_one_attempt() {
    let (options, messages) = read(Role::Step, quote!(max_attempts = 1));
    assert_eq!(messages, [""; 0]);
    assert!(options.repeats());
    assert_eq!(options.max_attempts, 1);
}

#[test]
fn reads_every_option() {
    let (options, messages) = read(
        Role::Step,
        quote!(
            name = "embed",
            max_attempts = 3,
            interval = "250ms",
            backoff_rate = 2,
            max_interval = "5m",
            retry_if = errors::is_transient,
            timeout = "30s",
            pure,
            crate = renamed,
        ),
    );
    assert_eq!(messages, [""; 0]);
    assert_eq!(options.name.as_deref(), Some("embed"));
    assert_eq!((options.max_attempts, options.interval_ms), (3, 250));
    assert!((options.backoff_rate - 2.0).abs() < f64::EPSILON);
    assert_eq!(
        (options.max_interval_ms, options.timeout_ms),
        (300_000, Some(30_000))
    );
    assert!(options.pure && options.retry_if.is_some() && options.krate.is_some());
}

#[test]
fn refuses_one_mistake_with_one_message() {
    let table: [(TokenStream, &str, &str); 20] = [
        (
            quote!(colour = "red"),
            "has no option `colour`",
            "the options are `name`,",
        ),
        (
            quote!(max_atempts = 3),
            "has no option `max_atempts`",
            "did you mean `max_attempts`?",
        ),
        (
            quote!(retries = 3),
            "has no option `retries`",
            "did you mean `max_attempts`?",
        ),
        (
            quote!(name = "a", name = "b"),
            "`name` is given twice",
            "keep one",
        ),
        (
            quote!(name = embed),
            "`name` takes a text in quotes",
            "write `name = \"…\"`",
        ),
        (
            quote!(name),
            "`name` takes a text in quotes",
            "write `name = \"…\"`",
        ),
        (quote!(name = " "), "`name` is empty", "write `name"),
        (
            quote!(pure = true),
            "`pure` takes no value",
            "write `pure` alone",
        ),
        (
            quote!(timeout = 30),
            "takes a duration in quotes",
            "write `timeout = \"30s\"`",
        ),
        (
            quote!(timeout = "soon"),
            "`soon` is not a duration",
            "write a whole number and a unit",
        ),
        (
            quote!(timeout = "0s"),
            "every run of the body would fail",
            "such as `timeout = \"30s\"`",
        ),
        (
            quote!(max_attempts = 0),
            "the step would never run",
            "counts the first attempt",
        ),
        (
            quote!(max_attempts = "3"),
            "takes a whole number",
            "write `max_attempts = 3`",
        ),
        (
            quote!(max_attempts = 99999999999),
            "below 4294967296",
            "write `max_attempts = 3`",
        ),
        (
            quote!(interval = "1s"),
            "without `max_attempts` this step is tried once",
            "add `max_attempts = 3`",
        ),
        (
            quote!(max_attempts = 1, retry_if = f),
            "`retry_if` says how to try again",
            "add `max_attempts",
        ),
        (
            quote!(max_attempts = 3, backoff_rate = 0.5),
            "at least 1.0",
            "write `backoff_rate = 2.0`",
        ),
        (quote!(max_attempts = 3, interval = "2h"), "", ""),
        (
            quote!(max_attempts = 3, interval = "2h", max_interval = "1h"),
            "shorter than `interval`",
            "longest wait",
        ),
        (
            quote!(max_attempts = 3, retry_if = true),
            "takes a function",
            "write `retry_if = is_transient`",
        ),
    ];
    for (attribute, problem, instead) in table {
        let source = attribute.to_string();
        let (_, messages) = read(Role::Step, attribute);
        if problem.is_empty() {
            assert_eq!(messages, [""; 0], "{source}");
            continue;
        }
        assert_eq!(messages.len(), 1, "{source}: {messages:?}");
        let (first, second) = messages[0].split_once("\nhelp: ").unwrap();
        assert!(first.contains(problem), "{source}: {first}");
        assert!(second.contains(instead), "{source}: {second}");
    }
}

#[test]
fn an_unreadable_option_does_not_hide_the_next() {
    let (options, messages) = read(
        Role::Step,
        quote!(max_attempts = , "what", timeout = "5m" pure, nme = "x"),
    );
    assert_eq!(messages.len(), 4, "{messages:?}");
    assert_eq!(options.timeout_ms, Some(300_000));
}

#[test]
fn a_transaction_has_neither_pure_nor_timeout() {
    let (_, messages) = read(
        Role::Transaction,
        quote!(pure, timeout = "1s", name = "save"),
    );
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].contains("a transaction cannot be `pure`"));
    assert!(messages[1].contains("nobody could tell whether the commit went through"));
}
