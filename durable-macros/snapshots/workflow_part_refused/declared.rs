#[workflow_part]
fn pay(ctx: WorkflowContext, order: u64) -> Option<u64> {
    None
}
