//! Messages to workflows.

use std::collections::HashMap;

use super::effect::{self, Message};
use super::sql::{Row, Session, params};
use super::writer::Writer;
use super::{Isolation, Store, StoreResult};
use crate::error::StoreError;
use crate::value::Stored;

const INTENT: &str = "send messages";

/// The oldest goes first; those of one transaction in the order of their insertion.
const NEXT: &str = "
    SELECT message_uuid, message, serialization FROM dbos.notifications
    WHERE destination_uuid = $1 AND topic = $2 AND consumed = FALSE
    ORDER BY created_at_epoch_ms, {pg:ctid}{lite:rowid} LIMIT 1";

const FORKS: &str = "
    WITH RECURSIVE family (origin, id) AS (
        SELECT forked_from, workflow_uuid FROM dbos.workflow_status
        WHERE forked_from IN {each:$1}
        UNION
        SELECT family.origin, s.workflow_uuid
        FROM family JOIN dbos.workflow_status s ON s.forked_from = family.id
    )
    SELECT origin, id FROM family ORDER BY origin, id";

/// What became of messages that belong to no checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    All,
    /// Nothing was sent: this workflow does not exist.
    NoDestination(String),
    /// Nothing was sent: the execution of the step does not own its workflow any more.
    Fenced,
}

/// A message that waits to be received.
#[derive(Debug)]
pub(crate) struct WaitingMessage {
    pub(crate) id: String,
    pub(crate) value: Stored,
}

impl dyn Store {
    /// The message that a workflow receives next from a topic.
    pub(crate) async fn next_message(
        &self,
        workflow_id: &str,
        topic: &str,
    ) -> StoreResult<Option<WaitingMessage>> {
        let rows = self
            .read("look for a message", NEXT, params![workflow_id, topic])
            .await?;
        let message = rows.into_iter().next().map(|mut row| {
            Ok(WaitingMessage {
                id: row.take(0)?,
                value: Stored::new(row.take(1)?, row.take(2)?),
            })
        });
        message.transpose()
    }

    /// The forks of each of these workflows, and the forks of those, as far as there are any.
    pub(crate) async fn forks(
        &self,
        workflow_ids: &[&str],
    ) -> StoreResult<HashMap<String, Vec<String>>> {
        let rows = self
            .read("look for forks", FORKS, params![workflow_ids])
            .await?;
        families(rows)
    }

    /// Sends messages, all of them or none; for a step, while it owns its workflow.
    pub(crate) async fn send(
        &self,
        writer: Option<&Writer<'_>>,
        messages: &[Message],
    ) -> StoreResult<Sent> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        if let Some(writer) = writer
            && !transaction.owns(writer).await?
        {
            return Ok(Sent::Fenced);
        }
        let sent = send_in(&mut transaction.session(), messages).await?;
        if sent == Sent::All {
            transaction.commit(&[]).await?;
        }
        Ok(sent)
    }
}

fn families(rows: Vec<Row>) -> StoreResult<HashMap<String, Vec<String>>> {
    let mut families: HashMap<String, Vec<String>> = HashMap::new();
    for mut row in rows {
        families.entry(row.take(0)?).or_default().push(row.take(1)?);
    }
    Ok(families)
}

/// Sends messages in a transaction of the caller, who commits it.
pub(crate) async fn send_in(session: &mut Session<'_>, messages: &[Message]) -> StoreResult<Sent> {
    let sent = effect::send(session, messages).await;
    Ok(match sent.map_err(StoreError::statement(INTENT))? {
        Ok(()) => Sent::All,
        Err(id) => Sent::NoDestination(id),
    })
}

/// As [`Store::forks`](dyn Store::forks), in a transaction of the caller.
pub(crate) async fn forks_in(
    session: &mut Session<'_>,
    workflow_ids: &[&str],
) -> StoreResult<HashMap<String, Vec<String>>> {
    let rows = session.query(FORKS, params![workflow_ids]).await;
    families(rows.map_err(StoreError::statement("look for forks"))?)
}
