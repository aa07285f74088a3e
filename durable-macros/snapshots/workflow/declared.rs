/// Ingests one file.
#[workflow]
#[cfg(unix)]
pub async fn ingest_file(ctx: WorkflowContext, file: FileInfo, mut n: u32) -> Result<Report> {
    let text = load(&ctx, file).await?;
    for chunk in text.chunks() {
        if chunk.is_long() {
            embed(&ctx, chunk).await?;
        }
        n += embed(&ctx, chunk).await?;
    }
    ctx.sleep(Duration::from_secs(1)).await;
    Ok(Report { n })
}
