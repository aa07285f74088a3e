//! What nodes do to the world happens once, or a person is asked.

use std::time::Duration;

use durable_tests::counter::Counter;
use durable_tests::maria_db::MariaDb;
use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::json;

const KILLS: usize = 50;

/// Inserts rows while the process is killed again and again, at instants that the process cannot know.
fn killed_while_it_inserts(store: &Store, url: &str, rows: u32) {
    let robot = Robot::new(store);
    let variable = format!("url={url}");
    let count = format!("count={rows}");
    let more = ["--var", variable.as_str(), "--var", count.as_str()];
    for kill in 0..KILLS {
        let mut life = robot.start_with("sql_loop.json", "rows", &more);
        let seen = life.visits(1 + kill % 6);
        assert!(!seen.is_empty(), "the run ended after {kill} kills");
        // Between what was told and the next instant the process goes on.
        std::thread::sleep(Duration::from_micros(137 * (kill as u64 % 23)));
        life.kill();
    }

    let printed = robot.run("sql_loop.json", "rows", &more);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(printed.json["recovered"], true);
    assert_eq!(
        printed.json["outputs"]["asked"]["results"],
        json!([{"n": rows, "different": rows, "total": f64::from(rows) / 2.0}])
    );
}

#[test]
fn fifty_kills_around_inserts_into_another_sqlite_file_leave_the_exact_rows() {
    killed_while_it_inserts(&Store::sqlite(), "sqlite://rows.db", 200);
}

#[test]
fn fifty_kills_around_inserts_into_the_file_that_keeps_the_run_leave_the_exact_rows() {
    let store = Store::sqlite();
    let url = store.url().to_owned();
    killed_while_it_inserts(&store, &url, 1000);
}

#[tokio::test]
async fn fifty_kills_around_inserts_into_the_postgres_that_keeps_the_run_leave_the_exact_rows() {
    let store = Store::postgres().await;
    let url = store.url().to_owned();
    killed_while_it_inserts(&store, &url, 1000);
}

#[tokio::test]
async fn fifty_kills_around_inserts_into_another_postgres_leave_the_exact_rows() {
    let target = Store::postgres().await;
    killed_while_it_inserts(&Store::sqlite(), target.url(), 200);
}

#[test]
fn fifty_kills_around_inserts_into_a_maria_db_leave_the_exact_rows() {
    let target = MariaDb::start();
    killed_while_it_inserts(&Store::sqlite(), &target.url(), 200);
}

