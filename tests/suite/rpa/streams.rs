//! Workflows that are started by events that a web server sends.

use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use durable_tests::stream::Broadcaster;
use serde_json::json;

use super::serve::{DONE, RUNS, log, served, write};

const EVENTS: [&str; 2] = ["serve", "events.json"];

on_both_stores! {
    async fn each_event_starts_one_run_also_when_it_was_sent_while_nobody_heard_it(store: Store) {
        let station = Broadcaster::start();
        let robot = Robot::new(&store);
        let config = json!({"sse_url": station.url(), "event_types": "sale, refund", "headers": {"X-Who": "shop"}, "reconnect_delay_seconds": 0.1});
        write(&robot, "events.json", &served("SSETriggerNode", config, "{{event_type}} {{data.n}} {{event_id}}\n"));
        let servers = [robot.serve(&EVENTS), robot.serve(&EVENTS)];
        for _ in &servers {
            let asked = station.connection();
            assert_eq!((asked.header("x-who"), asked.header("last-event-id")), (Some("shop"), None));
        }

        station.send("a 1", "sale", r#"{"n": 1}"#);
        station.send("a 2", "visit", r#"{"n": 2}"#);
        store.becomes(DONE, &["events:on:%"], 1).await;
        station.hang_up();
        for _ in &servers {
            station.connection();
        }
        station.send("a 3", "refund", r#"{"n": 3}"#);
        store.becomes(DONE, &["events:on:%"], 2).await;
        for server in servers {
            server.kill();
        }
        station.hang_up();
        station.send("a 4", "sale", r#"{"n": 4}"#);
        let _server = robot.serve(&EVENTS);
        assert_eq!(station.connection().header("last-event-id"), Some("a 3"), "the next process knows");
        // Begins to count anew.
        station.send("a 1", "sale", r#"{"n": 5}"#);
        store.becomes(DONE, &["events:on:%"], 4).await;

        assert_eq!(store.value(RUNS, &["events:on:%"]).await, 4);
        assert_eq!(log(&robot), ["refund 3 a 3", "sale 1 a 1", "sale 4 a 4", "sale 5 a 1"]);
    }
}

#[test]
fn a_stream_that_is_not_there_is_given_up_after_the_attempts_that_are_allowed() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    let config = json!({"sse_url": "http://127.0.0.1:1/", "reconnect_delay_seconds": 0.1, "max_reconnect_attempts": 2});
    write(
        &robot,
        "events.json",
        &served("SSETriggerNode", config, "x"),
    );
    let mut server = robot.serve(&EVENTS);
    let said = server.wait_for("given up");
    assert!(said.contains("after 3 attempts"), "{said}");
    let (code, said) = server.interrupt();
    assert_eq!(code, 0, "{said}");
}
