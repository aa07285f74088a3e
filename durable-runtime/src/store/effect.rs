//! What a call writes besides its checkpoint: events, messages, stream entries.
//!
//! The effects of a step are in the transaction of its record, so they happen exactly once. From outside a workflow
//! they are written on their own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::record::{Outcome, StepRecord};
use super::sql::{Session, params};
use crate::error::Error;

/// The topic of messages without one.
pub(crate) const NO_TOPIC: &str = "__null__topic__";

#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// The value of a key of this workflow, for everybody to read.
    Event { key: String, value: Payload },
    /// A message to a workflow.
    Message(Message),
    /// One more entry of a stream of this workflow.
    Append { key: String, value: Payload },
    /// A message to this workflow is received, and is not received again.
    Consume { message_id: String },
}

/// Text in one of the formats of the database.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) text: String,
    pub(crate) format: Cow<'static, str>,
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// One message of an id arrives; a second one is dropped.
    pub(crate) id: String,
    pub(crate) destination: String,
    pub(crate) topic: Option<String>,
    pub(crate) value: Payload,
}

impl Effect {
    pub(super) fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Event { value, .. } | Self::Append { value, .. } => value.text.len(),
            Self::Message(message) => message.value.text.len(),
            Self::Consume { .. } => 0,
        }
    }
}

/// None of them is deleted before the messages are there.
const EXISTING: &str = "
    SELECT workflow_uuid FROM dbos.workflow_status WHERE workflow_uuid IN {each:$1}
    {pg:FOR KEY SHARE}";

const MESSAGES: &str = "
    INSERT INTO dbos.notifications (message_uuid, destination_uuid, topic, message, serialization)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM {rows:$1}
    WHERE TRUE ON CONFLICT (message_uuid) DO NOTHING";

const UNSENT: &str = "
    UPDATE dbos.operation_outputs SET error = $3, serialization = 'portable_json'
    WHERE workflow_uuid = $1 AND function_id = $2";

const EVENTS: &str = "
    INSERT INTO dbos.workflow_events (workflow_uuid, key, value, serialization)
    SELECT value ->> 0, value ->> 2, value ->> 3, value ->> 4 FROM {rows:$1}
    WHERE TRUE ON CONFLICT (workflow_uuid, key) DO UPDATE
    SET value = excluded.value, serialization = excluded.serialization";

const EVENTS_HISTORY: &str = "
    INSERT INTO dbos.workflow_events_history (workflow_uuid, function_id, key, value, serialization)
    SELECT value ->> 0, CAST(value ->> 1 AS INTEGER), value ->> 2, value ->> 3, value ->> 4
    FROM {rows:$1}
    WHERE TRUE ON CONFLICT (workflow_uuid, function_id, key) DO UPDATE
    SET value = excluded.value, serialization = excluded.serialization";

