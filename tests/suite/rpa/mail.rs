//! Workflows that send and read mail, with a real SMTP server and Dovecot.

use std::net::TcpListener;

use durable_tests::mail::{Habits, PASSWORD, PostOffice};
use durable_tests::rpa::{Life, Printed, Robot};
use durable_tests::store::Store;
use serde_json::json;

/// A robot that knows the password and trusts the certificate of the servers.
fn robot<'s>(store: &'s Store, office: &PostOffice) -> Robot<'s> {
    let certificate = office.certificate.file.display().to_string();
    Robot::new(store)
        .with("RPA_SECRET_MAIL", PASSWORD)
        .with("SSL_CERT_FILE", &certificate)
}

fn variables(office: &PostOffice, more: &[&str]) -> Vec<String> {
    let mut variables = vec![
        format!("smtp_port={}", office.smtp.port),
        format!("imap_port={}", office.imap.port),
    ];
    variables.extend(more.iter().map(|it| (*it).to_owned()));
    variables
        .into_iter()
        .flat_map(|variable| ["--var".to_owned(), variable])
        .collect()
}

fn run(robot: &Robot<'_>, office: &PostOffice, file: &str, id: &str, more: &[&str]) -> Printed {
    let variables = variables(office, more);
    let arguments: Vec<&str> = variables.iter().map(String::as_str).collect();
    robot.run(file, id, &arguments)
}

/// Runs `mail_one.json` and kills it when the server has the mail and did not say so. Gives its Message-ID.
fn killed_when_it_is_sent(robot: &Robot<'_>, office: &mut PostOffice, id: &str) -> String {
    office.smtp.tell("hold");
    let variables = variables(office, &[]);
    let arguments: Vec<&str> = variables.iter().map(String::as_str).collect();
    let life: Life = robot.start_with("mail_one.json", id, &arguments);
    let sent = office.smtp.wait("mail");
    life.kill();
    office.smtp.tell("go");
    sent
}

