//! Sending messages: from a workflow, from a step, from outside.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{Operation, payload, plain};
use crate::context::StepContext;
use crate::engine::{Engine, patiently};
use crate::error::{Error, ErrorRecord, Result};
use crate::store::{self, Channel, Effect, NO_TOPIC, Outcome, Payload, Sent, Session};
use crate::{clock, ids};

/// A message to a workflow, for [`send_bulk`](crate::Client::send_bulk) and [`send_in`](crate::Client::send_in).
#[derive(Debug, Clone)]
pub struct Message {
    destination: String,
    topic: Option<String>,
    idempotency_key: Option<String>,
    to_forks: bool,
    value: Payload,
}

impl Message {
    /// A message without a topic to the workflow of this id.
    ///
    /// # Errors
    /// The value cannot be written as JSON, or the id holds a NUL character.
    pub fn new<V: Serialize + ?Sized>(destination: &str, value: &V) -> Result<Self> {
        let value = payload(value, || format!("a message to workflow `{destination}`"))?;
        Ok(Self {
            destination: plain("the workflow id", destination)?,
            topic: None,
            idempotency_key: None,
            to_forks: false,
            value,
        })
    }

    /// Gives it a topic: only who receives from this topic gets it.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Lets only the first message of this key arrive at its destination.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sends it also to the forks of the workflow that exist now, and to their forks.
    #[must_use]
    pub fn to_forks(mut self) -> Self {
        self.to_forks = true;
        self
    }

    /// The rows to write: one for each workflow it goes to.
    fn addressed(&self, forks: &HashMap<String, Vec<String>>) -> Result<Vec<store::Message>> {
        let forks = self.to_forks.then(|| forks.get(&self.destination));
        let topic = self.topic.as_deref();
        let topic = topic.map(|topic| plain("the topic", topic)).transpose()?;
        let key = self.idempotency_key.as_deref();
        let key = key
            .map(|key| plain("the idempotency key", key))
            .transpose()?;
        let address = |destination: &String| store::Message {
            id: match &key {
                Some(key) => format!("{key}::{destination}"),
                None => ids::message_id(),
            },
            destination: destination.clone(),
            topic: topic.clone(),
            value: self.value.clone(),
        };
        let destinations = std::iter::once(&self.destination);
        let destinations = destinations.chain(forks.flatten().into_iter().flatten());
        Ok(destinations.map(address).collect())
    }
}

/// Who sends.
#[derive(Debug)]
pub(crate) enum Sender {
    Workflow(Operation),
    Step(StepContext),
    Outside(Arc<Engine>),
}

/// Messages that are about to be sent: all of them or none. Await it.
///
/// # Durability
/// From a workflow they are sent exactly once, in the transaction that records the call. From a step, or from outside,
/// they are sent when the call returns; with an idempotency key, once however often it is made.
///
/// # Cancel safety
/// Dropped while it is awaited, the messages may have been sent.
#[must_use = "nothing is sent until it is awaited"]
pub struct Sending {
    sender: Sender,
    messages: Result<Vec<Message>>,
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

impl Sending {
    pub(crate) fn one<V: Serialize + ?Sized>(
        sender: Sender,
        destination: &str,
        topic: Option<&str>,
        value: &V,
    ) -> Self {
        let message = Message::new(destination, value).map(|message| match topic {
            Some(topic) => message.topic(topic),
            None => message,
        });
        Self {
            sender,
            messages: message.map(|message| vec![message]),
        }
    }

    pub(crate) fn all(sender: Sender, messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            sender,
            messages: Ok(messages.into_iter().collect()),
        }
    }

