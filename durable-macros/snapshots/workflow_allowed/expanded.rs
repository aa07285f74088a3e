/// A durable workflow: run it with `watched(&durable, file).await?`, or as a child of another with `watched(&ctx, file).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn watched<'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
    file: String,
) -> ::durable_runtime::WorkflowCall<'durable, watched> {
    ::durable_runtime::__private::workflow(__durable_caller, (file,))
}
/// The workflow [`watched`](fn@watched) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct watched {}
impl ::durable_runtime::Workflow for watched {
    type Input = (String,);
    type Output = <anyhow::Result<
        usize,
    > as ::durable_runtime::__private::StepResult>::Value;
    type Error = <anyhow::Result<
        usize,
    > as ::durable_runtime::__private::StepResult>::Error;
    const NAME: &'static str = "watched";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::None;
    const ROLES: &'static [&'static str] = &[];
    const PARAMETERS: &'static [&'static str] = &["file"];
    const VERSION: &'static str = "47568e53b88e230b8a880b9606013cb6";
    const MAX_RECOVERY_ATTEMPTS: u32 = 100;
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 2,
        hash: "47568e53b88e230b8a880b9606013cb6",
        sites: &[
            ::durable_runtime::__private::site(
                "load",
                "load",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                5,
                16,
            ),
        ],
        joints: &[],
        edges: &[
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Start,
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Node::Error,
                ::durable_runtime::Way::Fail,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Node::End,
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
        ],
        parts: &[],
        awaits_others: true,
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
        let (file,) = __durable_input;
        watched::watched(__durable_context, file)
    }
}
impl watched {
    #[allow(clippy::unused_async)]
    async fn watched(ctx: WorkflowContext, file: String) -> anyhow::Result<usize> {
        let began = Instant::now();
        let size = load(&ctx, file).await?;
        report(began).await;
        Ok(size)
    }
}
