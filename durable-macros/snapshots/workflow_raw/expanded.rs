/// A durable workflow: run it with `echo(&durable, arguments).await?`, or as a child of another with `echo(&ctx, arguments).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn echo<'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
    arguments: Passed,
) -> ::durable_runtime::WorkflowCall<'durable, echo> {
    ::durable_runtime::__private::workflow(__durable_caller, arguments)
}
/// The workflow [`echo`](fn@echo) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct echo {}
impl ::durable_runtime::Workflow for echo {
    type Input = Passed;
    type Output = <Result<usize> as ::durable_runtime::__private::StepResult>::Value;
    type Error = <Result<usize> as ::durable_runtime::__private::StepResult>::Error;
    const NAME: &'static str = "echoWorkflow";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::Some(
        "interop",
    );
    const ROLES: &'static [&'static str] = &["admin", "editor"];
    const PARAMETERS: &'static [&'static str] = &[];
    const VERSION: &'static str = "c427f7fcda61c8599ff3660ab70ff5b3";
    const MAX_RECOVERY_ATTEMPTS: u32 = 100;
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 2,
        hash: "c427f7fcda61c8599ff3660ab70ff5b3",
        sites: &[],
        joints: &[],
        edges: &[
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Start,
                ::durable_runtime::Node::End,
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
        ],
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
        let arguments = __durable_input;
        echo::echo(__durable_context, arguments)
    }
}
impl echo {
    #[allow(clippy::unused_async)]
    async fn echo(ctx: WorkflowContext, mut arguments: Passed) -> Result<usize> {
        arguments.named.clear();
        Ok(arguments.positional.len())
    }
}
