//! Triggers that are asked over HTTP.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ServeError;
use super::access::Access;
use super::key::{hash, plain};
use super::listen::{self, Answer, RUN, refused, said};
use super::settings::Settings;
use super::starter::{Started, Starter};
use crate::value::Object;

/// How long a run is waited for by who asked to wait.
const PATIENCE: Duration = Duration::from_secs(60);
/// Headers that tell a request from all others, as their senders call them.
const KEYS: [&str; 4] = [
    "idempotency-key",
    "x-idempotency-key",
    "webhook-id",
    "x-github-delivery",
];

/// A trigger that is asked over HTTP.
#[derive(Debug)]
pub(super) struct Hook {
    node: String,
    path: String,
    methods: Vec<Method>,
    access: Access,
    /// The origins of pages that may ask.
    origins: Option<String>,
    waits: bool,
    status: StatusCode,
    body: String,
}

impl Hook {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let endpoint = settings.text("endpoint");
        let path = match endpoint.trim_matches('/') {
            "" => format!("/{}/{}", settings.name, settings.node),
            path => format!("/{path}"),
        };
        let methods: Result<Vec<Method>, ServeError> = settings
            .words("methods")
            .iter()
            .map(|word| {
                Method::from_bytes(word.to_uppercase().as_bytes()).map_err(|_| {
                    settings.refuse(format!("`methods`: `{word}` is no method of HTTP"))
                })
            })
            .collect();
        let code = settings.integer("response_code");
        let status = u16::try_from(code)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .ok_or_else(|| {
                settings.refuse(format!("`response_code`: {code} is no status of HTTP"))
            })?;
        Ok(Self {
            node: settings.node.clone(),
            path,
            methods: methods?,
            access: Access::new(settings)?,
            origins: settings
                .flag("cors_enabled")
                .then(|| settings.text("cors_origins")),
            waits: settings.text("response_mode") == "wait_for_workflow",
            status,
            body: settings.text("response_body"),
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn methods(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        methods.join(", ")
    }

    pub(super) async fn answer(
        &self,
        starter: &Starter,
        request: Request<Incoming>,
        from: IpAddr,
    ) -> Answer {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut answer = match (request.method(), &self.origins) {
            (&Method::OPTIONS, Some(_)) => preflight(self),
            _ => fire(self, starter, request, from).await,
        };
        if let Some(origins) = &self.origins {
            allow(origins, origin, answer.headers_mut());
        }
        answer
    }
}

/// Starts a run for a request.
async fn fire(hook: &Hook, starter: &Starter, request: Request<Incoming>, from: IpAddr) -> Answer {
    if !hook.methods.contains(request.method()) {
        let mut answer = refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not for here",
        );
        if let Ok(methods) = HeaderValue::from_str(&hook.methods()) {
            answer.headers_mut().insert(header::ALLOW, methods);
        }
        return answer;
    }
    let now = Timestamp::now().as_second();
    if let Err(why) = hook.access.check(from, request.headers(), now) {
        return refused(why.status(), why.reason());
    }
    let (head, body) = request.into_parts();
    let body = match listen::body(body).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let payload = match payload(&head.headers, &body) {
        Ok(payload) => payload,
        Err(reason) => return refused(StatusCode::BAD_REQUEST, &reason),
    };
    let prefix = starter.prefix(&hook.node);
    let id = match key(&head.headers) {
        Some(key) => format!("{prefix}{key}"),
        None => format!("{prefix}{}", uuid::Uuid::new_v4().simple()),
    };
    let outputs = Object::from_iter([
        ("payload".to_owned(), Value::Object(payload)),
        (
            "headers".to_owned(),
            Value::Object(headers(&head.headers, &hook.access)),
        ),
        (
            "query_params".to_owned(),
            Value::Object(form(head.uri.query().unwrap_or_default().as_bytes())),
        ),
        ("method".to_owned(), head.method.as_str().into()),
        ("path".to_owned(), head.uri.path().into()),
        ("client_ip".to_owned(), from.to_string().into()),
    ]);
    let started = match starter.start(&hook.node, &id, outputs).await {
        Ok(Started::New(handle) | Started::Known(handle)) => handle,
        Ok(Started::Other) => {
            return refused(
                StatusCode::CONFLICT,
                "another request had this idempotency key; each request needs its own",
            );
        }
        Err(error) => {
            tracing::warn!(id, %error, "a request could not start its workflow");
            return refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "the workflow could not be started; ask again",
            );
        }
    };
    let mut answer = match hook.waits {
        false => {
            let json = serde_json::from_str::<Value>(&hook.body).is_ok();
            let mut answer = Response::new(Full::new(Bytes::from(hook.body.clone())));
            *answer.status_mut() = hook.status;
            let kind = if json {
                "application/json"
            } else {
                "text/plain; charset=utf-8"
            };
            let kind = HeaderValue::from_static(kind);
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            answer
        }
        true => match tokio::time::timeout(PATIENCE, starter.result(&started)).await {
            Ok(Ok(result)) if result.success => said(hook.status, &json!(result)),
            Ok(Ok(result)) => said(StatusCode::INTERNAL_SERVER_ERROR, &json!(result)),
            Ok(Err(error)) => {
                tracing::warn!(id, %error, "a run has no result");
                refused(StatusCode::INTERNAL_SERVER_ERROR, "the run has no result")
            }
            Err(_) => said(
                StatusCode::ACCEPTED,
                &json!({"workflow_id": id, "status": "PENDING"}),
            ),
        },
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(RUN, id);
    }
    answer
}

