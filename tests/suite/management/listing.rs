//! Listing workflows and their steps.

use std::time::{SystemTime, UNIX_EPOCH};

use durable_runtime::{Error, StepFilter, WorkflowFilter};

use super::*;

fn filter() -> WorkflowFilter {
    WorkflowFilter::new()
}

fn ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

async fn listed(client: &Client, filter: WorkflowFilter) -> Vec<String> {
    let workflows = client.list(filter).await.unwrap();
    workflows
        .into_iter()
        .map(|workflow| workflow.workflow_id)
        .collect()
}

/// Workflows `a`, `b`, `c`, created in this order, that differ in every column that is looked at.
async fn given_three(store: &Store) {
    for (index, (id, status)) in [
        ("a", Status::Success),
        ("b", Status::Error),
        ("c", Status::Enqueued),
    ]
    .into_iter()
    .enumerate()
    {
        given(store, id, status).await;
        let completed = if id == "c" {
            "NULL".to_owned()
        } else {
            format!("{}", 200 + index)
        };
        let sql = format!(
            "UPDATE workflow_status
             SET created_at = {index} + 100, completed_at = {completed},
                 started_at_epoch_ms = {index} + 300, name = 'name ' || $1,
                 application_version = 'version ' || $1, authenticated_user = 'user ' || $1,
                 queue_name = 'queue ' || $1, executor_id = 'executor ' || $1,
                 schedule_name = 'schedule ' || $1
             WHERE workflow_uuid = $1"
        );
        store.execute(&sql, &[id]).await;
    }
    store
        .execute(
            "UPDATE workflow_status SET was_forked_from = TRUE WHERE workflow_uuid = 'a';
             UPDATE workflow_status SET forked_from = 'a' WHERE workflow_uuid = 'b';
             UPDATE workflow_status SET parent_workflow_id = 'a' WHERE workflow_uuid = 'c'",
            &[],
        )
        .await;
}

