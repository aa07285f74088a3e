//! Workflows that work on a real FTP server.

use std::collections::BTreeMap;
use std::net::TcpListener;

use durable_tests::ftp::{FtpServer, PASSWORD};
use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::json;

/// More than what is on the way at once between a program and a server.
const LARGE: usize = 32 << 20;

/// A robot that knows the password and trusts the certificate of the server.
fn robot<'s>(store: &'s Store, server: &FtpServer) -> Robot<'s> {
    let certificate = server.certificate.file.display().to_string();
    Robot::new(store)
        .with("RPA_SECRET_FTP", PASSWORD)
        .with("SSL_CERT_FILE", &certificate)
}

#[test]
fn each_node_does_on_a_real_server_what_it_is_for() {
    for (kind, more) in [
        ("plain", "tls=false"),
        ("plain", "passive=false"),
        ("tls", "tls=true"),
        ("old", "tls=false"),
    ] {
        let store = Store::sqlite();
        let server = FtpServer::of_kind(kind);
        let robot = robot(&store, &server);
        let port = format!("port={}", server.script.port);

        let printed = robot.run("ftp_tour.json", "tour", &["--var", &port, "--var", more]);

        let case = format!("{kind} {more}");
        assert_eq!(
            printed.code, 0,
            "{case}: {} {}",
            printed.json["error"], printed.stderr
        );
        let given = &printed.json["outputs"];
        let greeting = given["connect"]["server_message"].as_str().unwrap();
        assert!(greeting.contains("Files of the tests"), "{greeting}");
        assert_eq!(given["upload"]["bytes_sent"], 9, "{case}");
        assert_eq!(given["size"], json!({"size": 9, "found": true}), "{case}");
        assert_eq!(
            given["nothing"],
            json!({"size": 0, "found": false}),
            "{case}"
        );
        assert_eq!(
            given["names"],
            json!({"items": ["in", "out"], "count": 2}),
            "{case}"
        );
        let folder = &given["list"]["items"][0];
        assert_eq!(
            (&folder["name"], &folder["type"]),
            (&json!("11"), &json!("dir")),
            "{case}"
        );
        let file = &given["files"]["items"][0];
        assert_eq!(file["name"], "größe.txt", "{case}");
        assert_eq!(
            (&file["is_dir"], &file["size"]),
            (&json!(false), &json!(9)),
            "{case}"
        );
        assert!(
            file["modified"].as_str().unwrap().starts_with("20"),
            "{case}: {file}"
        );
        for name in ["size.txt", "text.txt"] {
            let got = std::fs::read_to_string(robot.file("there").join(name)).unwrap();
            assert_eq!(got, "ein\nzwei\n", "{case} {name}");
        }
        assert_eq!(given["download"]["bytes_received"], 9, "{case}");
        assert_eq!(given["end"], json!({"items": [], "count": 0}), "{case}");
        assert_eq!(given["disconnect"]["disconnected"], true, "{case}");
        assert_eq!(
            server.names("out/new"),
            ["text.txt"],
            "{case}: nothing lies beside it"
        );
    }
}

#[test]
fn what_a_server_or_a_workflow_does_wrong_is_told_with_host_port_and_node() {
    let store = Store::sqlite();
    let server = FtpServer::of_kind("tls");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap().port();
    drop(free);
    let right = robot(&store, &server);
    let wrong = robot(&store, &server).with("RPA_SECRET_FTP", "not this one");
    let trusting_nobody = Robot::new(&store).with("RPA_SECRET_FTP", PASSWORD);
    let port = server.script.port;

    for (id, robot, port, node, expected) in [
        ("nobody", &right, nobody, "connect", "ConnectionError: "),
        ("password", &wrong, port, "connect", "AuthenticationError: "),
        ("trust", &trusting_nobody, port, "connect", "SSLError: "),
        (
            "missing",
            &right,
            port,
            "rename",
            "FileNotFoundError: cannot rename `nothing`",
        ),
    ] {
        let variable = format!("port={port}");
        let printed = robot.run(
            "ftp_one.json",
            id,
            &[
                "--var",
                &variable,
                "--var",
                "tls=true",
                "--var",
                "path=nothing",
            ],
        );

        assert_eq!(printed.code, 2, "{id}: {}", printed.stderr);
        assert_eq!(printed.json["failed_node_id"], node, "{id}");
        let error = printed.json["error"].as_str().unwrap();
        assert!(error.starts_with(expected), "{id}: {error}");
        assert!(!error.contains("not this one"), "{error}");
        if node == "connect" && id != "trust" {
            assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
        }
    }
}

