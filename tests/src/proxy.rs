//! Stands between a program and PostgreSQL, and loses an answer at a chosen moment.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::gates::{Gate, gate};

/// Which moment of the connection that sent a certain statement.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// The server said that it committed; the client has not heard.
    Committed,
    /// The client asked for the commit; the server has not answered.
    CommitAsked,
    /// The client asked for the statement to be executed, having it prepared before; the server has not answered.
    Asked,
    /// The server finished a statement whose tag begins so; the client has not heard.
    Done(&'static str),
}

/// A proxy that does what it is told once, then only forwards.
pub struct Proxy {
    url: String,
    moment: Arc<Gate>,
}

struct Plan {
    /// The statement that the connection has to send first.
    statement: &'static str,
    moment: Moment,
    gate: Arc<Gate>,
    done: AtomicBool,
}

impl Proxy {
    /// Listens for the clients of the database that `url` names. `key` is the key of the gate at
    /// which the proxy stops.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    pub async fn start(url: &str, key: String, statement: &'static str, moment: Moment) -> Self {
        let options = PgConnectOptions::from_str(url).expect("a PostgreSQL URL");
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let url = options
            .host("127.0.0.1")
            .port(port)
            .ssl_mode(PgSslMode::Disable)
            .to_url_lossy()
            .into();
        let gate = gate(key);
        let plan = Arc::new(Plan {
            statement,
            moment,
            gate: Arc::clone(&gate),
            done: AtomicBool::new(false),
        });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the server");
                forward(client, server, Arc::clone(&plan));
            }
        });
        Self { url, moment: gate }
    }

    /// The database's URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the moment. The answer stays with the proxy; when the gate is opened the
    /// connection is cut.
    pub async fn moment(&self) {
        self.moment.reached().await;
    }

    /// Cuts the connection.
    pub fn cut(&self) {
        self.moment.open();
    }
}

fn forward(client: TcpStream, server: TcpStream, plan: Arc<Plan>) {
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let armed = Arc::new(AtomicBool::new(false));
    let (questions, answers) = (Arc::clone(&armed), armed);
    let plan_of_answers = Arc::clone(&plan);
    // The two directions end together: a cut closes all four halves.
    tokio::spawn(async move {
        tokio::select! {
            () = forward_questions(client_in, server_out, &plan, &questions) => {}
            () = forward_answers(server_in, client_out, &plan_of_answers, &answers) => {}
        }
    });
}

async fn forward_questions(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    plan: &Plan,
    armed: &AtomicBool,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = client.read(&mut buffer).await {
        let chunk = &buffer[..length];
        let was_armed = armed.load(Ordering::SeqCst);
        if contains(chunk, plan.statement) {
            armed.store(true, Ordering::SeqCst);
        }
        if server.write_all(chunk).await.is_err() {
            return;
        }
        let asked = match plan.moment {
            Moment::CommitAsked => armed.load(Ordering::SeqCst) && contains(chunk, "COMMIT"),
            Moment::Asked => was_armed,
            Moment::Committed | Moment::Done(_) => false,
        };
        if asked && !plan.done.swap(true, Ordering::SeqCst) {
            plan.gate.pass().await;
            return;
        }
    }
}

async fn forward_answers(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    plan: &Plan,
    armed: &AtomicBool,
) {
    let mut done = false;
    loop {
        let Some(message) = message(&mut server).await else {
            return;
        };
        if armed.load(Ordering::SeqCst) && !plan.done.load(Ordering::SeqCst) {
            let tag = |tag: &str| message[0] == b'C' && message[5..].starts_with(tag.as_bytes());
            let now = match plan.moment {
                Moment::Committed => tag("COMMIT"),
                Moment::CommitAsked | Moment::Asked => false,
                // What runs outside a transaction is committed when the server is ready again.
                Moment::Done(wanted) => {
                    done |= tag(wanted);
                    done && message[0] == b'Z'
                }
            };
            if now && !plan.done.swap(true, Ordering::SeqCst) {
                plan.gate.pass().await;
                return;
            }
        }
        if client.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// One message of the server: its type, its length, its body.
async fn message(server: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut message = vec![0; 5];
    server.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]);
    message.resize(usize::try_from(length).ok()? + 1, 0);
    server.read_exact(&mut message[5..]).await.ok()?;
    Some(message)
}

fn contains(chunk: &[u8], text: &str) -> bool {
    chunk
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
