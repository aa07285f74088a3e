//! A web server that sends events, and those again that who connects did not hear.

use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::counter::{Asked, read};

/// How long a test waits for a connection.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server.
pub struct Broadcaster {
    port: u16,
    asked: Receiver<Asked>,
    heard: Arc<Mutex<Heard>>,
}

/// What was sent, with its id, and who hears it.
#[derive(Default)]
struct Heard {
    sent: Vec<(String, String)>,
    by: Vec<TcpStream>,
}

impl Broadcaster {
    /// # Panics
    ///
    /// When there is no port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it has an address").port();
        let (tell, asked) = channel();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let hearers = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(&stream);
                let Some(asked) = read(&mut reader) else {
                    continue;
                };
                let mut hearers = hearers.lock().unwrap_or_else(PoisonError::into_inner);
                let last = asked.header("last-event-id");
                let place = hearers
                    .sent
                    .iter()
                    .position(|(id, _)| Some(id.as_str()) == last);
                let missed = place.map_or(hearers.sent.len(), |place| place + 1);
                let mut stream = stream;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: welcome\n\n";
                let missed: String = hearers.sent[missed..]
                    .iter()
                    .map(|(_, text)| text.as_str())
                    .collect();
                let said = stream.write_all(format!("{head}{missed}").as_bytes());
                // Who left at once is no hearer, and the test may be over.
                if said.is_ok() && tell.send(asked).is_ok() {
                    hearers.by.push(stream);
                }
            }
        });
        Self { port, asked, heard }
    }

    /// Where the stream is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/events", self.port)
    }

    /// Sends an event to all who hear it. One without an id is not sent again.
    pub fn send(&self, id: &str, kind: &str, data: &str) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = format!("event: {kind}\ndata: {data}\n\n");
        if !id.is_empty() {
            text = format!("id: {id}\n{text}");
            heard.sent.push((id.to_owned(), text.clone()));
        }
        heard
            .by
            .retain_mut(|stream| stream.write_all(text.as_bytes()).is_ok());
    }

    /// Breaks all connections.
    pub fn hang_up(&self) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in heard.by.drain(..) {
            // Who is gone need not be told.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Waits for the next connection.
    ///
    /// # Panics
    ///
    /// When there is none for a long time.
    pub fn connection(&self) -> Asked {
        self.asked
            .recv_timeout(PATIENCE)
            .expect("somebody connects")
    }
}
