//! The recorded steps of workflows.

use std::collections::HashMap;

use super::row::StepRow;
use super::sql::params;
use super::{Store, StoreResult};

const HISTORY: &str = "
    SELECT workflow_uuid, function_id, function_name, output, error, child_workflow_id, serialization
    FROM dbos.operation_outputs WHERE workflow_uuid IN {each:$1}
    ORDER BY workflow_uuid, function_id";

impl dyn Store {
    /// The recorded steps of a workflow, in order.
    pub(crate) async fn steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRow>> {
        let mut histories = self.histories(&[workflow_id]).await?;
        Ok(histories.remove(workflow_id).unwrap_or_default())
    }

    /// The recorded steps of these workflows, by workflow.
    pub(crate) async fn histories(
        &self,
        workflow_ids: &[&str],
    ) -> StoreResult<HashMap<String, Vec<StepRow>>> {
        let mut histories: HashMap<String, Vec<StepRow>> = HashMap::new();
        for mut row in self
            .read("read steps", HISTORY, params![workflow_ids])
            .await?
        {
            histories.entry(row.take(0)?).or_default().push(StepRow {
                position: row.take(1)?,
                name: row.take(2)?,
                output: row.take(3)?,
                error: row.take(4)?,
                child_workflow_id: row.take(5)?,
                serialization: row.take(6)?,
            });
        }
        Ok(histories)
    }
}
