#[workflow(class = "interop", name = "echoWorkflow", roles("admin", "editor"), raw)]
async fn echo(ctx: WorkflowContext, mut arguments: Passed) -> Result<usize> {
    arguments.named.clear();
    Ok(arguments.positional.len())
}