#[test]
fn a_path_that_would_be_a_second_command_is_refused() {
    let store = Store::sqlite();
    let mut server = FtpServer::start();
    let robot = robot(&store, &server);
    std::fs::write(server.file("a.txt"), "a").unwrap();
    let port = format!("port={}", server.script.port);

    for (id, path, other) in [
        ("old", "path=x\r\nDELE a.txt", "other=y"),
        ("new", "path=a.txt", "other=y\nDELE a.txt"),
    ] {
        let variables = ["--var", &port, "--var", path, "--var", other];
        let printed = robot.run("ftp_one.json", id, &variables);

        assert_eq!(printed.code, 2, "{id}: {}", printed.stderr);
        let error = printed.json["error"].as_str().unwrap();
        assert!(error.contains("holds a line break"), "{error}");
    }
    assert_eq!(server.names(""), ["a.txt"]);
    let done = server.script.said("did");
    assert!(
        !done.iter().any(|line| line.starts_with("DELE")),
        "{done:?}"
    );
}

#[test]
fn branches_that_connect_to_different_servers_do_not_mix_them_up() {
    let store = Store::sqlite();
    let (one, two) = (FtpServer::start(), FtpServer::start());
    let robot = robot(&store, &one);
    let ports = [
        format!("one={}", one.script.port),
        format!("two={}", two.script.port),
    ];

    let printed = robot.run(
        "ftp_branches.json",
        "branches",
        &["--var", &ports[0], "--var", &ports[1]],
    );

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    assert_eq!(one.names(""), ["of-1"]);
    assert_eq!(two.names(""), ["of-2"]);
}

#[tokio::test]
async fn a_subflow_works_on_the_server_of_its_caller_also_after_a_crash() {
    let store = Store::sqlite();
    let mut server = FtpServer::start();
    let robot = robot(&store, &server);
    let port = format!("port={}", server.script.port);
    let part = Robot::workflow("ftp_inner.json");
    let part = format!("part={}", part.display());
    let more = ["--var", port.as_str(), "--var", part.as_str()];
    server.script.tell("hold MKD");
    let life = robot.start_with("ftp_outer.json", "whole", &more);
    server.script.wait("held");
    life.kill();
    server.script.tell("go");

    let printed = robot.run("ftp_outer.json", "whole", &more);

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    let given = &printed.json["outputs"];
    assert_eq!(given["list"]["items"], json!(["inside"]));
    // The child did not connect itself: it has the mark of the secret, and what it stands for.
    let rows = store.dump().await.join("\n");
    assert!(!rows.contains(PASSWORD) && rows.contains("$secret:ftp"));
}

#[test]
fn thirty_kills_around_uploads_renames_and_downloads_leave_each_file_once_and_whole() {
    const ROWS: usize = 25;
    let store = Store::sqlite();
    let server = FtpServer::start();
    let robot = robot(&store, &server);
    let (port, count) = (
        format!("port={}", server.script.port),
        format!("count={ROWS}"),
    );
    let more = ["--var", port.as_str(), "--var", count.as_str()];
    robot.kill_often("ftp_loop.json", "files", &more, 30, || {
        // What has its last name is whole, on both sides, at every moment.
        for name in server.names("") {
            let Some(row) = name.strip_prefix("row-") else {
                continue;
            };
            let content = std::fs::read_to_string(server.file(&name)).unwrap();
            assert_eq!(content, format!("row {}", row.trim_end_matches(".txt")));
        }
    });

    let printed = robot.run("ftp_loop.json", "files", &more);

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    assert_eq!(printed.json["recovered"], true);
    let content = |row: usize| format!("row {row}");
    let mut expected: Vec<String> = (0..ROWS).map(|row| format!("row-{row}.txt")).collect();
    expected.sort();
    assert_eq!(
        server.names(""),
        expected,
        "nothing lies beside what was uploaded"
    );
    for row in 0..ROWS {
        let there = std::fs::read_to_string(server.file(&format!("row-{row}.txt"))).unwrap();
        assert_eq!(there, content(row));
    }
    let back: BTreeMap<String, String> = (0..ROWS)
        .map(|row| (format!("{row}.txt"), content(row)))
        .collect();
    assert_eq!(robot.files("down"), back);
}

