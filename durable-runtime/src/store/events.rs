//! Events: the values that workflows publish under keys.

use super::effect::{self, Payload};
use super::sql::params;
use super::writer::Writer;
use super::{Isolation, Store, StoreResult};
use crate::error::StoreError;
use crate::value::Stored;

const EVENT: &str = "
    SELECT value, serialization FROM dbos.workflow_events WHERE workflow_uuid = $1 AND key = $2";

const EVENTS: &str = "
    SELECT key, value, serialization FROM dbos.workflow_events WHERE workflow_uuid = $1 ORDER BY key";

impl dyn Store {
    /// The latest value of a key, if it was ever set.
    pub(crate) async fn event(&self, workflow_id: &str, key: &str) -> StoreResult<Option<Stored>> {
        let rows = self
            .read("read an event", EVENT, params![workflow_id, key])
            .await?;
        let stored = rows
            .into_iter()
            .next()
            .map(|mut row| Ok(Stored::new(row.take(0)?, row.take(1)?)));
        stored.transpose()
    }

    /// Every key of a workflow with its latest value.
    pub(crate) async fn events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Stored)>> {
        let rows = self
            .read("read events", EVENTS, params![workflow_id])
            .await?;
        let event = |mut row: super::sql::Row| {
            let stored = Stored::new(row.take(1)?, row.take(2)?);
            Ok((row.take(0)?, stored))
        };
        rows.into_iter().map(event).collect()
    }

    /// Sets an event from within a step; false when the step's execution does not own its workflow any more.
    pub(crate) async fn set_event(
        &self,
        writer: &Writer<'_>,
        key: &str,
        value: &Payload,
    ) -> StoreResult<bool> {
        const INTENT: &str = "set an event";
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        if !transaction.owns(writer).await? {
            return Ok(false);
        }
        let events = [(writer.workflow_id, writer.position, key, value)];
        effect::set_events(&mut transaction.session(), &events)
            .await
            .map_err(StoreError::statement(INTENT))?;
        transaction.commit(&[]).await?;
        Ok(true)
    }
}
