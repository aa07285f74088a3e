//! Streams: the values that workflows append to keys.

use super::effect::{self, Payload};
use super::row::Status;
use super::sql::params;
use super::writer::Writer;
use super::{Isolation, Store, StoreResult};
use crate::error::StoreError;
use crate::value::Stored;

/// The row of a workflow without entries tells that it exists, and whether it still writes.
const ENTRIES: &str = "
    SELECT s.status, e.value, e.serialization, e.\"offset\"
    FROM dbos.workflow_status s
    LEFT JOIN dbos.streams e
        ON e.workflow_uuid = s.workflow_uuid AND e.key = $2 AND e.\"offset\" >= $3
       AND e.\"offset\" < $3 + $4
    WHERE s.workflow_uuid = $1 ORDER BY e.\"offset\"";

/// A part of a stream.
#[derive(Debug)]
pub(crate) struct Entries {
    /// The workflow does nothing more.
    pub(crate) is_finished: bool,
    /// The entries from the offset on, without a gap.
    pub(crate) values: Vec<Stored>,
}

impl dyn Store {
    /// Up to `limit` entries from `offset` on; `None` when there is no such workflow.
    pub(crate) async fn entries(
        &self,
        workflow_id: &str,
        key: &str,
        offset: i64,
        limit: i64,
    ) -> StoreResult<Option<Entries>> {
        let params = params![workflow_id, key, offset, limit];
        let mut entries = None;
        for mut row in self.read("read a stream", ENTRIES, params).await? {
            let status: Option<String> = row.take(0)?;
            let entries = entries.get_or_insert_with(|| {
                let status = status.as_deref().map(str::parse::<Status>);
                Entries {
                    is_finished: matches!(status, Some(Ok(status)) if status.is_finished()),
                    values: Vec::new(),
                }
            });
            let found: Option<i64> = row.take(3)?;
            if found
                != i64::try_from(entries.values.len())
                    .ok()
                    .map(|read| offset + read)
            {
                break;
            }
            entries.values.push(Stored::new(row.take(1)?, row.take(2)?));
        }
        Ok(entries)
    }

    /// Appends to a stream from within a step; false when the step's execution does not own its workflow any more.
    pub(crate) async fn append(
        &self,
        writer: &Writer<'_>,
        key: &str,
        value: &Payload,
    ) -> StoreResult<bool> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        if !transaction.owns(writer).await? {
            return Ok(false);
        }
        let Writer {
            workflow_id,
            position,
            ..
        } = *writer;
        let mut session = transaction.session();
        effect::append(&mut session, workflow_id, position, key, value, true)
            .await
            .map_err(StoreError::statement("append to a stream"))?;
        transaction.commit(&[]).await?;
        Ok(true)
    }
}
