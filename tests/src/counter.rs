//! A web server that counts what it is asked, and answers when it is told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }
}

/// The server.
pub struct Counter {
    port: u16,
    asked: Receiver<Asked>,
    held: Arc<(Mutex<bool>, Condvar)>,
}

impl Counter {
    /// A server that answers at once.
    ///
    /// # Panics
    ///
    /// When there is no port.
    pub fn start() -> Self {
        Self::answering(r#"{"done": true}"#)
    }

    /// The same with another answer, which is JSON.
    ///
    /// # Panics
    ///
    /// When there is no port.
    pub fn answering(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it has an address").port();
        let (tell, asked) = channel();
        let held = Arc::new((Mutex::new(false), Condvar::new()));
        let gate = Arc::clone(&held);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, gate) = (tell.clone(), Arc::clone(&gate));
                std::thread::spawn(move || serve(stream, &tell, &gate, body));
            }
        });
        Self { port, asked, held }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on it takes requests and answers none; or it answers all that wait, and those that come.
    pub fn hold(&self, holds: bool) {
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = holds;
        self.held.1.notify_all();
    }

    /// The next request.
    ///
    /// # Panics
    ///
    /// When there is none for a long time.
    pub fn next(&self) -> Asked {
        self.asked
            .recv_timeout(PATIENCE)
            .expect("it is asked something")
    }

    /// The requests that nobody looked at yet.
    pub fn rest(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

/// The next request of a connection.
pub(crate) fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked {
        method,
        path,
        headers,
        body: String::new(),
    };
    let length = asked.header("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent).ok()?;
    asked.body = String::from_utf8_lossy(&sent).into_owned();
    Some(asked)
}

fn serve(
    stream: TcpStream,
    tell: &Sender<Asked>,
    gate: &(Mutex<bool>, Condvar),
    body: &str,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let asked = read(&mut reader)?;
        // The test may be over.
        tell.send(asked).ok()?;
        let mut held = gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *held {
            held = gate.1.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        drop(held);
        let head = format!(
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
    }
}
