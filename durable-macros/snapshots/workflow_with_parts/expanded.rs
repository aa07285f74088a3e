/// A durable workflow: run it with `checkout(&durable, order).await?`, or as a child of another with `checkout(&ctx, order).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn checkout<'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
    order: u64,
) -> ::durable_runtime::WorkflowCall<'durable, checkout> {
    ::durable_runtime::__private::workflow(__durable_caller, (order,))
}
/// The workflow [`checkout`](fn@checkout) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct checkout {}
impl ::durable_runtime::Workflow for checkout {
    type Input = (u64,);
    type Output = <Result<()> as ::durable_runtime::__private::StepResult>::Value;
    type Error = <Result<()> as ::durable_runtime::__private::StepResult>::Error;
    const NAME: &'static str = "checkout";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::None;
    const ROLES: &'static [&'static str] = &[];
    const PARAMETERS: &'static [&'static str] = &["order"];
    const VERSION: &'static str = <Self as ::durable_runtime::Workflow>::CODE.hash;
    const MAX_RECOVERY_ATTEMPTS: u32 = 100;
    const CODE: &'static ::durable_runtime::Code = {
        const __DURABLE_PARTS: &[::durable_runtime::PartCode] = &[
            ::durable_runtime::__private::part(
                "pay",
                <pay as ::durable_runtime::WorkflowPart>::CODE,
                &[0],
            ),
            ::durable_runtime::__private::part(
                "ship",
                <orders::ship as ::durable_runtime::WorkflowPart>::CODE,
                &[1],
            ),
        ];
        const __DURABLE_HASH: &[u8; 32] = &::durable_runtime::__private::combined(
            "b36e23795ff2d51a4c3a20b4ae59f363",
            __DURABLE_PARTS,
        );
        &::durable_runtime::Code {
            file: ::core::file!(),
            line: 2,
            hash: ::durable_runtime::__private::hash_text(__DURABLE_HASH),
            sites: &[
                ::durable_runtime::__private::site(
                    "pay",
                    "pay",
                    ::durable_runtime::SiteKind::Call,
                    ::core::file!(),
                    3,
                    5,
                ),
                ::durable_runtime::__private::site(
                    "ship",
                    "ship",
                    ::durable_runtime::SiteKind::Call,
                    ::core::file!(),
                    4,
                    5,
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
                    ::durable_runtime::Node::Site(1),
                    ::durable_runtime::Way::Next,
                    ::core::option::Option::None,
                ),
                ::durable_runtime::__private::edge(
                    ::durable_runtime::Node::Site(1),
                    ::durable_runtime::Node::End,
                    ::durable_runtime::Way::Next,
                    ::core::option::Option::None,
                ),
            ],
            parts: __DURABLE_PARTS,
            awaits_others: false,
        }
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
        let (order,) = __durable_input;
        checkout::checkout(__durable_context, order)
    }
}
impl checkout {
    #[allow(clippy::unused_async)]
    async fn checkout(ctx: WorkflowContext, order: u64) -> Result<()> {
        pay(&ctx, order).await?;
        crate::orders::ship(&ctx, order).await
    }
}