on_both_stores! {
    /// Rules: I1
    async fn every_filter_finds_what_it_asks_for(store: Store) {
        let client = client(&store).await;
        given_three(&store).await;
        let cases = [
            ("nothing", filter(), "abc"),
            ("ids", filter().ids(["c", "a", "missing"]), "ac"),
            ("no ids", filter().ids([""; 0]), ""),
            ("status", filter().status(Status::Error), "b"),
            ("statuses", filter().status(Status::Error).status(Status::Success), "ab"),
            ("created after", filter().created_after(ms(101)), "bc"),
            ("created before", filter().created_before(ms(101)), "ab"),
            ("completed after", filter().completed_after(ms(201)), "b"),
            ("completed before", filter().completed_before(ms(200)), "a"),
            ("dequeued after", filter().dequeued_after(ms(302)), "c"),
            ("dequeued before", filter().dequeued_before(ms(301)), "ab"),
            ("name", filter().name("name b"), "b"),
            ("names", filter().name("name b").name("name c"), "bc"),
            ("version", filter().version("version c"), "c"),
            ("forked from", filter().forked_from("a"), "b"),
            ("parent", filter().parent("a"), "c"),
            ("user", filter().user("user a"), "a"),
            ("queue", filter().queue("queue a"), "a"),
            ("executor", filter().executor("executor b"), "b"),
            ("schedule", filter().schedule("schedule c"), "c"),
            ("has forks", filter().was_forked_from(true), "a"),
            ("has no forks", filter().was_forked_from(false), "bc"),
            ("is a fork", filter().is_fork(true), "b"),
            ("is no fork", filter().is_fork(false), "ac"),
            ("is a child", filter().has_parent(true), "c"),
            ("is no child", filter().has_parent(false), "ab"),
            ("on a queue", filter().queues_only(), "c"),
            ("newest first", filter().newest_first(), "cba"),
            ("limit", filter().limit(2), "ab"),
            ("offset", filter().offset(1), "bc"),
            ("a page", filter().newest_first().limit(1).offset(1), "b"),
            ("two things", filter().has_parent(false).name("name c"), ""),
        ];
        for (what, filter, expected) in cases {
            assert_eq!(listed(&client, filter).await.concat(), expected, "{what}");
        }
    }

    /// Rules: I1
    async fn a_prefix_is_taken_literally(store: Store) {
        let client = client(&store).await;
        for id in ["a_1", "ab1", "a%1", r"a\1", "other"] {
            given(&store, id, Status::Success).await;
        }
        for (prefixes, expected) in [
            (vec!["a_"], vec!["a_1"]),
            (vec!["a%"], vec!["a%1"]),
            (vec![r"a\"], vec![r"a\1"]),
            (vec!["ab", "oth"], vec!["ab1", "other"]),
        ] {
            let mut filter = filter();
            for prefix in &prefixes {
                filter = filter.id_prefix(*prefix);
            }
            let mut found = listed(&client, filter).await;
            found.sort();
            assert_eq!(found, expected, "{prefixes:?}");
        }
    }

    /// Rules: I1
    async fn attributes_contain_what_is_asked_for(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        given(&store, "none", Status::Success).await;
        client.clear_attributes("none").await.unwrap();
        let attributes = json!({
            "text": "a", "whole": 2, "half": 0.5, "yes": true, "nothing": null,
            "deep": {"a": {"b": [1, {"c": "d"}, "e"]}, "x": 1}, "a.b": 1,
        });
        client.set_attributes("wf", attributes).await.unwrap();

        for (key, value, found) in [
            ("text", json!("a"), true),
            ("text", json!("b"), false),
            ("missing", json!("a"), false),
            ("whole", json!(2), true),
            ("whole", json!("2"), false),
            ("half", json!(0.5), true),
            ("yes", json!(true), true),
            ("yes", json!(false), false),
            ("yes", json!(1), false),
            ("nothing", json!(null), true),
            ("text", json!(null), false),
            ("a.b", json!(1), true),
            ("deep", json!({}), true),
            ("deep", json!({"x": 1}), true),
            ("deep", json!({"a": {"b": ["e", 1]}}), true),
            ("deep", json!({"a": {"b": [{"c": "d"}]}}), true),
            ("deep", json!({"a": {"b": [{"c": "x"}]}}), false),
            ("deep", json!([]), false),
            ("text", json!({"a": 1}), false),
        ] {
            let expected: &[&str] = if found { &["wf"] } else { &[] };
            let filter = filter().attribute(key, value.clone());
            assert_eq!(listed(&client, filter).await, expected, "{key}: {value}");
        }
        let both = filter().attribute("text", "a").attribute("whole", 3);
        assert_eq!(listed(&client, both).await, [""; 0]);
    }

    /// Rules: I2
    async fn an_application_lists_its_own_and_what_nobody_owns(store: Store) {
        let nameless = client(&store).await;
        let ours = nameless.clone().application("ours");
        for id in ["nobodys", "ours", "theirs"] {
            given(&store, id, Status::Success).await;
        }
        let sql = "UPDATE workflow_status SET application_name = workflow_uuid WHERE workflow_uuid <> 'nobodys'";
        store.execute(sql, &[]).await;

        let all = ["nobodys", "ours", "theirs"];
        for (what, client, filter, expected) in [
            ("nameless", &nameless, filter(), &all[..]),
            ("named", &ours, filter(), &all[..2]),
            ("asked for", &ours, filter().application("theirs"), &["nobodys", "theirs"]),
            ("any", &ours, filter().any_application(), &all[..]),
            ("by id", &ours, filter().ids(all), &all[..]),
            ("by id, of one", &ours, filter().ids(all).application("ours"), &all[..2]),
        ] {
            let mut found = listed(client, filter).await;
            found.sort();
            assert_eq!(found, expected, "{what}");
        }
    }

    /// Rules: I3
    async fn what_is_on_queues_is_unfinished_unless_a_status_is_asked_for(store: Store) {
        let client = client(&store).await;
        for status in EVERY_STATUS {
            given(&store, status.as_str(), status).await;
        }
        given(&store, "direct", Status::Pending).await;
        let sql = "UPDATE workflow_status SET queue_name = NULL WHERE workflow_uuid = 'direct'";
        store.execute(sql, &[]).await;

        let queued = client.list_queued(filter()).await.unwrap();
        let finished = client.list_queued(filter().status(Status::Success)).await.unwrap();

        let mut queued: Vec<_> = queued.into_iter().map(|workflow| workflow.status.as_str()).collect();
        queued.sort_unstable();
        assert_eq!(queued, ["DELAYED", "ENQUEUED", "PENDING"]);
        assert_eq!(finished.len(), 1);
    }

    /// Rules: I4
    async fn input_and_output_are_read_only_when_they_are_wanted(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        store.execute("UPDATE workflow_status SET inputs = 'old', output = 'old', error = 'old'", &[]).await;

        let all = client.list(filter()).await.unwrap().remove(0);
        let bare = client.list(filter().without_input().without_output()).await.unwrap().remove(0);

        assert!(all.input.is_some() && all.output.is_some());
        assert_eq!((bare.input, bare.output, bare.error), (None, None, None));
        assert_eq!(bare.attributes, Some(json!({"k": 1})));
    }

    /// Rules: I5
    async fn what_cannot_be_read_is_shown_as_it_stands(store: Store) {
        let client = client(&store).await;
        for (format, text, expected) in [
            ("portable_json", "[1,{\"a\":null}]", json!([1, {"a": null}])),
            ("portable_json", "no json", json!("no json")),
            ("js_superjson", "{\"json\":1}", json!("{\"json\":1}")),
            ("py_pickle", "gASVBwAAAAAAAABdlChLAWUu", json!([1])),
            ("py_pickle", "rubbish", json!("rubbish")),
        ] {
            given(&store, "wf", Status::Success).await;
            step(&store, "wf", 1, text).await;
            store.execute("UPDATE workflow_status SET serialization = $1", &[format]).await;
            store.execute("UPDATE operation_outputs SET serialization = $1", &[format]).await;
            store.execute("UPDATE workflow_input SET inputs = $1", &[text]).await;
            store.execute("UPDATE workflow_output SET output = $1, error = $1", &[text]).await;

            let workflow = client.list(filter()).await.unwrap().remove(0);
            let step = client.steps("wf").await.unwrap().remove(0);

            assert_eq!(workflow.output_value(), Some(expected.clone()), "{format}");
            assert_eq!(step.output, Some(expected), "{format}");
            assert!(workflow.input_value().is_some() && workflow.error_value().is_some());
            client.delete("wf").await.unwrap();
        }
    }

    /// Rules: I6
    async fn steps_come_in_their_order_with_all_that_is_recorded(store: Store) {
        let client = client(&store).await;
        given(&store, "wf", Status::Success).await;
        for position in [3, 1, 2] {
            step(&store, "wf", position, "[1]").await;
        }
        let error = r#"{"name":"E","message":"m","code":null}"#;
        store
            .execute(
                "UPDATE operation_outputs SET output = NULL, error = $1, child_workflow_id = 'child'
                 WHERE function_id = 2",
                &[error],
            )
            .await;

        let steps = client.steps("wf").await.unwrap();
        let page = client.steps(StepFilter::of("wf").offset(1).limit(1).without_output()).await.unwrap();

        assert_eq!(
            serde_json::to_value(steps).unwrap(),
            json!([
                {"position": 1, "name": "step1", "output": [1], "error": null,
                 "child_workflow_id": null, "started_at_ms": 100, "completed_at_ms": 110},
                {"position": 2, "name": "step2", "output": null,
                 "error": {"name": "E", "message": "m", "code": null},
                 "child_workflow_id": "child", "started_at_ms": 100, "completed_at_ms": 110},
                {"position": 3, "name": "step3", "output": [1], "error": null,
                 "child_workflow_id": null, "started_at_ms": 100, "completed_at_ms": 110},
            ])
        );
        assert_eq!(page.len(), 1);
        assert_eq!((page[0].position, &page[0].error), (2, &None));
        assert_eq!(client.steps("missing").await.unwrap(), []);
    }

    /// Rules: L9
    async fn a_workflow_that_does_not_exist_is_not_retrieved(store: Store) {
        let durable = store.open().register::<held>().launch().await.unwrap();
        let client = durable.client();

        let status = client.status("missing").await;
        let handle = client.retrieve::<held>("missing").await.map(drop);

        assert!(matches!(status, Err(Error::NoSuchWorkflow { .. })));
        assert!(matches!(handle, Err(Error::NoSuchWorkflow { .. })));
    }

    /// Rules: I7
    async fn a_listing_that_takes_too_long_is_stopped(store: Store) {
        let client = client(&store).await.listing_limit(Duration::ZERO);
        given_three(&store).await;
        let many = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
            INSERT INTO operation_outputs (workflow_uuid, function_id, output)
            SELECT 'a', n, '\"0123456789012345678901234567890123456789\"' FROM n";
        store.execute(many, &[]).await;

        let refused = client.steps("a").await;

        assert!(matches!(refused, Err(Error::QueryTimedOut { .. })), "{refused:?}");
        let by_id = client.list(filter().ids(["a"])).await.unwrap();
        assert_eq!(by_id.len(), 1);
        let steps = client.clone().listing_limit(Duration::from_secs(30)).steps("a").await.unwrap();
        assert_eq!(steps.len(), 20_000);
    }
}
