//! A web site that browsers visit: pages of the repository, a login that gives a cookie, and orders that are counted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(60);
/// What asks that nobody asked.
const ICON: &str = "/favicon.ico";

/// What was asked, in the order in which it came: `GET /page?query`, and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub what: String,
    pub body: String,
    pub cookie: Option<String>,
}

/// The site.
pub struct Site {
    port: u16,
    visits: Receiver<Visit>,
    held: Arc<(Mutex<Option<String>>, Condvar)>,
}

impl Site {
    /// # Panics
    ///
    /// When there is no port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it has an address").port();
        let (tell, visits) = channel();
        let held = Arc::new((Mutex::new(None::<String>), Condvar::new()));
        let gate = Arc::clone(&held);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, gate) = (tell.clone(), Arc::clone(&gate));
                // A browser that goes away in the middle is no concern of the site.
                std::thread::spawn(move || serve(stream, &tell, &gate));
            }
        });
        Self { port, visits, held }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on requests like `POST /orders` are taken and not answered.
    pub fn hold(&self, what: &str) {
        self.set(Some(what.to_owned()));
    }

    /// Requests that wait are answered, and those that come.
    pub fn release(&self) {
        self.set(None);
    }

    fn set(&self, held: Option<String>) {
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = held;
        self.held.1.notify_all();
    }

    /// Waits for a request like `POST /orders`; those before it are forgotten.
    ///
    /// # Panics
    ///
    /// When it does not come for a long time.
    pub fn visit(&self, what: &str) -> Visit {
        loop {
            let visit = self.visits.recv_timeout(PATIENCE);
            let visit = visit.unwrap_or_else(|_| panic!("nobody asked for {what}"));
            if visit.what == what {
                return visit;
            }
        }
    }

    /// The requests that nobody looked at yet.
    pub fn rest(&self) -> Vec<Visit> {
        self.visits.try_iter().collect()
    }
}

fn serve(
    stream: TcpStream,
    tell: &Sender<Visit>,
    gate: &(Mutex<Option<String>>, Condvar),
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (mut length, mut cookie) = (0, None);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "cookie" => cookie = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let visit = Visit {
            what: format!("{method} {path}"),
            body: String::from_utf8_lossy(&body).into_owned(),
            cookie,
        };
        if path != ICON {
            // The test may be over.
            tell.send(visit.clone()).ok()?;
        }
        let mut held = gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        while held.as_ref() == Some(&visit.what) {
            held = gate.1.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        drop(held);
        let (status, header, body) = answer(&visit, &path);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n{header}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
    }
}

/// Status, a header of its own, and the page.
fn answer(visit: &Visit, path: &str) -> (&'static str, String, String) {
    let page = path.split('?').next().unwrap_or_default();
    match (visit.what.as_str(), page) {
        ("POST /login", _) => {
            let user = visit
                .body
                .split('&')
                .find_map(|field| field.strip_prefix("user="));
            let cookie = format!(
                "Set-Cookie: user={}; HttpOnly\r\nLocation: /account?from=login\r\n",
                user.unwrap_or_default()
            );
            ("303 See Other", cookie, String::new())
        }
        (_, "/account") => {
            let user = visit.cookie.as_deref().and_then(|cookie| {
                cookie
                    .split("; ")
                    .find_map(|cookie| cookie.strip_prefix("user="))
            });
            let text = user.map_or("Please log in".to_owned(), |user| format!("Hello {user}"));
            let page = format!(
                "<!doctype html><title>Account</title><h1 id=hello>{text}</h1><form method=post action=/orders><input name=item \
                 id=item><button id=order>Order</button></form><script>fetch('/ready').then(() => {{ const ready = \
                 document.createElement('p'); ready.id = 'ready'; ready.textContent = 'ready'; document.body.append(ready); }});\
                 </script>"
            );
            ("200 OK", String::new(), page)
        }
        (_, "/ready") => ("200 OK", String::new(), "ready".to_owned()),
        ("POST /orders", _) => {
            let page = format!(
                "<!doctype html><title>Thanks</title><p id=done>ordered {}</p>",
                visit.body.replace('&', "&amp;")
            );
            ("201 Created", String::new(), page)
        }
        _ => {
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpa-nodes/tests/fixtures/site");
            match std::fs::read_to_string(folder.join(page.trim_start_matches('/'))) {
                Ok(page) => ("200 OK", String::new(), page),
                Err(_) => (
                    "404 Not Found",
                    String::new(),
                    "<title>404</title>".to_owned(),
                ),
            }
        }
    }
}
