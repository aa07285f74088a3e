/// A durable step: in a workflow, call it with `store(&ctx, key, values, format).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn store<'durable, 'a: 'durable, T: 'durable, const N: usize>(
    __durable_caller: impl renamed::durable::__private::StepCaller<'durable>,
    key: Cow<'durable, str>,
    values: &'a [T; N],
    format: impl Fn(&T) -> String + Send + 'durable,
) -> renamed::durable::StepCall<
    'durable,
    <Result<usize> as renamed::durable::__private::StepResult>::Value,
    <Result<usize> as renamed::durable::__private::StepResult>::Error,
>
where
    T: Serialize + Sync,
{
    #[allow(clippy::unused_async)]
    #[allow(clippy::needless_lifetimes)]
    async fn store<'a, T, const N: usize>(
        _: StepContext,
        mut key: Cow<'_, str>,
        values: &'a [T; N],
        format: impl Fn(&T) -> String + Send,
    ) -> Result<usize>
    where
        T: Serialize + Sync,
    {
        put(&mut key, values, format).await
    }
    renamed::durable::__private::step(
        __durable_caller,
        renamed::durable::__private::StepOptions {
            name: "store",
            pure: false,
            max_attempts: 1,
            interval_ms: 1000,
            backoff_rate: 2.0,
            max_interval_ms: 3600000,
            timeout_ms: ::core::option::Option::None,
        },
        move |__durable_context| store::<T, N>(__durable_context, key, values, format),
    )
}
