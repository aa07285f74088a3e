//! The line to a browser: the DevTools protocol over two pipes. When this program ends, however it ends, the pipes close, and
//! that ends the browser.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tab::Tab;
use crate::fault::Fault;

/// The class of failures of which a browser that is gone is the reason.
pub(crate) const GONE: &str = "BrowserClosedError";

/// The class of failures of nodes whose browser was closed while they worked, as at the end of a run.
pub(crate) const ENDED: &str = "InterruptedError";

/// Asks a browser, and hears what happens in it.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    writer: Arc<Mutex<Box<dyn Writer>>>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

trait Writer: Write + Send + std::fmt::Debug {}
impl<W: Write + Send + std::fmt::Debug> Writer for W {}

/// What was heard of a browser.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: u64,
    /// Questions that somebody waits for, and answers that nobody took yet.
    answers: BTreeMap<u64, Option<Value>>,
    /// What happens in tabs, by session.
    pub(super) tabs: BTreeMap<String, Tab>,
    is_gone: bool,
    /// It is gone because it was told so.
    is_ended: bool,
}

impl Pipe {
    pub(super) fn new(
        writer: impl Write + Send + std::fmt::Debug + 'static,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, Fault> {
        let pipe = Self {
            writer: Arc::new(Mutex::new(Box::new(writer))),
            heard: Arc::default(),
        };
        let ear = pipe.clone();
        std::thread::Builder::new()
            .name("browser".to_owned())
            .spawn(move || ear.listen(reader))
            .map_err(|error| Fault::of("OSError", format!("cannot start a thread: {error}")))?;
        Ok(pipe)
    }

    /// Asks the browser as a whole, or the tab of a session, and waits for the answer.
    ///
    /// # Errors
    /// The browser refuses, is gone, or takes longer than it may.
    pub(super) fn ask(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
        limit: Duration,
    ) -> Result<Value, Fault> {
        let id = self.say(session, method, parameters, true)?;
        let end = Instant::now() + limit;
        let mut heard = self.heard();
        loop {
            if let Some(Some(_)) = heard.answers.get(&id) {
                let answer = heard.answers.remove(&id).flatten().unwrap_or_default();
                return read(method, answer);
            }
            if heard.is_gone {
                heard.answers.remove(&id);
                return Err(heard.gone());
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                heard.answers.remove(&id);
                return Err(Fault::of(
                    "TimeoutError",
                    format!(
                        "the browser did not answer {method} within {} ms",
                        limit.as_millis()
                    ),
                ));
            };
            let waited = self.heard.1.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until something was heard.
    ///
    /// # Errors
    /// The browser is gone. That it takes longer than it may is no error: nothing is given then.
    pub(super) fn until<T>(
        &self,
        end: Instant,
        mut look: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut heard = self.heard();
        loop {
            if let Some(found) = look(&mut heard) {
                return Ok(Some(found));
            }
            if heard.is_gone {
                return Err(heard.gone());
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Ok(None);
            };
            let waited = self.heard.1.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What was heard so far.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the browser to end, also under who is waiting for it.
    pub(super) fn end(&self, limit: Duration) -> Result<(), Fault> {
        self.heard().is_ended = true;
        self.ask(None, "Browser.close", json!({}), limit).map(drop)
    }

    /// Whether the browser is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.heard().is_gone
    }

    fn say(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
        waits: bool,
    ) -> Result<u64, Fault> {
        let id = {
            let mut heard = self.heard();
            if heard.is_gone {
                return Err(heard.gone());
            }
            heard.last += 1;
            let id = heard.last;
            if waits {
                heard.answers.insert(id, None);
            }
            id
        };
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let (Some(session), Value::Object(map)) = (session, &mut message) {
            map.insert("sessionId".to_owned(), session.into());
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.write_all(&bytes).and_then(|()| writer.flush());
        written.map(|()| id).map_err(|_| self.heard().gone())
    }

    fn listen(&self, reader: impl Read) {
        let mut reader = BufReader::new(reader);
        let mut message = Vec::new();
        loop {
            message.clear();
            match reader.read_until(0, &mut message) {
                Ok(read) if read > 0 && message.last() == Some(&0) => {}
                _ => break,
            }
            message.pop();
            match serde_json::from_slice(&message) {
                Ok(message) => self.hear(message),
                Err(error) => tracing::warn!(%error, "the browser said what nobody understands"),
            }
        }
        self.heard().is_gone = true;
        self.heard.1.notify_all();
    }

    fn hear(&self, mut message: Value) {
        if let Some(id) = message.get("id").and_then(Value::as_u64) {
            if let Some(answer) = self.heard().answers.get_mut(&id) {
                *answer = Some(message);
            }
            self.heard.1.notify_all();
            return;
        }
        let method = message.get("method").and_then(Value::as_str);
        let Some(method) = method.map(str::to_owned) else {
            return;
        };
        let session = message.get("sessionId").and_then(Value::as_str);
        let session = session.unwrap_or_default().to_owned();
        let parameters = message
            .get_mut("params")
            .map(Value::take)
            .unwrap_or_default();
        if method == "Target.detachedFromTarget" {
            let closed = parameters.get("sessionId").and_then(Value::as_str);
            if let Some(closed) = closed {
                self.heard().tabs.remove(closed);
            }
        }
        let answer = self
            .heard()
            .tabs
            .get_mut(&session)
            .and_then(|tab| tab.hear(&method, &parameters));
        if let Some(reply) = answer {
            let mut how = json!({"accept": reply.accepts});
            if let (Some(text), Value::Object(how)) = (reply.text, &mut how) {
                how.insert("promptText".to_owned(), text.into());
            }
            // A page that asks stands still until it is answered; nobody waits for what comes of that.
            if let Err(fault) = self.say(Some(&session), "Page.handleJavaScriptDialog", how, false)
            {
                tracing::warn!(%fault, "a dialog could not be answered");
            }
        }
        self.heard.1.notify_all();
    }
}

fn read(method: &str, mut answer: Value) -> Result<Value, Fault> {
    if let Some(error) = answer.get("error") {
        let message = error.get("message").and_then(Value::as_str);
        return Err(Fault::of(
            "BrowserError",
            format!(
                "the browser refuses {method}: {}",
                message.unwrap_or("it does not say why")
            ),
        ));
    }
    Ok(answer
        .get_mut("result")
        .map(Value::take)
        .unwrap_or_default())
}

impl Heard {
    fn gone(&self) -> Fault {
        match self.is_ended {
            true => Fault::of(ENDED, "the browser was closed"),
            false => Fault::of(
                GONE,
                "the browser ended; the next node opens it again where it was",
            ),
        }
    }
}
