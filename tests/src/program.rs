//! The programs of the workspace, as their users run them.

use std::path::PathBuf;

/// The path of a program of this workspace, built beside the tests.
///
/// # Panics
///
/// When it was not built.
pub fn path(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a running test has a path");
    // target/debug/deps/suite-… → target/debug/NAME
    let folder = tests
        .ancestors()
        .nth(2)
        .expect("tests are built two folders below the programs");
    let program = folder.join(name);
    assert!(
        program.exists(),
        "{} is missing: build it with `cargo build --workspace --all-features --bins`, as \
         `tests/run` does",
        program.display()
    );
    program
}
