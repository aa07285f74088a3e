//! Triggers that fire when a server sends an event: Server-Sent Events.
//!
//! What was heard last is known from the run that it started: after a reconnection, and in the next process, the server is told
//! so (`Last-Event-ID`), and sends what came since. What it sends twice has the same id, so it starts one run.

mod parse;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use durable_runtime::WorkflowFilter;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch as signal};
use tokio::task::JoinSet;

use self::parse::{Event, Parser};
use super::ServeError;
use super::key::{hash, plain};
use super::poll::Source;
use super::settings::Settings;
use super::starter::{Started, Starter};
use crate::fault::Fault;
use crate::http::{Request, Rules, without_secrets};
use crate::run::{StartError, request_of};
use crate::value::{Object, text};

/// How many events wait until their runs are durable; then the server has to.
const WAITING: usize = 64;
/// How soon it is tried again to start a run.
const AGAIN: Duration = Duration::from_secs(1);

/// A stream of events, and which of them count.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    node: String,
    url: String,
    types: Vec<String>,
    headers: Vec<(String, String)>,
    delay: Duration,
    /// How often it connects in vain before it gives up; 0 for always.
    attempts: u32,
    timeout: Option<Duration>,
}

/// What is heard of a connection.
enum Heard {
    Open,
    Event(Event),
    /// The server wants nobody to connect again.
    Over,
    Broken(Fault),
}

impl Stream {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let url = settings.text("sse_url");
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(settings.refuse(format!(
                "`sse_url`: `{url}` is no address of a stream; write https://…"
            )));
        }
        let headers = settings.dict("headers").into_iter();
        let timeout = u64::try_from(settings.integer("timeout_seconds")).unwrap_or_default();
        let attempts = settings.integer("max_reconnect_attempts");
        Ok(Self {
            node: settings.node.clone(),
            url,
            types: settings.words("event_types"),
            headers: headers.map(|(name, value)| (name, text(&value))).collect(),
            delay: settings.interval("reconnect_delay_seconds", 1.0)?,
            attempts: u32::try_from(attempts).unwrap_or_default(),
            timeout: (timeout > 0).then(|| Duration::from_secs(timeout)),
        })
    }

    fn place(&self) -> String {
        without_secrets(&self.url)
    }

    /// Listens on a thread of its own, which ends with the connection or when nobody hears it any more.
    fn listen(&self, last: &str) -> mpsc::Receiver<Heard> {
        let (tell, heard) = mpsc::channel(WAITING);
        let (stream, last) = (self.clone(), last.to_owned());
        std::thread::spawn(move || {
            let end = match stream.read(last, &tell) {
                Ok(end) => end,
                Err(fault) => Heard::Broken(fault),
            };
            // Whoever listened may have gone.
            let _ = tell.blocking_send(end);
        });
        heard
    }

    fn read(&self, last: String, tell: &mpsc::Sender<Heard>) -> Result<Heard, Fault> {
        let mut headers = self.headers.clone();
        headers.push(("Accept".to_owned(), "text/event-stream".to_owned()));
        headers.push(("Cache-Control".to_owned(), "no-store".to_owned()));
        if !last.is_empty() {
            headers.push(("Last-Event-ID".to_owned(), last.clone()));
        }
        let request = Request {
            method: "GET".to_owned(),
            url: self.url.clone(),
            headers,
            body: Vec::new(),
            rules: Rules {
                timeout: self.timeout,
                ..Rules::default()
            },
        };
        let response = request.send()?;
        let broken = |reason: String| Fault::of("ConnectionError", reason);
        match response.status {
            204 => return Ok(Heard::Over),
            200 => {}
            status => return Err(broken(format!("it answers with the status {status}"))),
        }
        let mut headers = response.headers.iter();
        let kind = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kind = kind
            .map(|(_, kind)| kind.to_lowercase())
            .unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(broken(format!(
                "it sends `{kind}`, and no stream of events"
            )));
        }
        if tell.blocking_send(Heard::Open).is_err() {
            return Ok(Heard::Over);
        }
        let mut parser = Parser::new(last);
        let mut reader = response.reader();
        let mut piece = vec![0; 16 * 1024];
        loop {
            let count = reader.read(&mut piece);
            let count = count.map_err(|error| broken(format!("it broke off: {error}")))?;
            if count == 0 {
                return Err(broken("it ended".to_owned()));
            }
            for event in parser.take(piece.get(..count).unwrap_or_default())? {
                if tell.blocking_send(Heard::Event(event)).is_err() {
                    return Ok(Heard::Over);
                }
            }
        }
    }
}

