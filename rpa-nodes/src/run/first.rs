//! What a trigger found when it looked for the first time.

use durable_runtime::prelude::*;

use super::failure::RunError;

/// What a trigger found when it looked for the first time, in whatever process. It is no news.
#[workflow]
pub async fn first_found(
    _ctx: WorkflowContext,
    found: Vec<String>,
) -> Result<Vec<String>, RunError> {
    Ok(found)
}