on_both_stores! {
    async fn what_is_written_where_the_run_is_kept_needs_no_table_of_visits(store: Store) {
        let robot = Robot::new(&store);
        let variable = format!("url={}", store.url());

        let printed = robot.run("sql_loop.json", "rows", &["--var", &variable]);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert_eq!(printed.json["logs"], json!(["200 rows"]));
        assert_eq!(store.value("SELECT count(*) FROM orders", &[]).await, 200);
        let tables = match store.is_postgres() {
            true => "SELECT count(*) FROM pg_tables WHERE tablename = 'rpa_visits'",
            false => "SELECT count(*) FROM sqlite_master WHERE name = 'rpa_visits'",
        };
        assert_eq!(store.value(tables, &[]).await, 0, "the checkpoint itself tells what was done");
    }

    async fn a_transaction_of_a_workflow_is_done_as_a_whole_or_not_at_all(store: Store) {
        let robot = Robot::new(&store);
        let own = format!("url={}", store.url());
        for (id, more) in [("apart", vec![]), ("within", vec!["--var", own.as_str()])] {
            let mut life = robot.start_with("sql_transaction.json", id, &more);
            let seen = life.visits(5);
            assert_eq!(seen.last().unwrap(), "node:take#1");
            life.kill();

            let printed = robot.run("sql_transaction.json", id, &more);

            assert_eq!(printed.code, 0, "{id}: {}", printed.stderr);
            let outputs = &printed.json["outputs"];
            assert_eq!(outputs["look"]["results"], json!([{"amount": 70}, {"amount": 0}]), "{id}");
            assert_eq!(outputs["empty"]["rows_affected"], 2, "{id}");
            let end = json!([{"name": "a", "amount": 70}, {"name": "b", "amount": 30}]);
            assert_eq!(outputs["end"]["results"], end, "{id}");
        }
    }

    async fn a_post_that_is_not_disturbed_happens_once(store: Store) {
        let (robot, server) = (Robot::new(&store), Counter::start());
        let variable = format!("url={}", server.url());

        let printed = robot.run("post.json", "order", &["--var", &variable]);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert_eq!(printed.json["logs"], json!(["201 True"]));
        assert_eq!(printed.json["outputs"]["order"]["response_json"], json!({"done": true}));
        let asked = server.next();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/orders"));
        assert_eq!(asked.header("idempotency-key"), Some("order/order/1"));
        assert_eq!(asked.body, r#"{"item":"bread"}"#);
        assert!(server.rest().is_empty());
    }

    async fn a_post_that_a_crash_interrupted_waits_until_a_person_decides(store: Store) {
        let (robot, server) = (Robot::new(&store), Counter::start());
        let variable = format!("url={}", server.url());
        let more = ["--var", variable.as_str()];
        server.hold(true);
        let life = robot.start_with("post.json", "order", &more);
        let key = server.next().header("idempotency-key").map(str::to_owned);
        life.kill();
        server.hold(false);

        let parked = robot.run("post.json", "order", &more);

        assert_eq!(parked.code, 4, "{}", parked.stderr);
        assert_eq!(parked.json["status"], "NEEDS_ATTENTION");
        assert_eq!(parked.json["question"]["node"], "order");
        assert!(server.rest().is_empty(), "it was not done again");
        let status = robot.call(&["status", "order"]);
        assert_eq!(status.json["status"], "NEEDS_ATTENTION");
        assert!(status.json["question"]["question"].as_str().unwrap().contains("Do it again, or skip it?"));
        // It asks for as long as nobody answers.
        assert_eq!(robot.call(&["resume", "order"]).code, 4);

        let answered = robot.call(&["answer", "order", "retry"]);
        assert_eq!(answered.code, 0, "{}", answered.stderr);
        let resumed = robot.call(&["resume", "order"]);

        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        assert_eq!(resumed.json["logs"], json!(["201 True"]));
        let again = server.next();
        assert_eq!(again.header("idempotency-key"), key.as_deref(), "a server that knows it can tell");
        assert!(server.rest().is_empty());
        let history = robot.call(&["history", "order"]);
        let visits: Vec<_> = history.json.as_array().unwrap().iter().map(|visit| &visit["status"]).collect();
        assert_eq!(visits, ["success", "success", "success"]);
        assert_eq!(robot.call(&["answer", "order", "retry"]).code, 1, "nothing is asked any more");
    }

    async fn a_question_is_asked_also_while_its_run_is_on_a_queue(store: Store) {
        let (robot, server) = (Robot::new(&store), Counter::start());
        let variable = format!("url={}", server.url());
        let more = ["--var", variable.as_str()];
        server.hold(true);
        let life = robot.start_with("post.json", "order", &more);
        server.next();
        life.kill();
        assert_eq!(robot.run("post.json", "order", &more).code, 4);

        // As recovery leaves it until a process takes it.
        let queued = "UPDATE workflow_status SET status = 'ENQUEUED', queue_name = 'of nobody'";
        assert_eq!(store.execute(queued, &[]).await, 1);

        assert_eq!(robot.call(&["status", "order"]).json["status"], "NEEDS_ATTENTION");
        let resumed = robot.call(&["resume", "order"]);
        assert_eq!(resumed.code, 4, "{}", resumed.stderr);
        assert!(server.rest().is_empty());
    }

    async fn a_person_can_say_what_a_post_gave_or_that_it_failed(store: Store) {
        let (robot, server) = (Robot::new(&store), Counter::start());
        let variable = format!("url={}", server.url());
        let more = ["--var", variable.as_str()];
        server.hold(true);
        for id in ["skipped", "failed"] {
            let life = robot.start_with("post.json", id, &more);
            server.next();
            life.kill();
            assert_eq!(robot.run("post.json", id, &more).code, 4);
        }

        robot.call(&["answer", "skipped", "skip", "--set", "status_code=200", "--set", "success=true"]);
        robot.call(&["answer", "failed", "fail", "--reason", "the shop was closed"]);

        let skipped = robot.call(&["resume", "skipped"]);
        assert_eq!(skipped.code, 0, "{}", skipped.stderr);
        assert_eq!(skipped.json["logs"], json!(["200 True"]));
        let failed = robot.call(&["resume", "failed"]);
        assert_eq!(failed.code, 2);
        assert_eq!(failed.json["failed_node_id"], "order");
        assert!(failed.json["error"].as_str().unwrap().contains("the shop was closed"));
        assert!(server.rest().is_empty());
    }

    async fn a_policy_decides_where_nobody_is_to_be_asked(store: Store) {
        let (robot, server) = (Robot::new(&store), Counter::start());
        let variable = format!("url={}", server.url());
        server.hold(true);
        for id in ["retry", "skip"] {
            let life = robot.start_with("post.json", id, &["--var", &variable]);
            server.next();
            life.kill();
        }
        server.hold(false);

        let retried = robot.run("post.json", "retry", &["--var", &variable, "--on-uncertain", "retry"]);
        assert_eq!(retried.json["logs"], json!(["201 True"]));
        assert!(retried.json["warnings"][0].as_str().unwrap().contains("it was done again"));
        assert_eq!(server.next().header("idempotency-key"), Some("retry/order/1"));
        let skipped = robot.run("post.json", "skip", &["--var", &variable, "--on-uncertain", "skip"]);
        assert_eq!(skipped.json["outputs"]["order"]["success"], false);
        assert!(skipped.json["success"].as_bool().unwrap(), "{}", skipped.stderr);
        assert!(server.rest().is_empty());
    }
}
