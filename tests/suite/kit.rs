//! The test kit keeps tests apart.

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
