//! Workflows that are started by messages of a page to chat with.

use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

use super::serve::{DONE, RUNS, served, write};

const CHAT: [&str; 4] = ["serve", "chat.json", "--listen", "127.0.0.1:0"];
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A workflow that replies.
fn replies(config: Json) -> Json {
    let mut workflow = served("ChatTriggerNode", config, "x");
    workflow["nodes"]["write"] = json!({"node_id": "write", "node_type": "SetVariableNode", "config": {"variable_name": "reply", "value": "You said {{message}}"}});
    workflow
}

on_both_stores! {
    async fn a_message_is_answered_by_its_run_and_once_for_each_key(store: Store) {
        let robot = Robot::new(&store);
        write(&robot, "chat.json", &replies(json!({"welcome_message": "Hi <you>", "message_pattern": "(?i)^h"})));
        let server = robot.serve(&CHAT);

        let page = server.ask("GET", "/chat/on", &[], "");
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Hi &lt;you&gt;"), "{}", page.body);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        let said = json!({"message": "Hello", "key": "m1"}).to_string();
        let answer = server.ask("POST", "/chat/on", &[JSON], &said);
        assert_eq!((answer.status, &answer.json()["reply"]), (200, &json!("You said Hello")), "{}", answer.body);
        server.kill();
        let server = robot.serve(&CHAT);
        let again = server.ask("POST", "/chat/on", &[JSON], &said);
        assert_eq!(again.json(), answer.json(), "the reply is durable");
        let other = json!({"message": "Hello?", "key": "m1"}).to_string();
        assert_eq!(server.ask("POST", "/chat/on", &[JSON], &other).status, 409);
        let ignored = server.ask("POST", "/chat/on", &[JSON], r#"{"message": "psst"}"#);
        assert_eq!(ignored.json()["ignored"], true);
        assert_eq!(server.ask("POST", "/chat/on", &[], &said).status, 415, "pages of other sites can send that");
        store.becomes(DONE, &["chat:on:%"], 1).await;
        assert_eq!(store.value(RUNS, &["chat:on:%"]).await, 1);
    }
}

#[test]
fn chats_on_other_platforms_are_refused_by_name() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    write(
        &robot,
        "chat.json",
        &replies(json!({"platform": "telegram"})),
    );
    let ended = robot.bare(&CHAT).args(["--db", store.url()]).output();
    let said = String::from_utf8_lossy(&ended.unwrap().stderr).into_owned();
    assert!(
        said.contains("`platform` is `telegram`, which cannot be heard here"),
        "{said}"
    );
}
