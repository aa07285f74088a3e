//! What a step writes while its body runs, beside its checkpoint.

use super::sql::params;
use super::{StoreResult, Transaction};

/// A running step: what it writes counts only while its execution owns the workflow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'s> {
    pub(crate) workflow_id: &'s str,
    pub(crate) token: &'s str,
    pub(crate) position: i32,
}

/// Locks the row, as every record of the workflow does: writers of one workflow go one after the other.
const OWNED: &str = "
    SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = $1 AND owner_xid = $2
    {pg:FOR NO KEY UPDATE}";

impl Transaction {
    /// True, until the transaction ends, when the writer owns its workflow.
    pub(super) async fn owns(&mut self, writer: &Writer<'_>) -> StoreResult<bool> {
        let params = params![writer.workflow_id, writer.token];
        let rows = self.query("ask who owns a workflow", OWNED, params).await?;
        Ok(!rows.is_empty())
    }
}