on_both_stores! {
    async fn a_download_that_is_killed_leaves_no_half_file_and_is_done_again(store: Store) {
        for at in ["sending", "RETR"] {
            let mut server = FtpServer::start();
            let robot = robot(&store, &server);
            std::fs::write(robot.file("a.bin"), vec![7; LARGE]).unwrap();
            let port = format!("port={}", server.script.port);
            let more = ["--var", port.as_str()];
            server.script.tell(&format!("hold {at}"));
            let life = robot.start_with("ftp_changes.json", at, &more);
            server.script.wait("held");
            life.kill();
            server.script.tell("go");

            assert!(!robot.file("b.bin").exists(), "{at}: it gets its name when it is whole");
            let printed = robot.run("ftp_changes.json", at, &more);

            assert_eq!(printed.code, 0, "{at}: {} {}", printed.json["error"], printed.stderr);
            assert_eq!(printed.json["outputs"]["download"]["bytes_received"], LARGE, "{at}");
            assert_eq!(std::fs::read(robot.file("b.bin")).unwrap(), vec![7; LARGE], "{at}");
            assert_eq!(server.names(""), Vec::<String>::new(), "{at}");
        }
    }

    async fn an_upload_that_is_killed_in_the_middle_leaves_no_half_file(store: Store) {
        let mut server = FtpServer::start();
        let robot = robot(&store, &server);
        std::fs::write(robot.file("a.bin"), vec![7; LARGE]).unwrap();
        let port = format!("port={}", server.script.port);
        let more = ["--var", port.as_str()];
        server.script.tell("hold receiving");
        let life = robot.start_with("ftp_changes.json", "half", &more);
        server.script.wait("held");
        life.kill();
        server.script.tell("go");

        assert_eq!(server.names("box"), [".a.bin.rpa-new"], "what is there in part has another name");
        let printed = robot.run("ftp_changes.json", "half", &more);

        assert_eq!(printed.code, 0, "{} {}", printed.json["error"], printed.stderr);
        assert_eq!(printed.json["outputs"]["upload"]["bytes_sent"], LARGE);
        assert_eq!(std::fs::read(robot.file("b.bin")).unwrap().len(), LARGE);
        assert_eq!(server.names(""), Vec::<String>::new());
        let rows = store.dump().await.join("\n");
        assert!(!rows.contains(PASSWORD), "it is opened again with what the secret is now");
    }

    async fn what_a_crash_interrupted_on_a_server_is_known_to_be_done(store: Store) {
        for (node, command) in [("create", "MKD"), ("upload", "RNTO"), ("rename", "RNTO"), ("delete", "DELE"), ("remove", "RMD")] {
            let mut server = FtpServer::start();
            let robot = robot(&store, &server);
            std::fs::write(robot.file("a.bin"), "content").unwrap();
            let port = format!("port={}", server.script.port);
            let more = ["--var", port.as_str()];
            server.script.tell(&format!("hold {command}"));
            let life = robot.start_with("ftp_changes.json", node, &more);
            server.script.wait("held");
            if node == "rename" {
                // The first one gave the file that was uploaded its name.
                server.script.tell("hold RNTO");
                server.script.tell("go");
                server.script.wait("held");
            }
            life.kill();
            server.script.tell("go");

            let printed = robot.run("ftp_changes.json", node, &more);

            assert_eq!(printed.code, 0, "{node}: {} {}", printed.json["error"], printed.stderr);
            assert_eq!(printed.json["recovered"], true, "{node}");
            assert_eq!(std::fs::read_to_string(robot.file("b.bin")).unwrap(), "content", "{node}");
            assert_eq!(server.names(""), Vec::<String>::new(), "{node}");
        }
    }

    async fn a_download_that_was_not_recorded_is_done_again_though_its_file_is_there_then(store: Store) {
        let server = FtpServer::start();
        let robot = robot(&store, &server);
        std::fs::write(robot.file("a.bin"), "content").unwrap();
        let file = robot.up_to("ftp_changes.json", "download");
        let port = format!("port={}", server.script.port);
        let run = |id: &str| robot.call(&["run", file.to_str().unwrap(), "--id", id, "--var", &port]);
        let first = run("first");
        assert_eq!(first.code, 0, "{} {}", first.json["error"], first.stderr);
        robot.forget_end("first", "download").await;

        let again = run("first");

        assert_eq!(again.code, 0, "{} {}", again.json["error"], again.stderr);
        assert_eq!(std::fs::read_to_string(robot.file("b.bin")).unwrap(), "content");
        std::fs::remove_file(server.file("b.bin")).unwrap();
        std::fs::remove_dir(server.file("box")).unwrap();
        let other = run("other");
        assert_eq!(other.code, 2);
        let error = other.json["error"].as_str().unwrap();
        assert!(error.starts_with("FileExistsError: "), "a file that was there before is kept: {error}");
    }
}