#[test]
fn each_node_does_with_real_mail_what_it_is_for() {
    let store = Store::sqlite();
    let office = PostOffice::open();
    let robot = robot(&store, &office);

    let printed = run(&robot, &office, "mail_tour.json", "tour", &[]);

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    let given = &printed.json["outputs"];
    assert_eq!(given["send"]["message_id"], "<tour/send/1@example.org>");
    let mail = &given["read"]["emails"][0];
    assert_eq!(given["read"]["count"], 1);
    assert_eq!(mail["message_id"], "tour/send/1@example.org");
    assert_eq!(mail["subject"], "Rechnung für März – 100 €");
    assert_eq!(mail["from"], "Ada Löwe <ada@example.org>");
    assert_eq!(mail["to"], "Bob <bob@example.org>, eve@example.org");
    assert_eq!(mail["cc"], "carl@example.org");
    assert_eq!(mail["is_read"], false);
    let attachments = json!([
        {"filename": "Übersicht März.csv", "content_type": "text/csv", "size": 10},
        {"filename": "again.csv", "content_type": "text/csv", "size": 10},
    ]);
    assert_eq!(mail["attachments"], attachments);
    let subjects = |node: &str| {
        let mails = given[node]["emails"].as_array().unwrap().iter();
        mails
            .map(|it| it["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects("all"), ["Rechnung für März – 100 €", "News"]);
    assert_eq!(given["all"]["emails"][0]["body_text"], "");
    assert_eq!(subjects("newest"), ["News"]);
    assert_eq!(
        given["newest"]["emails"][0]["body_html"]
            .as_str()
            .unwrap()
            .trim(),
        "<p>Hello <b>Bob</b></p>"
    );
    let content = &given["content"];
    let text = content["body_text"].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "Guten Tag,\nanbei die Übersicht.\n.\nAda");
    assert_eq!(content["attachments"], attachments);
    assert_eq!(given["filter"]["count"], 1);
    assert_eq!(given["save"]["count"], 2);
    for name in ["Übersicht März.csv", "again.csv"] {
        let saved = std::fs::read_to_string(robot.file("saved").join(name)).unwrap();
        assert_eq!(saved, "Größe;1\n");
    }
    assert_eq!(subjects("unread"), ["News"], "the other one was marked");
    assert_eq!(given["none"]["count"], 0);
    assert_eq!(subjects("moved"), ["Rechnung für März – 100 €"]);
    assert_eq!(
        given["moved"]["emails"][0]["flags"],
        json!(["\\Flagged", "\\Seen"])
    );
    assert_eq!(
        given["deleted"]["emails"][0]["flags"],
        json!(["\\Flagged", "\\Deleted", "\\Seen"])
    );
    assert_eq!(given["gone"]["count"], 0);
    assert_eq!(subjects("rest"), ["News"]);
}

#[test]
fn one_node_does_all_that_there_is_about_mail_and_leads_failures_away() {
    let store = Store::sqlite();
    let office = PostOffice::open();
    let robot = robot(&store, &office);

    let printed = run(&robot, &office, "mail_super.json", "super", &[]);

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    let given = &printed.json["outputs"];
    assert_eq!(given["read"]["emails"][0]["subject"], "Hello");
    assert_eq!(given["save"]["count"], 1);
    assert_eq!(given["moved"]["emails"][0]["is_read"], false);
    assert_eq!(given["delete"]["success"], true);
    assert_eq!(given["again"]["success"], false);
    let said = printed.json["logs"][0].as_str().unwrap();
    assert!(said.contains("there is no mail with the uid"), "{said}");
}

#[test]
fn nobody_sees_who_got_a_copy_in_secret() {
    let store = Store::sqlite();
    let office = PostOffice::open();
    let robot = robot(&store, &office);
    let file = robot.up_to("mail_tour.json", "send");
    let variables = variables(&office, &[]);
    let mut arguments = vec!["run", file.to_str().unwrap(), "--id", "copies"];
    arguments.extend(variables.iter().map(String::as_str));

    let printed = robot.call(&arguments);

    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let mail = office.mails().pop().unwrap();
    let (head, _) = mail
        .split_once("\r\n\r\n")
        .or_else(|| mail.split_once("\n\n"))
        .unwrap();
    for person in ["bob", "eve", "carl", "dan"] {
        assert!(
            head.contains(&format!("X-Rcpt-To: {person}@example.org")),
            "{head}"
        );
    }
    assert_eq!(head.matches("dan@example.org").count(), 1, "{head}");
    assert!(
        head.contains("X-Priority: 1") && head.contains("Reply-To: office@example.org"),
        "{head}"
    );
}

#[test]
fn nobody_reads_along_with_tls_from_the_first_byte_or_after_a_few_words() {
    for (wrapping, more) in [("always", "tls=true"), ("later", "starttls=true")] {
        let store = Store::sqlite();
        let office = PostOffice::with(Habits {
            wrapping,
            moves: true,
        });
        let robot = robot(&store, &office);
        // Without TLS from the first byte on, Dovecot lets nobody in who does not begin it later.
        let port = match wrapping {
            "always" => office.imap.tls_port,
            _ => office.imap.port,
        };
        let port = format!("imap_port={port}");

        let printed = run(&robot, &office, "mail_changes.json", "safe", &[more, &port]);

        assert_eq!(
            printed.code, 0,
            "{wrapping}: {} {}",
            printed.json["error"], printed.stderr
        );
        assert_eq!(printed.json["outputs"]["read"]["count"], 1);
    }
}

#[test]
fn servers_that_nobody_vouches_for_are_told_nothing() {
    let store = Store::sqlite();
    let office = PostOffice::with(Habits {
        wrapping: "always",
        moves: true,
    });
    let robot = Robot::new(&store).with("RPA_SECRET_MAIL", PASSWORD);
    let port = format!("imap_port={}", office.imap.tls_port);

    let sent = run(&robot, &office, "mail_one.json", "send", &["tls=true"]);
    let read = run(
        &robot,
        &office,
        "mail_read.json",
        "read",
        &["tls=true", &port],
    );

    for (printed, port) in [(sent, office.smtp.port), (read, office.imap.tls_port)] {
        assert_eq!(printed.code, 2, "{}", printed.stderr);
        let error = printed.json["error"].as_str().unwrap();
        assert!(
            error.contains("certificate") && error.contains("SSLError"),
            "{port}: {error}"
        );
    }
    assert!(office.mails().is_empty());
}

#[test]
fn a_wrong_password_is_told_with_the_server_and_without_the_password() {
    let store = Store::sqlite();
    let office = PostOffice::open();
    let robot = Robot::new(&store).with("RPA_SECRET_MAIL", "not this one");

    for (file, node, place) in [
        (
            "mail_one.json",
            "send",
            format!("127.0.0.1:{}", office.smtp.port),
        ),
        (
            "mail_read.json",
            "read",
            format!("127.0.0.1:{}", office.imap.port),
        ),
    ] {
        let printed = run(&robot, &office, file, node, &["retries=3"]);

        assert_eq!(printed.code, 2, "{}", printed.stderr);
        assert_eq!(printed.json["failed_node_id"], node);
        let error = printed.json["error"].as_str().unwrap();
        assert!(
            error.starts_with("AuthenticationError: ") && error.contains(&place),
            "{error}"
        );
        assert!(!error.contains("not this one"), "{error}");
    }
}

#[test]
fn servers_that_are_not_there_are_told_with_their_host_and_port() {
    let store = Store::sqlite();
    let robot = Robot::new(&store).with("RPA_SECRET_MAIL", PASSWORD);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let ports = [format!("smtp_port={port}"), format!("imap_port={port}")];

    for (file, node) in [("mail_one.json", "send"), ("mail_read.json", "read")] {
        let printed = robot.run(
            file,
            node,
            &["--var", &ports[0], "--var", &ports[1], "--var", "retries=1"],
        );

        assert_eq!(printed.code, 2, "{}", printed.stderr);
        assert_eq!(printed.json["failed_node_id"], node);
        let error = printed.json["error"].as_str().unwrap();
        assert!(
            error.starts_with("ConnectionError: ") && error.contains(&format!("127.0.0.1:{port}")),
            "{error}"
        );
        let warnings = printed.json["warnings"].to_string();
        assert!(
            warnings.contains("again after: ConnectionError"),
            "{warnings}"
        );
    }
}

#[test]
fn what_the_server_refuses_for_now_is_sent_again_and_what_it_refuses_for_good_is_not() {
    let store = Store::sqlite();
    let mut office = PostOffice::open();
    let robot = robot(&store, &office);

    office.smtp.tell("refuse 451 come back later");
    let later = run(&robot, &office, "mail_one.json", "later", &["retries=2"]);
    office.smtp.tell("refuse 554 not from you");
    let never = run(&robot, &office, "mail_one.json", "never", &["retries=2"]);

    assert_eq!(later.code, 0, "{}", later.stderr);
    let warnings = later.json["warnings"].to_string();
    assert!(warnings.contains("come back later"), "{warnings}");
    assert_eq!(never.code, 2);
    let error = never.json["error"].as_str().unwrap();
    assert!(
        error.starts_with("EmailError: ") && error.contains("not from you"),
        "{error}"
    );
    assert_eq!(office.mails().len(), 1);
}

#[test]
fn lines_that_a_value_would_add_to_the_head_of_a_mail_are_refused() {
    let store = Store::sqlite();
    let office = PostOffice::open();
    let robot = robot(&store, &office);

    for (id, injected) in [
        ("subject", "subject=Hello\r\nBcc: eve@example.org"),
        ("to_email", "to=bob@example.org\nBcc: eve@example.org"),
        ("attachments", "name=a.txt\"\r\nX-Evil: 1"),
    ] {
        let printed = run(&robot, &office, "mail_one.json", id, &[injected]);

        assert_eq!(printed.code, 2, "{id}: {}", printed.stderr);
        let error = printed.json["error"].as_str().unwrap();
        assert!(
            error.contains(&format!("`{id}` holds a line break")),
            "{error}"
        );
    }
    assert!(office.mails().is_empty());
}

#[test]
fn a_search_that_would_be_a_second_command_is_refused() {
    let store = Store::sqlite();
    let office = PostOffice::open();
    let robot = robot(&store, &office);

    let printed = run(
        &robot,
        &office,
        "mail_read.json",
        "read",
        &["search=ALL\r\nR9 DELETE INBOX"],
    );

    assert_eq!(printed.code, 2, "{}", printed.stderr);
    let error = printed.json["error"].as_str().unwrap();
    assert!(
        error.contains("`search_criteria` holds a line break"),
        "{error}"
    );
}

#[test]
fn kills_while_mails_are_read_and_moved_lose_none_and_move_none_twice() {
    const MAILS: usize = 12;
    for moves in [true, false] {
        let store = Store::sqlite();
        let office = PostOffice::with(Habits {
            wrapping: "plain",
            moves,
        });
        let robot = robot(&store, &office);
        let count = format!("count={MAILS}");
        let filled = run(&robot, &office, "mail_fill.json", "fill", &[&count]);
        assert_eq!(filled.code, 0, "{}", filled.stderr);
        let variables = variables(&office, &[&count]);
        let more: Vec<&str> = variables.iter().map(String::as_str).collect();
        robot.kill_often("mail_sort.json", "sort", &more, 15, || {});

        let printed = robot.run("mail_sort.json", "sort", &more);

        assert_eq!(
            printed.code, 0,
            "{moves}: {} {}",
            printed.json["error"], printed.stderr
        );
        assert_eq!(printed.json["recovered"], true);
        // The newest that was not read is taken each time.
        let expected: Vec<String> = (0..MAILS).rev().map(|row| format!("Mail {row}")).collect();
        assert_eq!(
            printed.json["logs"],
            json!(expected),
            "{moves}: each is read once, none is lost with the mark"
        );
        let outputs = &printed.json["outputs"];
        assert_eq!(outputs["inbox"]["count"], 0, "{moves}");
        let there = outputs["archive"]["emails"].as_array().unwrap().iter();
        let there: Vec<_> = there.map(|mail| mail["subject"].clone()).collect();
        assert_eq!(
            json!(there),
            json!(expected),
            "{moves}: each is there once, in order"
        );
        assert_eq!(office.mails().len(), MAILS, "{moves}: there is no copy");
    }
}

on_both_stores! {
    async fn a_mail_that_a_crash_interrupted_waits_until_a_person_decides(store: Store) {
        let mut office = PostOffice::open();
        let robot = robot(&store, &office);
        let sent = killed_when_it_is_sent(&robot, &mut office, "order");

        let parked = run(&robot, &office, "mail_one.json", "order", &[]);

        assert_eq!(parked.code, 4, "{}", parked.stderr);
        assert_eq!(parked.json["status"], "NEEDS_ATTENTION");
        assert_eq!(parked.json["question"]["node"], "send");
        assert_eq!(office.smtp.said("mail"), Vec::<String>::new(), "it was not sent again");
        assert_eq!(robot.call(&["answer", "order", "retry"]).code, 0);
        let resumed = robot.call(&["resume", "order"]);
        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        assert_eq!(resumed.json["logs"], json!(["True"]));
        assert_eq!(sent, "<order/send/1@example.org>");
        assert_eq!(office.smtp.said("mail"), [sent], "whoever gets it twice can tell");
        let rows = store.dump().await.join("\n");
        assert!(!rows.contains(PASSWORD) && !rows.contains(&PASSWORD.replace('"', "\\\"")));
    }

    async fn a_policy_decides_on_mails_where_nobody_is_to_be_asked(store: Store) {
        let mut office = PostOffice::open();
        let robot = robot(&store, &office);
        let first = killed_when_it_is_sent(&robot, &mut office, "again");
        killed_when_it_is_sent(&robot, &mut office, "once");
        let variables = variables(&office, &[]);
        let finish = |id: &str, policy: &str| {
            let mut more: Vec<&str> = variables.iter().map(String::as_str).collect();
            more.extend(["--on-uncertain", policy]);
            robot.run("mail_one.json", id, &more)
        };

        let again = finish("again", "retry");
        let once = finish("once", "skip");

        assert_eq!((again.code, once.code), (0, 0), "{} {}", again.stderr, once.stderr);
        assert_eq!(office.smtp.said("mail"), [first]);
        assert_eq!(again.json["logs"], json!(["True"]));
        assert_eq!(once.json["logs"], json!(["False"]));
        assert_eq!(office.mails().len(), 3);
    }

    async fn what_a_crash_interrupted_in_a_mailbox_is_known_to_be_done(store: Store) {
        for moves in [true, false] {
            let mut office = PostOffice::with(Habits { wrapping: "plain", moves });
            let robot = robot(&store, &office);
            for node in ["read", "move", "delete"] {
                let file = robot.up_to("mail_changes.json", node);
                let id = format!("{node}-{moves}");
                let variables = variables(&office, &[]);
                let mut arguments = vec!["run", file.to_str().unwrap(), "--id", &id];
                arguments.extend(variables.iter().map(String::as_str));
                let first = robot.call(&arguments);
                assert_eq!(first.code, 0, "{id}: {} {}", first.json["error"], first.stderr);
                robot.forget_end(&id, node).await;

                let printed = robot.call(&arguments);

                assert_eq!(printed.code, 0, "{id}: {} {}", printed.json["error"], printed.stderr);
                // Mails that are marked as read already are read again.
                let read = &printed.json["outputs"]["read"];
                assert_eq!(read["count"], 1, "{id}");
                assert_eq!(read["emails"][0]["uid"], first.json["outputs"]["read"]["emails"][0]["uid"], "{id}");
                assert_eq!(office.smtp.said("mail").len(), 1, "{id}: nothing before it was done again");
                let left = office.mails().len();
                assert_eq!(left, usize::from(node != "delete"), "{id}: the mail is in one folder, or gone");
                office.clear();
            }
        }
    }
}