/// What tells a request from all others, if it says so.
fn key(headers: &HeaderMap) -> Option<String> {
    let mut keys = KEYS.iter().filter_map(|name| headers.get(*name));
    let key = keys.find(|key| !key.is_empty())?;
    Some(match key.to_str() {
        Ok(key) => plain(key),
        Err(_) => hash(key.as_bytes()),
    })
}

/// A body as a dict.
pub(super) fn payload(headers: &HeaderMap, body: &[u8]) -> Result<Object, String> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if body.is_empty() {
        return Ok(Object::new());
    }
    let one = |name: &str, value: Value| Object::from_iter([(name.to_owned(), value)]);
    if kind == "application/json" || kind.ends_with("+json") {
        return match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(other) => Ok(one("data", other)),
            Err(error) => Err(format!("the body is not JSON: {error}")),
        };
    }
    if kind == "application/x-www-form-urlencoded" {
        return Ok(form(body));
    }
    Ok(match std::str::from_utf8(body) {
        Ok(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) if kind.is_empty() => map,
            _ => one("body", text.into()),
        },
        Err(_) => one("body_base64", BASE64_STANDARD.encode(body).into()),
    })
}

/// Fields of a form or of a query. What is there more than once is a list.
fn form(text: &[u8]) -> Object {
    let mut fields = Object::new();
    for (name, value) in form_urlencoded::parse(text) {
        let value = Value::from(value.into_owned());
        match fields.get_mut(&*name) {
            Some(Value::Array(all)) => all.push(value),
            Some(first) => *first = json!([first.take(), value]),
            None => drop(fields.insert(name.into_owned(), value)),
        }
    }
    fields
}

/// The headers that a run is told: not those that show who asks.
fn headers(given: &HeaderMap, access: &Access) -> Object {
    let secret = [
        "authorization",
        "proxy-authorization",
        "cookie",
        access.secret_header(),
    ];
    let told = given
        .iter()
        .filter(|(name, _)| !secret.contains(&name.as_str()));
    told.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value.into())
    })
    .collect()
}

/// Tells a browser that a page may ask.
fn preflight(hook: &Hook) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(&hook.methods()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any);
    answer
}

fn allow(origins: &str, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
    let asked = origin.as_ref().and_then(|origin| origin.to_str().ok());
    let is_listed = asked.is_some_and(|asked| {
        let mut listed = origins.split(',').map(str::trim);
        listed.any(|listed| listed == asked)
    });
    let allowed = match (origins.trim() == "*", is_listed) {
        (true, _) => Some(HeaderValue::from_static("*")),
        (false, true) => origin,
        (false, false) => None,
    };
    if let Some(allowed) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    #[test]
    fn bodies_are_dicts_whatever_they_are() {
        let json = headers(&[("content-type", "application/json; charset=utf-8")]);
        let as_form = headers(&[("content-type", "application/x-www-form-urlencoded")]);
        let none = HeaderMap::new();
        let cases: [(&HeaderMap, &[u8], Value); 8] = [
            (&json, br#"{"a": 1}"#, json!({"a": 1})),
            (&json, b"[1]", json!({"data": [1]})),
            (&json, b"", json!({})),
            (
                &as_form,
                b"a=1&b=x+y&a=2&a=%C3%BC",
                json!({"a": ["1", "2", "\u{fc}"], "b": "x y"}),
            ),
            (&none, br#"{"a": 1}"#, json!({"a": 1})),
            (&none, b"[1]", json!({"body": "[1]"})),
            (&none, "gr\u{fc}n".as_bytes(), json!({"body": "gr\u{fc}n"})),
            (&none, &[0xff, 0x00], json!({"body_base64": "/wA="})),
        ];
        for (headers, body, expected) in cases {
            assert_eq!(Value::Object(payload(headers, body).unwrap()), expected);
        }
        assert!(payload(&json, b"{").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn keys_that_are_no_plain_names_are_hashed() {
        assert_eq!(key(&HeaderMap::new()), None);
        assert_eq!(
            key(&headers(&[("x-github-delivery", "72d3162e-cc78-11e3")])).unwrap(),
            "72d3162e-cc78-11e3"
        );
        let hashed = key(&headers(&[("idempotency-key", "a/b#1")])).unwrap();
        assert_eq!(hashed.len(), 64);
        assert_ne!(
            hashed,
            key(&headers(&[("idempotency-key", "a/b#2")])).unwrap()
        );
    }
}
