//! What the attributes accept, and what they say when they refuse.
//!
//! Every file in `fail` makes the mistake in its name and must print exactly the `.stderr`
//! beside it; every file in `pass` must compile, and run to its end.
//! `TRYBUILD=overwrite cargo test -p durable-ui-tests` writes the messages anew: read the
//! difference like a change of the interface, which it is.

use std::process::Command;

/// The compiler whose messages are committed.
const COMPILER: &str = "rustc 1.95.";

/// Rules: W5, N4, S10, D7, P3
#[test]
fn refusals_explain_themselves_and_the_rest_compiles() {
    let compiler = compiler();
    if !compiler.starts_with(COMPILER) {
        eprintln!("skipped: the messages are those of {COMPILER}x, and this is {compiler}");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}

fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
