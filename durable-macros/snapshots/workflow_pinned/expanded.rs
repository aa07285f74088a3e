/// A durable workflow: run it with `nightly(&durable).await?`, or as a child of another with `nightly(&ctx).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn nightly<'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
) -> ::durable_runtime::WorkflowCall<'durable, nightly> {
    ::durable_runtime::__private::workflow(__durable_caller, ())
}
/// The workflow [`nightly`](fn@nightly) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct nightly {}
impl ::durable_runtime::Workflow for nightly {
    type Input = ();
    type Output = <Result<
        (),
        ReportError,
    > as ::durable_runtime::__private::StepResult>::Value;
    type Error = <Result<
        (),
        ReportError,
    > as ::durable_runtime::__private::StepResult>::Error;
    const NAME: &'static str = "nightly report";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::None;
    const ROLES: &'static [&'static str] = &[];
    const PARAMETERS: &'static [&'static str] = &[];
    const VERSION: &'static str = "2";
    const MAX_RECOVERY_ATTEMPTS: u32 = 50;
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 2,
        hash: "71765634de0d607ce7079568d1608851",
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
        let () = __durable_input;
        nightly::nightly(__durable_context)
    }
}
impl nightly {
    #[allow(clippy::unused_async)]
    async fn nightly(ctx: WorkflowContext) -> Result<(), ReportError> {
        Ok(())
    }
}
