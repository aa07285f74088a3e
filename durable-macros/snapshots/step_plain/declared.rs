/// Embeds texts.
#[step(timeout = "30s", pure)]
#[tracing::instrument(skip_all)]
pub async fn embed(ctx: StepContext, texts: Vec<String>, model: &str) -> Result<Vec<f32>> {
    ctx.client().embed(&texts, model).await
}
