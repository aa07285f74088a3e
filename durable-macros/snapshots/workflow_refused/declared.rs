#[workflow]
async fn ingest<T>(ctx: &WorkflowContext, name: &str) {}
