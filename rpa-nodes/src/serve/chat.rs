//! Triggers that show a page to chat with, and fire for each message.

use std::net::IpAddr;
use std::time::Duration;

use fancy_regex::Regex;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::ServeError;
use super::access::Access;
use super::key::plain;
use super::listen::{self, Answer, RUN, refused, said};
use super::page::{escaped, page};
use super::settings::Settings;
use super::starter::{Started, Starter};
use super::webhook::payload;
use crate::value::text;

/// How long a message waits for its reply.
const PATIENCE: Duration = Duration::from_secs(60);
/// The variables that a workflow replies by, the first one that it has.
const REPLIES: [&str; 2] = ["reply", "response"];
/// Sends a message, and shows what is replied.
const SCRIPT: &str = include_str!("chat/page.js");

/// A chat.
#[derive(Debug)]
pub(super) struct Chat {
    node: String,
    path: String,
    welcome: String,
    placeholder: String,
    channel: String,
    pattern: Option<Regex>,
    access: Access,
}

impl Chat {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let platform = settings.text("platform");
        if platform != "web" {
            return Err(settings.refuse(format!(
                "`platform` is `{platform}`, which cannot be heard here; choose `web`, or let it send its messages to a \
                 WebhookTriggerNode"
            )));
        }
        let pattern = match settings.text("message_pattern") {
            text if text.is_empty() => None,
            text => Some(Regex::new(&text).map_err(|error| {
                settings.refuse(format!("`message_pattern` is no pattern: {error}"))
            })?),
        };
        Ok(Self {
            node: settings.node.clone(),
            path: format!("/{}/{}", settings.name, settings.node),
            welcome: settings.text("welcome_message"),
            placeholder: settings.text("input_placeholder"),
            channel: settings.text("channel_id"),
            pattern,
            access: Access::new(settings)?,
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) async fn answer(
        &self,
        starter: &Starter,
        request: Request<Incoming>,
        from: IpAddr,
    ) -> Answer {
        let now = Timestamp::now();
        let asked = self.access.check(from, request.headers(), now.as_second());
        if let Err(why) = asked {
            let mut answer = refused(why.status(), why.reason());
            why.ask(answer.headers_mut());
            return answer;
        }
        match *request.method() {
            Method::GET | Method::HEAD => self.page(),
            // Pages of other sites cannot send JSON here.
            Method::POST if !is_json(request.headers()) => refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a message is sent as JSON: {\"message\": \"…\"}",
            ),
            Method::POST => self.take(starter, request, now).await,
            _ => {
                let mut answer = refused(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "this method is not for here",
                );
                let methods = HeaderValue::from_static("GET, HEAD, POST");
                answer.headers_mut().insert(header::ALLOW, methods);
                answer
            }
        }
    }

    /// Starts the run of a message, and gives what it replies.
    async fn take(&self, starter: &Starter, request: Request<Incoming>, now: Timestamp) -> Answer {
        let (head, body) = request.into_parts();
        let body = match listen::body(body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let sent = match payload(&head.headers, &body) {
            Ok(sent) => sent,
            Err(reason) => return refused(StatusCode::BAD_REQUEST, &reason),
        };
        let of = |field: &str| sent.get(field).map(text).unwrap_or_default();
        let message = of("message");
        if message.trim().is_empty() {
            return refused(StatusCode::BAD_REQUEST, "there is no `message`");
        }
        let is_meant = |pattern: &Regex| pattern.is_match(&message).unwrap_or_default();
        if !self.pattern.as_ref().is_none_or(is_meant) {
            return said(StatusCode::OK, &json!({"reply": null, "ignored": true}));
        }
        let key = match of("key") {
            key if key.is_empty() => uuid::Uuid::new_v4().simple().to_string(),
            key => plain(&key),
        };
        let id = format!("{}{key}", starter.prefix(&self.node));
        let user = match self.access.user() {
            "" => of("user_id"),
            user => user.to_owned(),
        };
        let channel = match of("channel_id") {
            channel if channel.is_empty() => self.channel.clone(),
            channel => channel,
        };
        let outputs = json!({
            "message": message,
            "user_id": user,
            "user_name": of("user_name"),
            "channel_id": channel,
            "platform": "web",
            "timestamp": now.to_string(),
            "reply_to": of("reply_to"),
        });
        let outputs = outputs.as_object().cloned().unwrap_or_default();
        let started = match starter.start(&self.node, &id, outputs).await {
            Ok(Started::New(handle) | Started::Known(handle)) => handle,
            Ok(Started::Other) => {
                return refused(StatusCode::CONFLICT, "another message had this key");
            }
            Err(error) => {
                tracing::warn!(id, %error, "a message could not start its workflow");
                return refused(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the workflow could not be started; send it again",
                );
            }
        };
        let mut answer = match tokio::time::timeout(PATIENCE, starter.result(&started)).await {
            Ok(Ok(result)) => {
                let reply = REPLIES.iter().find_map(|name| result.variables.get(*name));
                let reply = reply.filter(|reply| !reply.is_null()).map(text);
                let status = match result.success {
                    true => StatusCode::OK,
                    false => StatusCode::INTERNAL_SERVER_ERROR,
                };
                said(
                    status,
                    &json!({"reply": reply, "success": result.success, "workflow_id": id}),
                )
            }
            Ok(Err(error)) => {
                tracing::warn!(id, %error, "a run has no result");
                refused(StatusCode::INTERNAL_SERVER_ERROR, "the run has no result")
            }
            Err(_) => said(
                StatusCode::ACCEPTED,
                &json!({"reply": null, "status": "PENDING", "workflow_id": id}),
            ),
        };
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(RUN, id);
        }
        answer
    }

    fn page(&self) -> Answer {
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let inside = format!(
            "<div id=\"log\"><p>{}</p></div><form id=\"say\"><input id=\"message\" autocomplete=\"off\" required \
             placeholder=\"{}\"><button>Send</button></form><script nonce=\"{nonce}\">{SCRIPT}</script>",
            escaped(&self.welcome),
            escaped(&self.placeholder)
        );
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-ancestors 'none'"
        );
        page(StatusCode::OK, "Chat", &inside, &policy)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}
