#[workflow(name = "nightly report", version = "2", max_recovery_attempts = 50)]
async fn nightly(ctx: WorkflowContext) -> Result<(), ReportError> {
    Ok(())
}
