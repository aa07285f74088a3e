//! What an answer that is not a success means.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use ureq::http::HeaderMap;

use super::super::EmbedError;
use super::{RemoteOptions, Service};

/// How much of what a service says is told.
const TOLD: usize = 300;

/// An answer that is not a success.
pub(super) struct Reply<'r> {
    pub(super) status: u16,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
}

/// Tells trouble that passes, texts that are refused, and settings that are wrong from each other.
pub(super) fn refusal(
    model: &str,
    options: &RemoteOptions,
    texts: usize,
    reply: &Reply<'_>,
    hide: impl Fn(&str) -> String,
) -> EmbedError {
    let status = reply.status;
    let said: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    let why = hide(&message(&said, reply.body));
    let refused = |remedy: String| EmbedError::Refused {
        model: model.to_owned(),
        status,
        why: why.clone(),
        remedy,
    };
    match status {
        429 if is_out_of_credit(&said) => {
            refused("look at the account's credit and limits; then run ingest again".to_owned())
        }
        300..=399 => {
            let to = reply.headers.get("location");
            let to = to.and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            refused(format!("it leads to {to}: give that as --embedder-url"))
        }
        401 | 403 => refused(match &options.key {
            Some(_) => "check the key in the environment variable, and what it may do".to_owned(),
            None => "put the key of the service into the environment variable RAG_EMBEDDER_KEY"
                .to_owned(),
        }),
        404 => refused(match options.service {
            Service::OpenAi => "check --embedder-model and --embedder-url".to_owned(),
            Service::Ollama => format!(
                "fetch the model with `ollama pull {}`, or check --embedder-model and --embedder-url",
                options.model
            ),
        }),
        400 | 413 | 422 if !is_about_settings(&said) => input(model, status, texts, why),
        // Some servers call a text that is too long their own fault.
        500 if is_too_long(&why) => input(model, status, texts, why),
        408 | 409 | 425 | 429 | 500 | 502..=504 | 506..=599 => EmbedError::Unavailable {
            model: model.to_owned(),
            why: format!("status {status}: {why}"),
            retry_after_ms: retry_after(reply.headers, SystemTime::now())
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        },
        400 | 422 => refused("check --embedder-model and --embedder-dimensions".to_owned()),
        _ => refused("check --embedder, --embedder-url and --embedder-model".to_owned()),
    }
}

fn input(model: &str, status: u16, texts: usize, why: String) -> EmbedError {
    EmbedError::Input {
        model: model.to_owned(),
        status,
        what: if texts == 1 {
            "a text".to_owned()
        } else {
            format!("{texts} texts")
        },
        why,
    }
}

/// What the service says, in one line.
fn message(said: &Value, body: &[u8]) -> String {
    let places = ["/error/message", "/error", "/message", "/detail"];
    let said = places
        .iter()
        .filter_map(|place| said.pointer(place)?.as_str())
        .find(|said| !said.is_empty());
    match said {
        Some(said) => snippet(said.as_bytes()),
        None if body.is_empty() => "it gives no reason".to_owned(),
        None => snippet(body),
    }
}

/// The beginning of a body, in one line.
pub(super) fn snippet(body: &[u8]) -> String {
    // Enough bytes for the characters that are told, and then some for spaces.
    let body = body.get(..TOLD * 8).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut told: String = text.chars().take(TOLD).collect();
    if told.len() < text.len() {
        told.push_str(" ...");
    }
    told
}

fn code(said: &Value) -> &str {
    let word = |place: &str| said.pointer(place)?.as_str();
    word("/error/code")
        .or_else(|| word("/error/type"))
        .unwrap_or_default()
}

/// A limit of money and not of time.
fn is_out_of_credit(said: &Value) -> bool {
    matches!(code(said), "insufficient_quota" | "billing_not_active")
}

/// Whether it is the model or the dimension that is refused, and no text.
fn is_about_settings(said: &Value) -> bool {
    let param = said.pointer("/error/param").and_then(Value::as_str);
    matches!(
        param,
        Some("model" | "dimensions" | "encoding_format" | "user")
    ) || matches!(code(said), "model_not_found" | "invalid_model")
}

fn is_too_long(why: &str) -> bool {
    let why = why.to_lowercase();
    ["too long", "too large", "context length", "too many tokens"]
        .iter()
        .any(|words| why.contains(words))
}

/// How long the service asks to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date, which is
/// compared with the service's own clock where it tells it.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    let seconds = |text: &str| text.parse::<f64>().ok();
    let asked = match milliseconds {
        Some(milliseconds) => Some(milliseconds / 1000.0),
        None => text("retry-after").and_then(seconds),
    };
    if let Some(asked) = asked {
        return Duration::try_from_secs_f64(asked).ok();
    }
    let until = httpdate::parse_http_date(text("retry-after")?).ok()?;
    let now = text("date")
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or(now);
    Some(until.duration_since(now).unwrap_or_default())
}
