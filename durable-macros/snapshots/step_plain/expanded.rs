/// Embeds texts.
///
/// A durable step: in a workflow, call it with `embed(&ctx, texts, model).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
pub fn embed<'durable>(
    __durable_caller: impl ::durable_runtime::__private::StepCaller<'durable>,
    texts: Vec<String>,
    model: &'durable str,
) -> ::durable_runtime::StepCall<
    'durable,
    <Result<Vec<f32>> as ::durable_runtime::__private::StepResult>::Value,
    <Result<Vec<f32>> as ::durable_runtime::__private::StepResult>::Error,
> {
    #[allow(clippy::unused_async)]
    #[tracing::instrument(skip_all)]
    async fn embed(
        ctx: StepContext,
        texts: Vec<String>,
        model: &str,
    ) -> Result<Vec<f32>> {
        ctx.client().embed(&texts, model).await
    }
    ::durable_runtime::__private::step(
        __durable_caller,
        ::durable_runtime::__private::StepOptions {
            name: "embed",
            pure: true,
            max_attempts: 1,
            interval_ms: 1000,
            backoff_rate: 2.0,
            max_interval_ms: 3600000,
            timeout_ms: ::core::option::Option::Some(30000),
        },
        move |__durable_context| embed(__durable_context, texts, model),
    )
}
