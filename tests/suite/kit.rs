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
