use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{check, fails, gives, run_in};

/// A server that answers with what it was asked: its method, path, headers and body. `/missing` is not found, `/moved`
/// leads on, `/file` is a file.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let mut words = line.split_whitespace();
            let (method, path) = (
                words.next().unwrap_or_default(),
                words.next().unwrap_or_default(),
            );
            let mut headers = serde_json::Map::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(':') else {
                    break;
                };
                headers.insert(name.to_lowercase(), value.trim().into());
            }
            let length = headers
                .get("content-length")
                .and_then(|length| length.as_str()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8_lossy(&body).into_owned();
            if path == "/latin" {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
                stream
                    .write_all(&[head.as_bytes(), b"caf\xe9"].concat())
                    .unwrap();
                continue;
            }
            let (head, answer) = match path {
                "/missing" => ("404 Not Found", "no".to_owned()),
                "/moved" => ("302 Found\r\nLocation: /file", String::new()),
                "/file" => ("200 OK", "content of the file".to_owned()),
                _ => (
                    "200 OK",
                    json!({"method": method, "path": path, "headers": headers, "body": body})
                        .to_string(),
                ),
            };
            let head = format!(
                "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                answer.len()
            );
            stream.write_all((head + &answer).as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn an_answer_is_read_in_the_encoding_that_the_server_says() {
    let url = server();
    check(
        "HttpRequestNode",
        &[(
            json!({"url": format!("{url}/latin")}),
            json!({"response_body": "café", "success": true}),
        )],
    );
}

#[test]
fn servers_are_asked_and_their_answers_read() {
    let url = server();
    let given = gives(
        "HttpRequestNode",
        json!({"url": format!("{url}/a?x=1"), "params": {"y": "ü"}, "headers": "{\"X-Me\": \"1\"}"}),
    );
    assert_eq!(given["status_code"], 200);
    let asked = &given["response_json"];
    assert_eq!(
        (&asked["method"], &asked["path"]),
        (&json!("GET"), &json!("/a?x=1&y=%C3%BC"))
    );
    assert_eq!(asked["headers"]["x-me"], "1");
    assert!(
        asked["headers"].get("idempotency-key").is_none(),
        "nothing is changed by it"
    );

    let posted = gives(
        "HttpRequestNode",
        json!({"url": url, "method": "post", "body": {"a": 1}}),
    );
    let asked = &posted["response_json"];
    assert_eq!(asked["body"], r#"{"a":1}"#);
    assert_eq!(asked["headers"]["content-type"], "application/json");
    assert_eq!(asked["headers"]["idempotency-key"], "ephemeral/n/1");

    let missing = gives("HttpRequestNode", json!({"url": format!("{url}/missing")}));
    assert_eq!(
        (&missing["success"], &missing["error"]),
        (&json!(false), &json!("HTTP 404"))
    );
    let moved = gives("HttpRequestNode", json!({"url": format!("{url}/moved")}));
    assert_eq!(moved["response_body"], "content of the file");
    let stays = gives(
        "HttpRequestNode",
        json!({"url": format!("{url}/moved"), "follow_redirects": false}),
    );
    assert_eq!(stays["status_code"], 302);
    let nobody = fails(
        "HttpRequestNode",
        json!({"url": "http://user:pass@127.0.0.1:1/x?key=1"}),
    );
    assert!(
        nobody.starts_with("ConnectionError: GET http://127.0.0.1:1/x"),
        "{nobody}"
    );
    let all = gives(
        "HttpSuperNode",
        json!({"action": "PUT Request", "url": url, "body": "x"}),
    );
    assert_eq!(all["response_json"]["method"], "PUT");
}

#[test]
fn files_are_downloaded_and_uploaded() {
    let (url, folder) = (server(), tempfile::tempdir().unwrap());
    let run = |node_type: &str, config: Value| run_in(folder.path(), node_type, config, json!({}));
    let got = run(
        "HttpDownloadFileNode",
        json!({"url": format!("{url}/file"), "save_path": "deep/f.txt"}),
    );
    assert_eq!(got.outputs["n"]["file_size"], 19, "{:?}", got.error);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("deep/f.txt")).unwrap(),
        "content of the file"
    );
    let missing = run(
        "HttpDownloadFileNode",
        json!({"url": format!("{url}/missing"), "save_path": "g.txt"}),
    );
    assert!(missing.error.unwrap().contains("HTTP 404"));
    assert!(!folder.path().join("g.txt").exists());
    let sent = run(
        "HttpUploadFileNode",
        json!({"url": url, "file_path": "deep/f.txt", "extra_fields": {"kind": "test"}}),
    );
    let body = sent.outputs["n"]["response_json"]["body"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        body.contains("name=\"file\"; filename=\"f.txt\"\r\n"),
        "{body}"
    );
    assert!(
        body.contains("name=\"kind\"\r\n\r\ntest\r\n") && body.contains("content of the file"),
        "{body}"
    );
}

#[test]
fn requests_are_put_together() {
    check(
        "BuildUrlNode",
        &[(
            json!({"base_url": "http://h/a/", "path": "/b", "params": {"q": "x y"}}),
            json!({"url": "http://h/a/b?q=x%20y"}),
        )],
    );
    check(
        "SetHttpHeadersNode",
        &[(
            json!({"base_headers": {"A": "1"}, "headers_json": "{\"B\": 2}", "header_name": "C", "header_value": "3"}),
            json!({"headers": {"A": "1", "B": 2, "C": "3"}}),
        )],
    );
    check(
        "HttpAuthNode",
        &[
            (
                json!({"token": "t"}),
                json!({"headers": {"Authorization": "Bearer t"}}),
            ),
            (
                json!({"auth_type": "basic", "username": "u", "password": "p"}),
                json!({"headers": {"Authorization": "Basic dTpw"}}),
            ),
            (
                json!({"auth_type": "ApiKey", "token": "t"}),
                json!({"headers": {"X-API-Key": "t"}}),
            ),
        ],
    );
    assert!(fails("HttpAuthNode", json!({})).contains("`token`"));
    check(
        "ParseJsonResponseNode",
        &[
            (
                json!({"json_data": {"a": [{"b": 5}]}, "path": "$.a[0].b"}),
                json!({"value": 5, "success": true}),
            ),
            (
                json!({"json_data": "[1, 2]", "path": "[1]"}),
                json!({"value": 2}),
            ),
            (
                json!({"json_data": {}, "path": "x", "default": "d"}),
                json!({"value": "d", "success": false}),
            ),
        ],
    );
}
