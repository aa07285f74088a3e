#[workflow]
async fn watched(ctx: WorkflowContext, file: String) -> anyhow::Result<usize> {
    #[allow_nondeterminism(reason = "how long it takes is only logged")]
    let began = Instant::now();
    let size = load(&ctx, file).await?;
    #[allow_nondeterminism(reason = "nobody waits for the answer")]
    report(began).await;
    Ok(size)
}
