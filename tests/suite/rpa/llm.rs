//! Workflows that ask a language model, and are killed while they do.

use std::collections::BTreeSet;
use std::time::Duration;

use durable_tests::counter::Counter;
use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::json;

const KILLS: usize = 20;
const ANSWER: &str = r#"{"model": "small", "choices": [{"message": {"content": "yes"}}], "usage": {"total_tokens": 7}}"#;
const KEY: &str = "sk-very-secret";

/// A robot that keeps the key of the model.
fn robot(store: &Store) -> Robot<'_> {
    Robot::new(store).with("RPA_SECRET_MODEL", KEY)
}

on_both_stores! {
    async fn a_model_that_was_asked_before_a_crash_is_asked_again_under_the_same_key(store: Store) {
        let (robot, model) = (robot(&store), Counter::answering(ANSWER));
        let url = format!("url={}", model.url());
        let more = ["--var", url.as_str(), "--var", "count=1"];
        model.hold(true);
        let life = robot.start_with("llm_loop.json", "asks", &more);
        let asked = model.next();
        life.kill();
        model.hold(false);

        let printed = robot.run("llm_loop.json", "asks", &more);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert_eq!(printed.json["logs"], json!(["0 yes"]));
        assert_eq!(printed.json["outputs"]["ask"]["tokens_used"], 7);
        let again = model.next();
        assert_eq!(again.header("idempotency-key"), Some("asks/ask/1"));
        assert_eq!(asked.header("idempotency-key"), again.header("idempotency-key"));
        assert_eq!((&asked.path, &asked.body), (&again.path, &again.body));
        assert_eq!(robot.run("llm_loop.json", "asks", &more).json["logs"], json!(["0 yes"]));
        assert!(model.rest().is_empty(), "what was recorded is not asked for again");
    }

    async fn an_agent_that_a_crash_interrupted_is_in_doubt_only_if_its_tools_change_something(store: Store) {
        let (robot, model) = (robot(&store), Counter::answering(ANSWER));
        let url = format!("url={}", model.url());
        for (id, tools, code) in [("reads", "tools=read_file,calculate", 0), ("writes", "tools=write_file", 4)] {
            let more = ["--var", url.as_str(), "--var", tools];
            model.hold(true);
            let life = robot.start_with("agent.json", id, &more);
            let asked = model.next();
            life.kill();
            model.hold(false);

            let printed = robot.run("agent.json", id, &more);

            assert_eq!(printed.code, code, "{id}: {}", printed.stderr);
            if code == 4 {
                assert_eq!(printed.json["question"]["node"], "agent");
                assert!(model.rest().is_empty(), "nothing is done before somebody answers");
            } else {
                assert_eq!(printed.json["logs"], json!(["yes"]));
                assert_eq!(model.next().header("idempotency-key"), asked.header("idempotency-key"));
            }
        }
    }

    async fn the_key_of_a_model_goes_to_it_and_to_nobody_else(store: Store) {
        let (robot, model) = (robot(&store), Counter::answering(ANSWER));
        let url = format!("url={}", model.url());

        let printed = robot.run("llm_loop.json", "key", &["--var", &url, "--var", "count=2"]);

        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert_eq!(model.next().header("authorization"), Some("Bearer sk-very-secret"));
        let history = robot.call(&["history", "key"]);
        assert!(history.json.to_string().contains("***"), "{}", history.json);
        for said in [printed.json.to_string(), printed.stderr, history.json.to_string()] {
            assert!(!said.contains(KEY), "{said}");
        }
        let found = format!("SELECT count(*) FROM operation_outputs WHERE output LIKE '%{KEY}%'");
        assert_eq!(store.value(&found, &[]).await, 0);
    }
}

#[test]
fn twenty_kills_around_a_loop_of_answers_lose_none_and_ask_under_no_key_that_is_new() {
    let store = Store::sqlite();
    let (robot, model) = (robot(&store), Counter::answering(ANSWER));
    let url = format!("url={}", model.url());
    let more = ["--var", url.as_str()];
    for kill in 0..KILLS {
        let mut life = robot.start_with("llm_loop.json", "loop", &more);
        assert!(
            !life.visits(1 + kill % 5).is_empty(),
            "the run ended after {kill} kills"
        );
        // Between what was told and the next instant the process goes on.
        std::thread::sleep(Duration::from_micros(211 * (kill as u64 % 13)));
        life.kill();
    }

    let printed = robot.run("llm_loop.json", "loop", &more);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let expected: Vec<String> = (0..30).map(|row| format!("{row} yes")).collect();
    assert_eq!(printed.json["logs"], json!(expected));
    let asked = model.rest();
    let keys: BTreeSet<_> = asked
        .iter()
        .filter_map(|asked| asked.header("idempotency-key"))
        .collect();
    let known: BTreeSet<_> = (1..=30).map(|visit| format!("loop/ask/{visit}")).collect();
    assert_eq!(keys, known.iter().map(String::as_str).collect());
    assert!(
        asked.len() <= 30 + 2 * KILLS,
        "{} requests for 30 answers",
        asked.len()
    );
}
