//! The server that triggers wait at which are asked over HTTP.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::ServeError;
use super::chat::Chat;
use super::form::Form;
use super::starter::Starter;
use super::webhook::Hook;

/// The largest body.
const LARGEST_BODY: usize = 10 << 20;
/// How many connections are open at once; more wait.
const CONNECTIONS: usize = 256;
/// How long a client may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// How long requests that are being answered are waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// The id of the run that a request started.
pub(super) const RUN: HeaderName = HeaderName::from_static("x-workflow-id");

pub(super) type Answer = Response<Full<Bytes>>;

/// A trigger that is asked over HTTP.
#[derive(Debug)]
pub(super) enum Door {
    Hook(Hook),
    Form(Form),
    Chat(Chat),
}

impl Door {
    fn path(&self) -> &str {
        match self {
            Self::Hook(hook) => hook.path(),
            Self::Form(form) => form.path(),
            Self::Chat(chat) => chat.path(),
        }
    }

    /// What waits there, for people.
    pub(super) fn says(&self, address: SocketAddr) -> String {
        let methods = match self {
            Self::Hook(hook) => hook.methods(),
            Self::Form(_) => "a form at".to_owned(),
            Self::Chat(_) => "a chat at".to_owned(),
        };
        format!("{methods} http://{address}{}", self.path())
    }
}

/// All triggers that are asked over HTTP, by path.
pub(super) struct Server {
    doors: BTreeMap<String, (Door, Arc<Starter>)>,
}

impl Server {
    pub(super) fn new(doors: Vec<(Door, Arc<Starter>)>) -> Result<Self, ServeError> {
        let mut by_path = BTreeMap::new();
        for (door, starter) in doors {
            let path = door.path().to_owned();
            if by_path.insert(path.clone(), (door, starter)).is_some() {
                return Err(ServeError::SamePath { path });
            }
        }
        Ok(Self { doors: by_path })
    }
}

/// Answers until the end; then no new connection is taken, and what is being answered is finished.
pub(super) async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    mut end: watch::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&room).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = end.changed() => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A client that left, or too many open files: the next one may be luckier.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let server = Arc::clone(&server);
        let answer = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(answer(&server, request, from.ip()).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .serve_connection(TokioIo::new(stream), answer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST_WORDS, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were not answered in time");
    }
}

async fn answer(server: &Server, request: Request<Incoming>, from: IpAddr) -> Answer {
    let path = request.uri().path();
    let path = match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    if path == "/health" && request.method() == Method::GET {
        return said(StatusCode::OK, &json!({"status": "ok"}));
    }
    let Some((door, starter)) = server.doors.get(path) else {
        return refused(StatusCode::NOT_FOUND, "no workflow waits here");
    };
    match door {
        Door::Hook(hook) => hook.answer(starter, request, from).await,
        Door::Form(form) => form.answer(starter, request, from).await,
        Door::Chat(chat) => chat.answer(starter, request, from).await,
    }
}

/// The whole body of a request.
pub(super) async fn body(body: Incoming) -> Result<Bytes, Answer> {
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_) => Err(refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too large, or broke off",
        )),
    }
}

pub(super) fn refused(status: StatusCode, reason: &str) -> Answer {
    said(status, &json!({"error": reason}))
}

pub(super) fn said(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
