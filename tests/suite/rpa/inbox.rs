//! Workflows that are started by mails, which Dovecot has.

use std::time::Duration;

use durable_tests::mail::{PASSWORD, PostOffice, USER};
use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

use super::serve::{DONE, RUNS, log, served, write};

/// Whether it is recorded how the folder was at first.
const FIRST: &str =
    "SELECT count(*) FROM workflow_status WHERE name = 'first_found' AND status = 'SUCCESS'";
const MAIL: [&str; 2] = ["serve", "mail.json"];
const LINE: &str = "{{subject}} {{sender}} {{on.email.is_read}}\n";

fn mail(subject: &str, from: &str) -> String {
    format!(
        "Message-ID: <{subject}@example.org>\r\nFrom: {from}\r\nTo: {USER}\r\nSubject: {subject}\r\n\
         Date: Mon, 23 Nov 2026 08:00:00 +0100\r\n\r\nThe text of {subject}.\r\n"
    )
}

fn config(office: &PostOffice, more: Json) -> Json {
    let mut config = json!({
        "server": "127.0.0.1", "port": office.imap.port, "use_ssl": false, "username": USER,
        "password": "{{$secret:mail}}", "poll_interval_seconds": 0.1,
    });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

on_both_stores! {
    async fn each_mail_that_comes_starts_one_run_and_is_marked_behind_it(store: Store) {
        let office = PostOffice::open();
        office.deliver("0", &mail("old", "bob@example.org"));
        office.received("0", Duration::from_secs(60));
        let robot = Robot::new(&store).with("RPA_SECRET_MAIL", PASSWORD);
        write(&robot, "mail.json", &served("EmailTriggerNode", config(&office, json!({"filter_from": "BOB@"})), LINE));
        let servers = [robot.serve(&MAIL), robot.serve(&MAIL)];
        store.becomes(FIRST, &[], 1).await;

        office.deliver("1", &mail("one", "Bob <bob@example.org>"));
        office.deliver("2", &mail("other", "eve@example.org"));
        store.becomes(DONE, &["mail:on:%"], 1).await;
        for server in servers {
            server.kill();
        }
        office.deliver("3", &mail("two", "bob@example.org"));
        let server = robot.serve(&MAIL);
        store.becomes(DONE, &["mail:on:%"], 2).await;
        server.kill();
        // The mails have other numbers now, and two come.
        office.number_anew();
        office.deliver("4", &mail("three", "bob@example.org"));
        let _server = robot.serve(&MAIL);
        office.deliver("5", &mail("four", "bob@example.org"));
        store.becomes(DONE, &["mail:on:%"], 4).await;

        let lines = ["four bob@example.org False", "one Bob <bob@example.org> False", "three bob@example.org False", "two bob@example.org False"];
        assert_eq!(log(&robot), lines, "none twice, and not what was there before");
        let rows = store.dump().await.join("\n");
        assert!(!rows.contains("et word"), "the password is not recorded");
    }

    async fn a_mail_whose_run_is_durable_and_that_was_not_marked_starts_no_other_one(store: Store) {
        let office = PostOffice::open();
        let robot = Robot::new(&store).with("RPA_SECRET_MAIL", PASSWORD);
        let more = json!({"mark_as_read": false, "download_attachments": true, "attachment_dir": "kept"});
        write(&robot, "mail.json", &served("EmailTriggerNode", config(&office, more), "{{attachments[0].path}} {{body}}"));
        let server = robot.serve(&MAIL);
        store.becomes(FIRST, &[], 1).await;
        let with = "Message-ID: <a@example.org>\r\nFrom: bob@example.org\r\nSubject: with\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nText\r\n\
            --b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=\"../a.csv\"\r\n\r\n1;2\r\n--b--\r\n";
        office.deliver("1", with);
        store.becomes(DONE, &["mail:on:%"], 1).await;
        server.kill();
        assert_eq!(office.read(), 0);
        let line = log(&robot).join("");
        let (path, body) = line.split_once(' ').unwrap();
        assert_eq!((std::fs::read_to_string(path).unwrap().trim_end(), body), ("1;2", "Text"));
        assert!(path.starts_with(robot.file("kept").canonicalize().unwrap().to_str().unwrap()), "{path}");
        std::fs::remove_file(path).unwrap();

        // As after a crash between the run and the mark.
        write(&robot, "mail.json", &served("EmailTriggerNode", config(&office, json!({"download_attachments": true, "attachment_dir": "kept"})), "x"));
        let _server = robot.serve(&MAIL);
        office.deliver("2", &mail("next", "bob@example.org"));
        store.becomes(DONE, &["mail:on:%"], 2).await;

        assert_eq!(store.value(RUNS, &["mail:on:%"]).await, 2);
        assert!(!std::path::Path::new(path).exists(), "what a run took away does not come back");
        let end = std::time::Instant::now() + Duration::from_secs(20);
        while office.read() < 2 {
            assert!(std::time::Instant::now() < end, "both are marked now");
            // Dovecot tells nobody.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[test]
fn providers_that_let_no_program_in_are_refused_by_name() {
    let store = Store::sqlite();
    let robot = Robot::new(&store);
    for (config, expected) in [
        (
            json!({"provider": "gmail"}),
            "`provider` is `gmail`, which lets programs in by OAuth only",
        ),
        (
            json!({"provider": "outlook"}),
            "`provider` is `outlook`, which",
        ),
        (json!({"server": "localhost"}), "`username` is empty"),
        (
            json!({"server": "localhost", "username": "a", "password": "b", "download_attachments": true}),
            "`attachment_dir` is empty",
        ),
    ] {
        write(
            &robot,
            "mail.json",
            &served("EmailTriggerNode", config, "x"),
        );
        let ended = robot.bare(&MAIL).args(["--db", store.url()]).output();
        let said = String::from_utf8_lossy(&ended.unwrap().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}
