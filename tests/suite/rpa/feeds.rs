//! Workflows that are started by what feeds publish, read from a web server.

use durable_tests::feed::Publisher;
use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::json;

use super::serve::{DONE, RUNS, log, served, write};

/// Whether it is recorded what the feed held at first.
const FIRST: &str =
    "SELECT count(*) FROM workflow_status WHERE name = 'first_found' AND status = 'SUCCESS'";
const FEED: [&str; 2] = ["serve", "feed.json"];

on_both_stores! {
    async fn each_item_that_a_feed_publishes_starts_one_run_whoever_was_killed_meanwhile(store: Store) {
        let publisher = Publisher::start();
        publisher.publish(&[("2", "two"), ("1", "one")]);
        let robot = Robot::new(&store);
        let config = json!({"feed_url": publisher.url(), "poll_interval_minutes": "0.003"});
        write(&robot, "feed.json", &served("RSSFeedTriggerNode", config, "{{title}} {{on.item.id}} {{categories[0]}} {{description}}\n"));
        let servers = [robot.serve(&FEED), robot.serve(&FEED)];
        store.becomes(FIRST, &[], 1).await;

        publisher.publish(&[("http://n.example/3?x", "three"), ("2", "two"), ("1", "one")]);
        store.becomes(DONE, &["feed:on:%"], 1).await;
        // What did not change is not sent again.
        publisher.is_known();
        for server in servers {
            server.kill();
        }
        publisher.publish(&[("5", "five"), ("4", "four"), ("http://n.example/3?x", "three, corrected"), ("2", "two")]);
        let _server = robot.serve(&FEED);
        store.becomes(DONE, &["feed:on:%"], 3).await;
        publisher.is_known();

        assert_eq!(store.value(RUNS, &["feed:on:%"]).await, 3, "what was there at first is no news");
        let lines = ["five 5 news About five", "four 4 news About four", "three http://n.example/3?x news About three"];
        assert_eq!(log(&robot), lines);
        assert_eq!(store.value(RUNS, &["feed:on:5"]).await, 1, "an id that is plain is the item's own");
    }

    async fn more_items_than_a_check_takes_begin_later_though_the_feed_forgets_them(store: Store) {
        let publisher = Publisher::start();
        let robot = Robot::new(&store);
        let config = json!({"feed_url": publisher.url(), "poll_interval_minutes": 0.01, "max_items_per_check": 2, "filter_keywords": "NEWS, sport"});
        write(&robot, "feed.json", &served("RSSFeedTriggerNode", config, "{{title}}\n"));
        let server = robot.serve(&["serve", "feed.json", "--no-work"]);
        store.becomes(FIRST, &[], 1).await;

        publisher.publish(&[("e", "5"), ("d", "4"), ("c", "3"), ("b", "2"), ("a", "1")]);
        store.becomes(RUNS, &["feed:on:%"], 5).await;
        publisher.publish(&[]);
        server.kill();
        let _worker = robot.serve(&["worker"]);
        store.becomes(DONE, &["feed:on:%"], 5).await;

        assert_eq!(log(&robot), ["1", "2", "3", "4", "5"]);
        let due = "SELECT delay_until_epoch_ms - created_at FROM workflow_status WHERE name = 'run_document' ORDER BY workflow_uuid";
        let due: Vec<i64> = store.rows(due, &[]).await.iter().map(|row| row[0].as_i64().unwrap_or(0) / 500).collect();
        assert_eq!(due, [0, 0, 1, 1, 2], "two for each check, which is 600 ms, the oldest first");
    }
}

#[test]
fn keywords_and_feeds_that_cannot_be_are_told_before_anything_is_waited_for() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    for (config, expected) in [
        (json!({"feed_url": "feed.xml"}), "no address of a feed"),
        (
            json!({"feed_url": "http://localhost/", "poll_interval_minutes": 0}),
            "`poll_interval_minutes` is `0",
        ),
        (
            json!({"feed_url": "http://localhost/", "max_items_per_check": 0}),
            "`max_items_per_check` has to be 1 or more",
        ),
    ] {
        write(
            &robot,
            "feed.json",
            &served("RSSFeedTriggerNode", config, "x"),
        );
        let ended = robot.bare(&FEED).args(["--db", store.url()]).output();
        let said = String::from_utf8_lossy(&ended.unwrap().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}
