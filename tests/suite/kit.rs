//! The test kit keeps tests apart, and knows what they show.

use std::process::{Command, Output};

use durable_tests::postgres;
use durable_tests::scratch::Scratch;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn every_fresh_database_is_another_one() {
    let (first, second) = tokio::join!(postgres::fresh_database(), postgres::fresh_database());

    assert_ne!(first, second);
    let mut connection = PgConnection::connect(&first).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(first.contains(&name), "{name} is not in {first}");
}

#[test]
fn a_scratch_directory_goes_with_its_test() {
    let scratch = Scratch::new();
    let path = scratch.path().to_owned();
    std::fs::write(scratch.file("x"), "x").unwrap();

    drop(scratch);

    assert!(!path.exists());
}

#[test]
fn every_test_that_the_guarantees_name_exists() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/suite/");
    let text = include_str!("../../docs/guarantees.md");
    let names: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains("::"))
        .collect();

    assert!(names.len() > 30, "the table has lost its tests: {names:?}");
    for name in names {
        let (module, test) = name.rsplit_once("::").unwrap();
        let file = format!("{folder}{}.rs", module.replace("::", "/"));
        let source =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(
            source.contains(&format!("async fn {test}(")),
            "{file} has no test `{test}`"
        );
    }
}

/// Runs `tests/rules` on a repository of one document and one file of tests.
fn rules(tests: &str, known: &str) -> Output {
    let scratch = Scratch::new();
    let write = |file: &str, text: &str| {
        let path = scratch.file(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "docs/dbos-rules.md",
        "| rule | holds |\n|---|---|\n| W1 | a |\n| W2 | b |\n",
    );
    write("tests/suite/start.rs", tests);
    write(
        "tests/interop/check_ids.py",
        "def check_id():\n    \"\"\"An id.\n\n    Rules: W2\n    \"\"\"\n",
    );
    write("known", known);
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"))
        .arg("--top")
        .arg(scratch.path())
        .arg("--tests")
        .arg(scratch.file("known"))
        .output()
        .expect("tests/rules can be run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_tests_of_each_rule_are_printed() {
    let tests =
        "on_both_stores! {\n    /// Rules: W1\n    async fn runs(store: Store) {\n    }\n}\n
mod inner {\n    /// Rules: W1, W2\n    #[tokio::test]\n    async fn once() {}\n}\n";
    let known = "durable-tests::suite start::runs::sqlite\nstart::runs::postgres: test\n
durable-tests::suite start::inner::once\n";

    let done = rules(tests, known);

    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(
        text(&done.stdout),
        "W1   suite start::runs\n     suite start::inner::once\n\
         W2   suite start::inner::once\n     interop check_ids.check_id\n"
    );
}

#[test]
fn a_rule_without_a_test_and_a_test_without_its_rule_are_told() {
    let tests = "/// Rules: W3, w4\n#[test]\nfn one() {}\n\n/// Rules: W1\nfn no_test() {}\n";

    let done = rules(tests, "start::one: test");

    assert_eq!(done.status.code(), Some(1));
    let problems = text(&done.stderr);
    for problem in [
        "tests/suite/start.rs:1: `suite start::one` names W3",
        "tests/suite/start.rs:1: `w4` is not a rule",
        "tests/suite/start.rs:5: there is no test below the rules",
        "docs/dbos-rules.md: W1 has no test",
    ] {
        assert!(
            problems.contains(problem),
            "`{problem}` is not in: {problems}"
        );
    }
}

#[test]
fn a_test_that_the_runner_does_not_know_is_told() {
    let tests =
        "on_both_stores! {\n    /// Rules: W1\n    async fn runs(store: Store) {\n    }\n}\n";

    let done = rules(tests, "durable-tests::suite start::runs::sqlite\n");

    assert_eq!(done.status.code(), Some(1));
    let problems = text(&done.stderr);
    assert!(
        problems.contains("does not know `durable-tests::suite start::runs::postgres`"),
        "{problems}"
    );
    assert!(!problems.contains("start::runs::sqlite"), "{problems}");
}
