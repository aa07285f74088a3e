//! Puts off starts that wait on a queue, with newer arguments.

use serde::{Deserialize, Serialize};

use super::sql::{Row, first, params};
use super::{StoreResult, Transaction};

/// What is to be put off.
#[derive(Debug, Clone)]
pub(crate) struct Bounce {
    pub(crate) workflow_name: String,
    pub(crate) queue: String,
    pub(crate) deduplication_id: String,
    /// In milliseconds since the Unix epoch; not beyond what the first start allowed.
    pub(crate) delay_until: i64,
    pub(crate) input: String,
    pub(crate) serialization: &'static str,
    /// Those of this application and those of none, which become its own; without a name those of all.
    pub(crate) application: Option<String>,
}

/// What was found under the key, as it is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounced {
    /// The workflow that was put off.
    pub(crate) bounced_workflow_id: Option<String>,
    /// Otherwise the one that holds the key, if any.
    pub(crate) holder_workflow_id: Option<String>,
    pub(crate) holder_is_debounced: bool,
    pub(crate) holder_workflow_name: Option<String>,
    pub(crate) holder_application_name: Option<String>,
}

const BOUNCE: &str = "
    UPDATE dbos.workflow_status
    SET delay_until_epoch_ms = CASE WHEN debounce_deadline_epoch_ms < $4
                                    THEN debounce_deadline_epoch_ms ELSE $4 END,
        serialization = $5, updated_at = {now},
        application_name = COALESCE(application_name, $6)
    WHERE name = $1 AND queue_name = $2 AND deduplication_id = $3 AND status = 'DELAYED'
      AND is_debounced = TRUE
      AND ($6 IS NULL OR application_name IS NULL OR application_name = $6)
    RETURNING workflow_uuid";

const INPUT: &str = "
    INSERT INTO dbos.workflow_input (workflow_uuid, inputs) VALUES ($1, $2)
    ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = excluded.inputs";

const HOLDER: &str = "
    SELECT workflow_uuid, is_debounced, name, application_name FROM dbos.workflow_status
    WHERE queue_name = $1 AND deduplication_id = $2";

impl Transaction {
    /// Puts the waiting start of a key off and gives it these arguments; or tells what else holds the key.
    pub(crate) async fn bounce(&mut self, bounce: &Bounce) -> StoreResult<Bounced> {
        const INTENT: &str = "put a debounced start off";
        let (queue, key) = (&bounce.queue, &bounce.deduplication_id);
        let params = params![
            &bounce.workflow_name,
            queue,
            key,
            bounce.delay_until,
            bounce.serialization,
            &bounce.application,
        ];
        let bounced = self.query(INTENT, BOUNCE, params).await?;
        if let Some(id) = first::<String>(bounced)? {
            self.query(INTENT, INPUT, params![&id, &bounce.input])
                .await?;
            return Ok(Bounced {
                bounced_workflow_id: Some(id),
                ..Bounced::default()
            });
        }
        let holder = self.query(INTENT, HOLDER, params![queue, key]).await?;
        holder
            .into_iter()
            .next()
            .map_or(Ok(Bounced::default()), held)
    }
}

fn held(mut row: Row) -> StoreResult<Bounced> {
    Ok(Bounced {
        bounced_workflow_id: None,
        holder_workflow_id: row.take(0)?,
        holder_is_debounced: row.take(1)?,
        holder_workflow_name: row.take(2)?,
        holder_application_name: row.take(3)?,
    })
}
