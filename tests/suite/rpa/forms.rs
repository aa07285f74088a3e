//! Workflows that are started by forms, which the server shows.

use durable_tests::rpa::{Answer, Robot};
use durable_tests::store::Store;
use serde_json::json;

use super::serve::{DONE, RUNS, log, served, write};

const FORM: [&str; 4] = ["serve", "form.json", "--listen", "127.0.0.1:0"];
const SENT: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The key of a form that was shown.
fn key(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"_key\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

on_both_stores! {
    async fn a_form_that_is_sent_twice_starts_one_run_in_all_servers_and_after_a_kill(store: Store) {
        let robot = Robot::new(&store);
        let config = json!({"form_title": "Order <now>", "success_message": "Thanks & bye", "form_fields": [
            {"name": "item", "type": "select", "label": "What?", "options": ["bread", "salt"], "required": true},
            {"name": "amount", "type": "integer", "default": 1},
            {"name": "gift", "type": "checkbox"},
        ]});
        let line = "{{on.form_data.item}} {{amount}} {{form_data.gift}} {{ip_address}}\n";
        write(&robot, "form.json", &served("FormTriggerNode", config, line));
        let server = robot.serve(&["serve", "form.json", "--listen", "127.0.0.1:0", "--no-work"]);

        let page = server.ask("GET", "/form/on", &[], "");
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<h1>Order &lt;now&gt;</h1>"), "{}", page.body);
        assert!(page.body.contains("<option>salt</option>"), "{}", page.body);
        let first = key(&page);
        assert_ne!(first, key(&server.ask("GET", "/form/on", &[], "")));
        let body = format!("_key={first}&item=bread&amount=7&gift=on&more=x");
        let taken = server.ask("POST", "/form/on", &[SENT], &body);
        assert_eq!(taken.status, 200, "{}", taken.body);
        assert!(taken.body.contains("Thanks &amp; bye"), "{}", taken.body);
        let id = format!("form:on:{first}");
        assert_eq!(taken.header("x-workflow-id"), Some(id.as_str()));
        server.kill();

        let servers = [robot.serve(&FORM), robot.serve(&FORM)];
        for server in &servers {
            let again = server.ask("POST", "/form/on", &[SENT], &body);
            assert_eq!((again.status, again.header("x-workflow-id")), (200, Some(id.as_str())));
        }
        let other = server_says_conflict(&servers[0].ask("POST", "/form/on", &[SENT], &format!("_key={first}&item=salt")));
        assert!(other, "the same form with other values is another one");
        store.becomes(DONE, &["form:on:%"], 1).await;
        assert_eq!(store.value(RUNS, &["form:on:%"]).await, 1);
        assert_eq!(log(&robot), ["bread 7 True 127.0.0.1"]);
    }
}

fn server_says_conflict(answer: &Answer) -> bool {
    answer.status == 409 && answer.body.contains("sent already")
}

#[test]
fn forms_that_are_wrong_or_that_nobody_may_send_start_nothing() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    let fields = json!([{"name": "mail", "type": "email", "required": true}, {"name": "count", "type": "number"}]);
    let config = json!({"form_fields": fields, "require_auth": true, "basic_username": "ada", "basic_password": "open sesame"});
    write(
        &robot,
        "form.json",
        &served("FormTriggerNode", config, "{{user_id}}\n"),
    );
    let server = robot.serve(&["serve", "form.json", "--listen", "127.0.0.1:0", "--no-work"]);
    // ada:open sesame
    let shown = ("Authorization", "Basic YWRhOm9wZW4gc2VzYW1l");

    let nobody = server.ask("GET", "/form/on", &[], "");
    assert_eq!(nobody.status, 401);
    let how = nobody.header("www-authenticate");
    assert!(how.unwrap().starts_with("Basic"), "browsers ask then");
    let foreign = [SENT, shown, ("Sec-Fetch-Site", "cross-site")];
    let good = "mail=a%40b.org&count=2";
    assert_eq!(server.ask("POST", "/form/on", &foreign, good).status, 403);
    assert_eq!(server.ask("PUT", "/form/on", &[shown], "").status, 405);
    let body = "_key=k%22%3E&mail=%22%3E%3Cscript%3E&count=many";
    let wrong = server.ask("POST", "/form/on", &[SENT, shown], body);
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("this has to be an address of mail"),
        "{}",
        wrong.body
    );
    assert!(
        wrong.body.contains("this has to be a number"),
        "{}",
        wrong.body
    );
    assert!(!wrong.body.contains("<script"), "{}", wrong.body);
    assert_eq!(key(&wrong), "k&quot;&gt;", "it is still the same form");
    let taken = server.ask("POST", "/form/on", &[SENT, shown], good);
    assert_eq!(taken.status, 200, "{}", taken.body);

    for (config, expected) in [
        (
            json!({"form_fields": [{"name": "a", "type": "file"}]}),
            "`a` is a `file`, which is none of",
        ),
        (
            json!({"form_fields": [{"name": "a"}, {"name": "a"}]}),
            "two fields `a`",
        ),
        (json!({"require_auth": true}), "everybody could ask"),
    ] {
        write(&robot, "form.json", &served("FormTriggerNode", config, "x"));
        let ended = robot.bare(&FORM).args(["--db", store.url()]).output();
        let said = String::from_utf8_lossy(&ended.unwrap().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}
