/// Saves a document.
///
/// A durable transaction: in a workflow, call it with `save(&ctx, document).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
pub(crate) fn save<'durable>(
    __durable_caller: impl ::durable_runtime::__private::StepCaller<'durable>,
    document: &'durable Document,
) -> ::durable_runtime::StepCall<
    'durable,
    <Result<u64> as ::durable_runtime::__private::StepResult>::Value,
    <Result<u64> as ::durable_runtime::__private::StepResult>::Error,
    ::durable_runtime::RunsInTransaction,
> {
    #[allow(clippy::unused_async)]
    async fn save(
        #[allow(unused_mut)]
        mut ctx: TransactionContext,
        document: &Document,
    ) -> Result<u64> {
        document.insert(ctx.connection()).await
    }
    ::durable_runtime::__private::transaction(
        __durable_caller,
        ::durable_runtime::__private::StepOptions {
            name: "save",
            pure: false,
            max_attempts: 5,
            interval_ms: 1000,
            backoff_rate: 2.0,
            max_interval_ms: 3600000,
            timeout_ms: ::core::option::Option::None,
        },
        ::core::option::Option::None,
        move |__durable_context| save(
            __durable_context,
            ::durable_runtime::__private::Repeatable::again(&document),
        ),
    )
}
