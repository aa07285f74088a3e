//! Deletes workflows, and with them everything that is recorded about them.

use super::cancel::ids;
use super::sql::params;
use super::{Isolation, Store, StoreResult, Transaction};

const INTENT: &str = "delete workflows";

const FAMILY: &str = "
    WITH RECURSIVE family (id) AS (
        SELECT * FROM {each:$1} AS given
        UNION SELECT s.workflow_uuid FROM dbos.workflow_status s
        JOIN family ON s.parent_workflow_id = family.id)
    SELECT id FROM family";

/// First the row: then nobody owns the workflow, and nothing more is recorded about it. Events, messages and streams go
/// with it.
const DELETE: [&str; 4] = [
    "DELETE FROM dbos.workflow_status WHERE workflow_uuid IN {each:$1} RETURNING workflow_uuid",
    "DELETE FROM dbos.workflow_input WHERE workflow_uuid IN {each:$1}",
    "DELETE FROM dbos.workflow_output WHERE workflow_uuid IN {each:$1}",
    "DELETE FROM dbos.operation_outputs WHERE workflow_uuid IN {each:$1}",
];

impl dyn Store {
    /// Deletes workflows in any state, and everything that they started if `children`; says which were there.
    pub(crate) async fn delete(
        &self,
        workflow_ids: &[String],
        children: bool,
    ) -> StoreResult<Vec<String>> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let deleted = match children {
            true => {
                let family = self.family(&mut transaction, workflow_ids).await?;
                delete(&mut transaction, &family).await?
            }
            false => delete(&mut transaction, workflow_ids).await?,
        };
        transaction.commit(&[]).await?;
        Ok(deleted)
    }

    /// These workflows and everything that they started.
    pub(super) async fn family(
        &self,
        transaction: &mut Transaction,
        workflow_ids: &[String],
    ) -> StoreResult<Vec<String>> {
        let family = transaction.query("find children", FAMILY, params![workflow_ids]);
        ids(family.await?)
    }
}

/// Deletes workflows in a transaction; says which were there.
pub(super) async fn delete(
    transaction: &mut Transaction,
    workflow_ids: &[String],
) -> StoreResult<Vec<String>> {
    let mut deleted = Vec::new();
    for statement in DELETE {
        let rows = transaction
            .query(INTENT, statement, params![workflow_ids])
            .await?;
        deleted.extend(ids(rows)?);
    }
    Ok(deleted)
}
