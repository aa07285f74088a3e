::core::compile_error! {
    "a workflow cannot be generic: after a crash it is found by its name, and nothing says what `T` was\nhelp: name the type, or write one workflow a type and put what they share into a generic step or function"
}
::core::compile_error! {
    "a workflow owns its context: the runtime makes one for each run\nhelp: write `ctx: WorkflowContext` without the `&`"
}
::core::compile_error! {
    "a workflow cannot borrow its arguments: they are recorded, and read back after a crash\nhelp: own it: `String` instead of `&str`"
}
::core::compile_error! {
    "a workflow returns a `Result`: its error is recorded like its value\nhelp: write `-> Result<()>` if there is no value to return"
}
#[allow(unused_variables)]
/// A durable workflow: run it with `ingest(&durable, name).await?`, or as a child of another with `ingest(&ctx, name).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn ingest<'durable, T: 'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
    name: &'durable str,
) -> ::durable_runtime::WorkflowCall<'durable, ingest> {
    ::core::unreachable!()
}
/// The workflow [`ingest`](fn@ingest) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct ingest {}
impl ::durable_runtime::Workflow for ingest {
    type Input = ();
    type Output = ();
    type Error = ::durable_runtime::Error;
    const NAME: &'static str = "ingest";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::None;
    const ROLES: &'static [&'static str] = &[];
    const PARAMETERS: &'static [&'static str] = &[];
    const VERSION: &'static str = "";
    const MAX_RECOVERY_ATTEMPTS: u32 = 0;
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 0,
        hash: "",
        sites: &[],
        joints: &[],
        edges: &[],
        parts: &[],
        awaits_others: false,
    };
    fn error_codec() -> ::durable_runtime::__private::ErrorCodec<Self::Error> {
        ::durable_runtime::__private::error_codec()
    }
    fn run(
        __durable_context: ::durable_runtime::WorkflowContext,
        __durable_input: Self::Input,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<Self::Output, Self::Error>,
    > + ::core::marker::Send {
        async move { ::core::unreachable!() }
    }
}