/// An entry goes behind the last one. `repeatable`: a step may append more than once at its position.
const APPEND: &str = "
    INSERT INTO dbos.streams (workflow_uuid, key, value, \"offset\", function_id, serialization)
    SELECT $1, $2, $3, COALESCE((SELECT max(\"offset\") FROM dbos.streams
                                 WHERE workflow_uuid = $1 AND key = $2), -1) + 1, $4, $5
    WHERE $6 OR NOT EXISTS (SELECT 1 FROM dbos.streams
                            WHERE workflow_uuid = $1 AND key = $2 AND function_id = $4)";

const CONSUME: &str = "
    UPDATE dbos.notifications
    SET consumed = TRUE, consumed_by_function_id = CAST($3 AS INTEGER)
    WHERE message_uuid = $1 AND destination_uuid = $2";

/// Writes the effects of those steps that were recorded, in the transaction of their records. A step with a message
/// that cannot be delivered gets its error here, and sends nothing.
pub(super) async fn apply(
    session: &mut Session<'_>,
    steps: &[&StepRecord],
    outcomes: &mut [Outcome],
) -> sqlx::Result<()> {
    if steps.iter().all(|step| step.effects.is_empty()) {
        return Ok(());
    }
    let mut events = Vec::new();
    let mut messages: Vec<(usize, &StepRecord, &Message)> = Vec::new();
    for (index, (step, outcome)) in steps.iter().zip(outcomes.iter()).enumerate() {
        if !matches!(outcome, Outcome::Committed) {
            continue;
        }
        for effect in &step.effects {
            match effect {
                Effect::Event { key, value } => {
                    events.push((
                        step.workflow_id.as_str(),
                        step.position,
                        key.as_str(),
                        value,
                    ));
                }
                Effect::Message(message) => messages.push((index, step, message)),
                Effect::Append { key, value } => {
                    append(session, &step.workflow_id, step.position, key, value, false).await?;
                }
                Effect::Consume { message_id } => {
                    let params = params![message_id, &step.workflow_id, step.position];
                    session.query(CONSUME, params).await?;
                }
            }
        }
    }
    set_events(session, &events).await?;
    send_of_steps(session, &messages, outcomes).await
}

/// Sets events: of which workflow, at which position, which key, which value.
pub(super) async fn set_events(
    session: &mut Session<'_>,
    events: &[(&str, i32, &str, &Payload)],
) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let row = |(workflow_id, position, key, value): &(&str, i32, &str, &Payload)| {
        json!([workflow_id, position, key, value.text, value.format])
    };
    // The last value of a key counts; a statement may touch a row only once.
    let mut seen = HashSet::new();
    let latest = events.iter().rev();
    let latest = latest.filter(|(workflow_id, _, key, _)| seen.insert((workflow_id, key)));
    let latest: Vec<_> = latest.map(row).collect();
    session.query(EVENTS, params![latest]).await?;
    let mut seen = HashSet::new();
    let all = events.iter().rev();
    let all =
        all.filter(|(workflow_id, position, key, _)| seen.insert((workflow_id, position, key)));
    let all: Vec<_> = all.map(row).collect();
    session.query(EVENTS_HISTORY, params![all]).await?;
    Ok(())
}

async fn send_of_steps(
    session: &mut Session<'_>,
    messages: &[(usize, &StepRecord, &Message)],
    outcomes: &mut [Outcome],
) -> sqlx::Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let missing = missing(session, messages.iter().map(|(_, _, message)| *message)).await?;
    let mut unsent: HashMap<usize, (&StepRecord, &str)> = HashMap::new();
    for (index, step, message) in messages {
        if missing.contains(&message.destination) {
            unsent.entry(*index).or_insert((step, &message.destination));
        }
    }
    let sent = messages
        .iter()
        .filter(|(index, ..)| !unsent.contains_key(index));
    insert(session, sent.map(|(_, _, message)| *message)).await?;
    for (index, (step, id)) in unsent {
        let error = Error::NoSuchWorkflow { id: id.to_owned() }
            .to_record()
            .to_json();
        let params = params![&step.workflow_id, step.position, error];
        session.query(UNSENT, params).await?;
        if let Some(outcome) = outcomes.get_mut(index) {
            *outcome = Outcome::NoDestination { id: id.to_owned() };
        }
    }
    Ok(())
}

/// The destinations that do not exist.
async fn missing(
    session: &mut Session<'_>,
    messages: impl Iterator<Item = &Message>,
) -> sqlx::Result<HashSet<String>> {
    let mut missing: HashSet<String> = messages
        .map(|message| message.destination.clone())
        .collect();
    let destinations: Vec<&str> = missing.iter().map(String::as_str).collect();
    let destinations = params![destinations.as_slice()];
    for mut row in session.query(EXISTING, destinations).await? {
        let id: String = row
            .take(0)
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        missing.remove(&id);
    }
    Ok(missing)
}

async fn insert<'m>(
    session: &mut Session<'_>,
    messages: impl Iterator<Item = &'m Message>,
) -> sqlx::Result<()> {
    let row = |message: &Message| {
        let topic = message.topic.as_deref().unwrap_or(NO_TOPIC);
        let value = &message.value;
        json!([
            message.id,
            message.destination,
            topic,
            value.text,
            value.format
        ])
    };
    let rows: Vec<_> = messages.map(row).collect();
    if !rows.is_empty() {
        session.query(MESSAGES, params![rows]).await?;
    }
    Ok(())
}

/// Sends messages that belong to no checkpoint, in the caller's transaction: all of them, or none and the id of a
/// workflow that does not exist.
pub(crate) async fn send(
    session: &mut Session<'_>,
    messages: &[Message],
) -> sqlx::Result<Result<(), String>> {
    if let Some(id) = missing(session, messages.iter()).await?.into_iter().next() {
        return Ok(Err(id));
    }
    insert(session, messages.iter()).await?;
    Ok(Ok(()))
}

/// Appends to a stream. Unless `repeatable`, an entry of this position is there once.
pub(crate) async fn append(
    session: &mut Session<'_>,
    workflow_id: &str,
    position: i32,
    key: &str,
    value: &Payload,
    repeatable: bool,
) -> sqlx::Result<()> {
    let params = params![
        workflow_id,
        key,
        &value.text,
        position,
        value.format.as_ref(),
        repeatable
    ];
    session.query(APPEND, params).await?;
    Ok(())
}