    /// Lets only the first message of this key arrive at its destination. Of several messages each has its own:
    /// [`Message::idempotency_key`].
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.each(|message| message.idempotency_key(key.clone()))
    }

    /// Sends also to the forks of the workflows that exist now, and to their forks.
    pub fn to_forks(self) -> Self {
        self.each(Message::to_forks)
    }

    fn each(mut self, change: impl Fn(Message) -> Message) -> Self {
        self.messages = self
            .messages
            .map(|messages| messages.into_iter().map(change).collect());
        self
    }

    async fn send(self) -> Result<()> {
        let messages = self.messages?;
        check_keys(&messages)?;
        match self.sender {
            Sender::Workflow(operation) => {
                let watched = operation.watched();
                watched
                    .around(send_from_workflow(operation, &messages))
                    .await
            }
            Sender::Step(context) => {
                let engine = Arc::clone(&context.execution.engine);
                let rows = addressed(&engine, &messages).await?;
                let writer = context.writer();
                match patiently(|| engine.store.send(Some(&writer), &rows)).await? {
                    Sent::Fenced => context.fenced().await,
                    sent => finish(&engine, &rows, sent),
                }
            }
            Sender::Outside(engine) => {
                let rows = addressed(&engine, &messages).await?;
                let sent = patiently(|| engine.store.send(None, &rows)).await?;
                finish(&engine, &rows, sent)
            }
        }
    }
}

impl IntoFuture for Sending {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}

async fn send_from_workflow(operation: Operation, messages: &[Message]) -> Result<()> {
    if let Some(row) = operation.recorded().await {
        return match row.error {
            Some(error) => Err(Error::from_record(ErrorRecord::from_json(&error))),
            None => Ok(()),
        };
    }
    let started_at = clock::now_ms();
    let rows = addressed(&operation.execution.engine, messages).await?;
    let effects = rows.into_iter().map(Effect::Message).collect();
    match operation.commit(operation.step(started_at), effects).await {
        Outcome::NoDestination { id } => Err(Error::NoSuchWorkflow { id }),
        _ => Ok(()),
    }
}

/// One message of a key reaches a destination, so two in one call are a mistake.
fn check_keys(messages: &[Message]) -> Result<()> {
    let mut seen = HashSet::new();
    let keys = messages
        .iter()
        .filter_map(|message| message.idempotency_key.as_ref());
    for key in keys {
        if !seen.insert(key) {
            return Err(Error::Misuse(format!(
                "two messages of one call have the idempotency key `{key}`; give each its own"
            )));
        }
    }
    Ok(())
}

/// The workflows whose forks get a message too.
fn with_forks(messages: &[Message]) -> Vec<&str> {
    let to_forks = messages.iter().filter(|message| message.to_forks);
    to_forks
        .map(|message| message.destination.as_str())
        .collect()
}

fn rows(messages: &[Message], forks: &HashMap<String, Vec<String>>) -> Result<Vec<store::Message>> {
    let rows: Result<Vec<_>> = messages
        .iter()
        .map(|message| message.addressed(forks))
        .collect();
    Ok(rows?.into_iter().flatten().collect())
}

async fn addressed(engine: &Engine, messages: &[Message]) -> Result<Vec<store::Message>> {
    let origins = with_forks(messages);
    let forks = match origins.is_empty() {
        true => HashMap::new(),
        false => patiently(|| engine.store.forks(&origins)).await?,
    };
    rows(messages, &forks)
}

fn finish(engine: &Engine, rows: &[store::Message], sent: Sent) -> Result<()> {
    if let Sent::NoDestination(id) = sent {
        return Err(Error::NoSuchWorkflow { id });
    }
    for row in rows {
        let topic = row.topic.as_deref().unwrap_or(NO_TOPIC);
        let written = crate::engine::payload(&row.destination, topic);
        engine.notifier.wrote(Channel::Messages, written);
    }
    Ok(())
}

/// Sends in a transaction of the caller, who commits it.
pub(crate) async fn send_in(session: &mut Session<'_>, messages: &[Message]) -> Result<()> {
    check_keys(messages)?;
    let origins = with_forks(messages);
    let forks = match origins.is_empty() {
        true => HashMap::new(),
        false => store::forks_in(session, &origins).await?,
    };
    match store::send_in(session, &rows(messages, &forks)?).await? {
        Sent::NoDestination(id) => Err(Error::NoSuchWorkflow { id }),
        Sent::All | Sent::Fenced => Ok(()),
    }
}