impl Source for Stream {
    fn node(&self) -> &str {
        &self.node
    }

    fn says(&self) -> String {
        format!("hears {}", self.place())
    }

    fn wait(
        self: Box<Self>,
        starter: Arc<Starter>,
        tasks: &mut JoinSet<()>,
        mut end: signal::Receiver<()>,
    ) {
        tasks.spawn(async move {
            tokio::select! {
                _ = end.changed() => {}
                () = hear(&self, &starter) => {}
            }
        });
    }
}

/// Connects, and connects again, until the server wants that no more, or for too often in vain.
async fn hear(stream: &Stream, starter: &Starter) {
    let place = stream.place();
    let mut last = loop {
        match last(stream, starter).await {
            Ok(last) => break last,
            Err(error) => {
                tracing::warn!(place, %error, "it is not known what was heard last; it is looked again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let mut delay = stream.delay;
    let mut vain: u32 = 0;
    loop {
        let mut heard = stream.listen(&last);
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Open => vain = 0,
                Heard::Event(event) => {
                    delay = event.retry.unwrap_or(delay);
                    fire(stream, starter, &event).await;
                    last = event.last;
                }
                Heard::Over => {
                    tracing::warn!(place, "the server wants nobody to connect again");
                    return;
                }
                Heard::Broken(fault) => {
                    tracing::warn!(place, %fault, "a stream of events is not there; it is connected again in {delay:?}");
                }
            }
        }
        vain = vain.saturating_add(1);
        if stream.attempts > 0 && vain > stream.attempts {
            tracing::error!(
                place,
                "a stream of events is not there after {vain} attempts; it is given up until the next start"
            );
            return;
        }
        tokio::time::sleep(delay).await;
    }
}

/// What was heard last, by whatever process.
async fn last(stream: &Stream, starter: &Starter) -> Result<String, StartError> {
    let newest = WorkflowFilter::new()
        .id_prefix(starter.prefix(&stream.node))
        .newest_first()
        .limit(1)
        .without_output();
    let newest = starter.durable().client().list(newest).await?;
    let id = newest.first().and_then(|row| {
        let id = request_of(row)?
            .trigger()?
            .outputs
            .get("event_id")
            .map(text)?;
        Some(id)
    });
    Ok(id.unwrap_or_default())
}

/// Starts the run of an event; nothing else is heard before it is durable.
async fn fire(stream: &Stream, starter: &Starter, event: &Event) {
    if event.data.is_empty() || (!stream.types.is_empty() && !stream.types.contains(&event.kind)) {
        return;
    }
    // A server that begins to count anew sends another event under an id that was there.
    let key = match &event.id {
        Some(id) => {
            let what = hash(format!("{}\n{}", event.kind, event.data).as_bytes());
            format!("{}.{}", plain(id), what.get(..16).unwrap_or_default())
        }
        None => uuid::Uuid::new_v4().simple().to_string(),
    };
    let id = format!("{}{key}", starter.prefix(&stream.node));
    let retry = event.retry.map(|retry| retry.as_millis() as u64);
    let data =
        serde_json::from_str(&event.data).unwrap_or_else(|_| Value::from(event.data.as_str()));
    let outputs = json!({
        "event_type": event.kind,
        "data": data,
        "raw_data": event.data,
        "event_id": event.last,
        "retry": retry.unwrap_or_default(),
        "timestamp": Timestamp::now().to_string(),
    });
    let outputs: Object = outputs.as_object().cloned().unwrap_or_default();
    loop {
        match starter.start(&stream.node, &id, outputs.clone()).await {
            Ok(Started::New(_)) => tracing::info!(id, "an event started its workflow"),
            Ok(Started::Known(_) | Started::Other) => {}
            Err(error) => {
                tracing::warn!(id, %error, "an event could not start its workflow; it is tried again");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        }
        return;
    }
}
