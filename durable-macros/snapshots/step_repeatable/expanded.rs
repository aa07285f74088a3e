#[cfg(feature = "fetch")]
/// A durable step: in a workflow, call it with `fetch(&ctx, url).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn fetch<'durable>(
    __durable_caller: impl ::durable_runtime::__private::StepCaller<'durable>,
    url: Url,
) -> ::durable_runtime::StepCall<
    'durable,
    <Result<Page, FetchError> as ::durable_runtime::__private::StepResult>::Value,
    <Result<Page, FetchError> as ::durable_runtime::__private::StepResult>::Error,
    ::durable_runtime::RunsAgain,
> {
    #[allow(clippy::unused_async)]
    async fn fetch(ctx: StepContext, url: Url) -> Result<Page, FetchError> {
        get(&url).await
    }
    let __durable_retry_if: fn(
        &<Result<Page, FetchError> as ::durable_runtime::__private::StepResult>::Error,
    ) -> bool = |error| error.is_transient();
    ::durable_runtime::__private::repeatable_step(
        __durable_caller,
        ::durable_runtime::__private::StepOptions {
            name: "fetch page",
            pure: false,
            max_attempts: 3,
            interval_ms: 250,
            backoff_rate: 1.5,
            max_interval_ms: 300000,
            timeout_ms: ::core::option::Option::None,
        },
        ::core::option::Option::Some(__durable_retry_if),
        move |__durable_context| fetch(
            __durable_context,
            ::durable_runtime::__private::Repeatable::again(&url),
        ),
    )
}
