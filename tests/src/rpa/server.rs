//! `rpa serve` and `rpa worker` under test: processes that run until they are asked to end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value as Json;

use super::Robot;

/// A process that waits for work.
pub struct Server {
    process: Child,
    lines: BufReader<ChildStderr>,
    /// What it said before it was ready.
    pub said: Vec<String>,
}

/// What was answered to a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Robot<'_> {
    /// Starts a process and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        let mut process = self
            .bare(arguments)
            .args(["--db", self.store.url()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rpa starts");
        let stderr = process.stderr.take().expect("its standard error is piped");
        let mut server = Server {
            process,
            lines: BufReader::new(stderr),
            said: Vec::new(),
        };
        while server.said.last().is_none_or(|line| line != "ready") {
            let mut line = String::new();
            let read = server.lines.read_line(&mut line);
            assert!(
                read.expect("its standard error can be read") > 0,
                "it ended: {:?}",
                server.said
            );
            server.said.push(line.trim_end().to_owned());
        }
        server
    }
}

impl Server {
    /// Where it waits for requests: `127.0.0.1:PORT`.
    ///
    /// # Panics
    ///
    /// When it did not say so.
    pub fn address(&self) -> String {
        let mut places = self
            .said
            .iter()
            .filter_map(|line| line.split_once("http://"));
        let (_, rest) = places.next().expect("it says where it waits");
        rest.split('/').next().unwrap_or_default().to_owned()
    }

    /// Asks it something.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(&self.address(), method, path, headers, body)
    }

    /// Waits until it says a line with this in it.
    ///
    /// # Panics
    ///
    /// When it ends before.
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut lines = self.lines.by_ref().lines().map_while(Result::ok);
        let found = lines.find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("it never said `{text}`"))
    }

    /// Kills it with SIGKILL.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it is gone");
    }

    /// Asks it to end, as Ctrl-C does. Gives its exit code and what else it said.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub fn interrupt(mut self) -> (i32, String) {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").args(["-INT", &id]).status();
        assert!(asked.expect("there is a program `kill`").success());
        let mut said = String::new();
        self.lines
            .read_to_string(&mut said)
            .expect("its standard error can be read");
        let ended = self.process.wait().expect("it ends");
        (ended.code().unwrap_or(-1), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks a server something.
///
/// # Panics
///
/// When it does not answer.
pub fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(address).expect("somebody waits there");
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.expect("the answer has a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
