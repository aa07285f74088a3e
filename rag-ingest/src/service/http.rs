//! The service over HTTP/1.1, in JSON.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderMap, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{PartOf, Service, ServiceError};
use crate::search::{self, SearchError};

/// The largest question.
const LARGEST_BODY: usize = 1 << 20;
/// How much of a larger one is read and thrown away: a client that is still sending does not hear the refusal.
const HEARD_OUT: usize = 8 << 20;
/// How many connections are open at once; more wait.
const CONNECTIONS: usize = 256;
/// How long a client may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// How long questions that are being answered are waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(10);

type Answer = Response<Full<Bytes>>;

/// Answers until `end`; then no new connection is taken, and what is being answered is finished.
///
/// # Errors
/// The socket fails for good.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut end = std::pin::pin!(end);
    loop {
        let place = Arc::clone(&room).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut end => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // A client that left, or too many open files: the next one may be luckier.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let service = Arc::clone(&service);
        let answer = service_fn(move |request| {
            let service = Arc::clone(&service);
            async move { Ok::<_, Infallible>(answer(&service, request).await) }
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
        tracing::warn!("some questions were not answered in time");
    }
    Ok(())
}

/// Why a request is refused.
struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::NoDocument { .. }
            | ServiceError::Search(SearchError::EmptyCollection { .. }) => StatusCode::NOT_FOUND,
            error if error.is_of_the_question() => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

async fn answer(service: &Service, request: Request<Incoming>) -> Answer {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let answered = match (method.as_str(), path.trim_end_matches('/')) {
        _ if !is_of_this_machine(request.headers()) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "pages of other machines may not ask; ask from a program, or from a page of this machine",
        )),
        ("GET" | "HEAD", "/health") => health(service).await,
        ("GET" | "HEAD", "/collections") => collections(service).await,
        ("GET" | "HEAD", "/search") => search_by_query(service, request.uri().query()).await,
        ("POST", "/search") => search_by_body(service, request).await,
        ("GET" | "HEAD", path) if path.starts_with("/documents/") => {
            document(service, path, request.uri().query()).await
        }
        (_, "/search") => return not_allowed("GET, HEAD, POST"),
        (_, "/health" | "/collections") => return not_allowed("GET, HEAD"),
        (_, path) if path.starts_with("/documents/") => return not_allowed("GET, HEAD"),
        _ => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there are /search, /documents/NUMBER, /collections and /health",
        )),
    };
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => {
            if refusal.status.is_server_error() {
                tracing::warn!(
                    path,
                    error = refusal.error,
                    "a question could not be answered"
                );
            }
            (refusal.status, json!({"error": refusal.error}))
        }
    };
    respond(status, &body)
}

fn respond(status: StatusCode, body: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn not_allowed(methods: &'static str) -> Answer {
    let error = format!("this answers {methods}");
    let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": error}));
    let methods = hyper::header::HeaderValue::from_static(methods);
    response.headers_mut().insert(ALLOW, methods);
    response
}

/// Whether a request comes from a program, or from a page that this machine has served. A page from elsewhere that
/// somebody looks at on this machine must not read documents with the browser's help.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn value(of: &impl Serialize) -> Result<Value, Refusal> {
    let failed = |error: serde_json::Error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    };
    serde_json::to_value(of).map_err(failed)
}

async fn health(service: &Service) -> Result<Value, Refusal> {
    let collections = service.collections().await?;
    let documents: i64 = collections.iter().map(|state| state.documents).sum();
    Ok(json!({
        "status": "ok",
        "model": service.model(),
        "collection": service.collection(),
        "documents": documents,
    }))
}

async fn collections(service: &Service) -> Result<Value, Refusal> {
    value(&service.collections().await?)
}

async fn search_by_body(service: &Service, request: Request<Incoming>) -> Result<Value, Refusal> {
    let mut body = request.into_body();
    let (mut bytes, mut size) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size <= LARGEST_BODY {
            bytes.extend_from_slice(&data);
        } else if size > HEARD_OUT {
            break;
        }
    }
    if size > LARGEST_BODY {
        let error = format!("the request has more than {LARGEST_BODY} bytes; ask in fewer words");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    let of: search::Request = serde_json::from_slice(&bytes).map_err(|error| {
        let error = format!("the request is no search: {error}; send {{\"question\": \"...\"}}");
        Refusal::new(StatusCode::BAD_REQUEST, error)
    })?;
    value(&service.search(&of).await?)
}

async fn search_by_query(service: &Service, query: Option<&str>) -> Result<Value, Refusal> {
    let of = search_of(query.unwrap_or_default())?;
    value(&service.search(&of).await?)
}

fn unreadable(what: &str, text: &str) -> Refusal {
    let error = format!("`{what}={text}` cannot be read");
    Refusal::new(StatusCode::BAD_REQUEST, error)
}

fn search_of(query: &str) -> Result<search::Request, Refusal> {
    let mut of = search::Request::default();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let text = text.into_owned();
        match &*name {
            "question" | "q" => of.question = text,
            "mode" => {
                let mode = serde_json::from_value(text.as_str().into());
                of.mode = mode.map_err(|_| unreadable("mode", &text))?;
            }
            "limit" => {
                of.limit = Some(text.parse().map_err(|_| unreadable("limit", &text))?);
            }
            "path" => of.path.push(text),
            "type" => of.kind.push(text),
            "since" => of.since = Some(text),
            "until" => of.until = Some(text),
            "pages" => of.pages = Some(text),
            "collection" => of.collection = Some(text),
            other => return Err(unreadable(other, &text)),
        }
    }
    Ok(of)
}

async fn document(service: &Service, path: &str, query: Option<&str>) -> Result<Value, Refusal> {
    let number = path.trim_start_matches("/documents/");
    let document = number.parse().map_err(|_| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("`{number}` is no number of a document; take one from a hit of a search"),
        )
    })?;
    let mut of = PartOf {
        document,
        ..PartOf::default()
    };
    for (name, text) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "start" => of.start = text.parse().map_err(|_| unreadable("start", &text))?,
            "length" => {
                of.length = Some(text.parse().map_err(|_| unreadable("length", &text))?);
            }
            "collection" => of.collection = Some(text.into_owned()),
            other => return Err(unreadable(other, &text)),
        }
    }
    value(&service.document(&of).await?)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue, ORIGIN};

    use super::{is_of_this_machine, search_of};
    use crate::search::Mode;

    fn from(origin: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        is_of_this_machine(&headers)
    }

    #[test]
    fn pages_of_other_machines_may_not_ask() {
        assert!(is_of_this_machine(&HeaderMap::new()));
        assert!(
            from("http://localhost:3000") && from("http://127.0.0.1") && from("http://[::1]:80")
        );
        assert!(
            !from("https://example.com") && !from("null") && !from("http://localhost.example.com")
        );
    }

    #[test]
    fn a_query_is_a_search() {
        let query = "question=a+b%3F&mode=keyword&limit=7&path=*.md&path=docs&type=pdf&pages=1-2&collection=c";
        let of = search_of(query).ok().unwrap();
        assert_eq!(of.question, "a b?");
        assert_eq!((of.mode, of.limit), (Mode::Keyword, Some(7)));
        assert_eq!(of.path, ["*.md", "docs"]);
        assert_eq!(of.collection.as_deref(), Some("c"));
        assert!(search_of("question=a&colour=red").is_err());
        assert!(search_of("question=a&mode=magic").is_err());
    }
}
