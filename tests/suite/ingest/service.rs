//! Answering other programs: over HTTP, and as tools of an agent.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

const FILES: [(&str, &str); 2] = [
    ("sea.md", "# Sea\n\nWhales sing in the d\u{e9}ep.\n"),
    ("meal.txt", "A man is eating food."),
];

/// A running program, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn start(ingestion: &Ingestion<'_>, arguments: &[&str]) -> Running {
    let child = Command::new(&ingestion.program)
        .args(arguments)
        .args(["--db", ingestion.store.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Running(child)
}

/// Sends a request as it stands, gives status and body.
fn ask(address: &str, request: &str) -> (u16, Json) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn get(address: &str, path: &str) -> (u16, Json) {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
    )
}

fn post(address: &str, body: &str) -> (u16, Json) {
    let length = body.len();
    ask(
        address,
        &format!(
            "POST /search HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

/// An agent that talks to the program.
struct Agent {
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    program: Running,
}

impl Agent {
    fn new(mut program: Running) -> Self {
        Self {
            input: program.0.stdin.take(),
            output: BufReader::new(program.0.stdout.take().unwrap()),
            program,
        }
    }

    fn say(&mut self, line: &str) {
        let mut input = self.input.as_ref().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
    }

    fn hear(&mut self) -> Json {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, id: u64, method: &str, params: Json) -> Json {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.say(&message.to_string());
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }
}

on_both_stores! {
    async fn searches_are_answered_over_http(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        let mut server = start(&ingestion, &["serve", "--port", "0"]);
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");

        let (status, health) = get(&address, "/health");
        assert_eq!((status, &health["status"], &health["documents"]), (200, &"ok".into(), &2.into()), "{health}");
        let (status, collections) = get(&address, "/collections");
        assert_eq!((status, &collections[0]["name"], &collections[0]["documents"]), (200, &"default".into(), &2.into()));
        let (status, found) = get(&address, "/search?question=singing+whales&mode=keyword&path=*.md");
        assert_eq!(status, 200, "{found}");
        let hit = &found["hits"][0];
        assert!(hit["path"].as_str().unwrap().ends_with("sea.md"), "{found}");
        let (_, same) = post(&address, r#"{"question": "singing whales", "mode": "keyword", "path": ["*.md"]}"#);
        assert_eq!(found, same);
        let number = &hit["document"];
        let (status, document) = get(&address, &format!("/documents/{number}"));
        assert_eq!((status, &document["text"]), (200, &"# Sea\n\nWhales sing in the d\u{e9}ep.".into()), "{document}");
        // A part that would begin and end within a character begins and ends at one.
        let at = document["text"].as_str().unwrap().find('\u{e9}').unwrap();
        let (_, part) = get(&address, &format!("/documents/{number}?start={}&length=2", at + 1));
        assert_eq!((&part["text"], &part["start"]), (&"\u{e9}".into(), &at.into()), "{part}");

        // What was saved later is found by the server that runs.
        fs::write(folder.join("owl.txt"), "Owls hunt at night without a sound.").unwrap();
        ingestion.run();
        let (_, found) = get(&address, "/search?question=owls+hunting&mode=vector&limit=1");
        assert!(found["hits"][0]["path"].as_str().unwrap().ends_with("owl.txt"), "{found}");

        for (path, expected) in [
            ("/search", 400), ("/search?question=a&mode=magic", 400), ("/search?question=a&limit=0", 400),
            ("/search?question=a&colour=red", 400), ("/search?question=a&collection=none", 404),
            ("/documents/999", 404), ("/documents/x", 404), ("/nothing", 404),
        ] {
            let (status, said) = get(&address, path);
            assert_eq!(status, expected, "{path}: {said}");
            assert!(said["error"].is_string(), "{path}: {said}");
        }
        assert_eq!(post(&address, "{").0, 400);
        assert_eq!(post(&address, r#"{"question": "a", "colour": "red"}"#).0, 400);
        let huge = format!(r#"{{"question": "{}"}}"#, "a ".repeat(600_000));
        assert_eq!(post(&address, &huge).0, 413);
        let (status, _) = ask(&address, "DELETE /search HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(status, 405);
        let (status, _) = ask(&address, "GET /health HTTP/1.1\r\nHost: a\r\nOrigin: https://example.com\r\nConnection: close\r\n\r\n");
        assert_eq!(status, 403);

        Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
        assert_eq!(server.0.wait().unwrap().code(), Some(0));
    }

    async fn an_agent_searches_and_reads(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        let mut agent = Agent::new(start(&ingestion, &["mcp"]));

        let begun = agent.ask(1, "initialize", json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}));
        assert_eq!(begun["result"]["protocolVersion"], "2025-06-18", "{begun}");
        assert!(begun["result"]["capabilities"]["tools"].is_object(), "{begun}");
        agent.say(r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#);
        let tools = agent.ask(2, "tools/list", json!({}));
        let names: Vec<_> = tools["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["search", "get_document"]);
        let found = agent.ask(3, "tools/call", json!({
            "name": "search", "arguments": {"question": "singing whales", "limit": 1}}));
        let result = &found["result"];
        assert_eq!(result["isError"], false, "{found}");
        assert!(result["content"][0]["text"].as_str().unwrap().contains("Whales sing"), "{found}");
        let number = &result["structuredContent"]["hits"][0]["document"];
        let read = agent.ask(4, "tools/call", json!({"name": "get_document", "arguments": {"document": number}}));
        assert!(read["result"]["content"][0]["text"].as_str().unwrap().contains("# Sea"), "{read}");
        assert_eq!(agent.ask(5, "ping", json!({}))["result"], json!({}));

        // The end of the input is the end of the program.
        agent.input = None;
        assert_eq!(agent.program.0.wait().unwrap().code(), Some(0));
    }
}

#[tokio::test]
async fn an_agent_that_errs_is_told_how() {
    let scratch = Scratch::new();
    let store = Store::sqlite();
    let folder = scratch.file("documents");
    let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
    let mut agent = Agent::new(start(&ingestion, &["mcp"]));

    let newest = agent.ask(1, "initialize", json!({"protocolVersion": "1999-01-01"}));
    assert_eq!(
        newest["result"]["protocolVersion"], "2025-11-25",
        "{newest}"
    );
    for (line, code) in [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"id": 1, "method": "ping"}"#, -32600),
        (
            r#"{"jsonrpc": "2.0", "id": null, "method": "ping"}"#,
            -32600,
        ),
        (r#"{"jsonrpc": "2.0", "id": 1, "method": "magic"}"#, -32601),
        (
            r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "magic"}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}"#,
            -32602,
        ),
    ] {
        agent.say(line);
        let answer = agent.hear();
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
    }
    agent.say(&"x".repeat(5 << 20));
    assert_eq!(agent.hear()["error"]["code"], -32600);
    // What the model can put right is told to the model.
    for arguments in [
        json!({}),
        json!({"question": ""}),
        json!({"question": "a", "mode": "magic"}),
        json!({"question": "a", "colour": "red"}),
    ] {
        let answer = agent.ask(
            7,
            "tools/call",
            json!({"name": "search", "arguments": arguments}),
        );
        assert_eq!(answer["result"]["isError"], true, "{arguments}: {answer}");
    }
    // Notifications and answers are not answered.
    agent.say(
        r#"{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}"#,
    );
    agent.say(r#"{"jsonrpc": "2.0", "id": 9, "result": {}}"#);
    agent.say("");
    assert_eq!(agent.ask(8, "ping", json!({}))["result"], json!({}));
}
