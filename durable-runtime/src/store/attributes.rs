//! What is noted about a workflow, after its start.

use super::sql::params;
use super::{Store, StoreResult};

const INTENT: &str = "write the attributes of a workflow";

const SET: &str = "
    UPDATE dbos.workflow_status SET attributes = {pg:$2::jsonb}{lite:$2}, updated_at = {now}
    WHERE workflow_uuid = $1";

/// The keys given take the place of those that are there. SQLite's own merge goes deeper, and takes null for a deletion.
const MERGE: &str = "
    UPDATE dbos.workflow_status
    SET updated_at = {now}, attributes =
    {pg:CASE WHEN jsonb_typeof(attributes) = 'object' THEN attributes ELSE jsonb_build_object() END
        || $2::jsonb}
    {lite:(SELECT json_group_object(key, CASE WHEN type IN ('object', 'array') THEN json(value)
                                              WHEN type IN ('true', 'false') THEN json(type)
                                              ELSE value END)
           FROM (SELECT key, type, value
                 FROM json_each(CASE WHEN json_type(attributes) = 'object' THEN attributes
                                     ELSE json_object() END)
                 WHERE key NOT IN (SELECT key FROM json_each($2))
                 UNION ALL SELECT key, type, value FROM json_each($2)))}
    WHERE workflow_uuid = $1";

impl dyn Store {
    /// Replaces the attributes, a JSON object; none takes them away.
    pub(crate) async fn set_attributes(
        &self,
        workflow_id: &str,
        attributes: Option<&str>,
    ) -> StoreResult<()> {
        self.write(INTENT, SET, params![workflow_id, attributes])
            .await?;
        Ok(())
    }

    /// Adds attributes, a JSON object; what has the same keys is replaced.
    pub(crate) async fn merge_attributes(
        &self,
        workflow_id: &str,
        attributes: &str,
    ) -> StoreResult<()> {
        self.write(INTENT, MERGE, params![workflow_id, attributes])
            .await?;
        Ok(())
    }
}
