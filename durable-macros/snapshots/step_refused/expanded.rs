::core::compile_error! {
    "`#[step]` has no option `colour`\nhelp: the options are `name`, `max_attempts`, `interval`, `backoff_rate`, `max_interval`, `retry_if`, `timeout`, `pure`, `crate`"
}
::core::compile_error! {
    "`soon` is not a duration: it does not start with a whole number\nhelp: write a whole number and a unit, `ms`, `s`, `m`, `h` or `d`: `\"250ms\"`, `\"1s\"`, `\"5m\"`, `\"1h\"`"
}
::core::compile_error! {
    "`interval` says how to try again, and without `max_attempts` this step is tried once\nhelp: add `max_attempts = 3`, or leave `interval` out"
}
::core::compile_error! {
    "a step is an `async fn`: its caller waits for the record of it, not only for its body\nhelp: write `async fn embed(…)`; a body that never awaits is fine"
}
::core::compile_error! {
    "the context is missing: every step takes a `StepContext` first\nhelp: write `async fn embed(ctx: StepContext, …)`"
}
::core::compile_error! {
    "a step cannot change what it borrows: on replay its body does not run, and the change would be missing\nhelp: take it by value or by `&`, and return what has changed"
}
::core::compile_error! {
    "the arguments of a step need names: callers and records know them by name\nhelp: write `argument: (u32, u32)`, and `let (low, high) = argument;` in the body"
}
#[allow(unused_variables)]
/// A durable step: in a workflow, call it with `embed(&ctx, texts, __durable_argument_1).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn embed<'durable>(
    __durable_caller: impl ::durable_runtime::__private::StepCaller<'durable>,
    texts: &'durable mut Vec<String>,
    __durable_argument_1: (u32, u32),
) -> ::durable_runtime::StepCall<
    'durable,
    <Result<Vec<f32>> as ::durable_runtime::__private::StepResult>::Value,
    <Result<Vec<f32>> as ::durable_runtime::__private::StepResult>::Error,
> {
    ::core::unreachable!()
}
