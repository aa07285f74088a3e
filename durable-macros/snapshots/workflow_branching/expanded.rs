/// A durable workflow: run it with `branching(&durable, order).await?`, or as a child of another with `branching(&ctx, order).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
fn branching<'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
    order: u64,
) -> ::durable_runtime::WorkflowCall<'durable, branching> {
    ::durable_runtime::__private::workflow(__durable_caller, (order,))
}
/// The workflow [`branching`](fn@branching) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct branching {}
impl ::durable_runtime::Workflow for branching {
    type Input = (u64,);
    type Output = <Result<()> as ::durable_runtime::__private::StepResult>::Value;
    type Error = <Result<()> as ::durable_runtime::__private::StepResult>::Error;
    const NAME: &'static str = "branching";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::None;
    const ROLES: &'static [&'static str] = &[];
    const PARAMETERS: &'static [&'static str] = &["order"];
    const VERSION: &'static str = "7";
    const MAX_RECOVERY_ATTEMPTS: u32 = 100;
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 2,
        hash: "face7382b7813a4a1e08d183d25591a1",
        sites: &[
            ::durable_runtime::__private::site(
                "look_up",
                "look_up",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                3,
                11,
            ),
            ::durable_runtime::__private::site(
                "match#1/arm#1/join#1/charge",
                "charge",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                4,
                28,
            ),
            ::durable_runtime::__private::site(
                "match#1/arm#1/join#1/notify",
                "notify",
                ::durable_runtime::SiteKind::Child,
                ::core::file!(),
                4,
                49,
            ),
            ::durable_runtime::__private::site(
                "while#1/ready",
                "ready",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                7,
                12,
            ),
            ::durable_runtime::__private::site(
                "while#1/sleep",
                "sleep",
                ::durable_runtime::SiteKind::Operation,
                ::core::file!(),
                8,
                13,
            ),
        ],
        joints: &[
            ::durable_runtime::__private::joint(
                ::durable_runtime::JointKind::Fork,
                "join!",
                4,
            ),
            ::durable_runtime::__private::joint(
                ::durable_runtime::JointKind::Join,
                "all done",
                4,
            ),
            ::durable_runtime::__private::joint(
                ::durable_runtime::JointKind::Loop,
                "while",
                7,
            ),
        ],
        edges: &[
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Start,
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Way::Next,
                ::core::option::Option::Some("Ok(found)"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Node::Error,
                ::durable_runtime::Way::Return,
                ::core::option::Option::Some("Err(error)"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Node::Site(1),
                ::durable_runtime::Way::Fork,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Node::Site(2),
                ::durable_runtime::Way::Fork,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(1),
                ::durable_runtime::Node::Joint(1),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(2),
                ::durable_runtime::Node::Joint(1),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(1),
                ::durable_runtime::Node::Joint(2),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(2),
                ::durable_runtime::Node::Site(3),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(3),
                ::durable_runtime::Node::Error,
                ::durable_runtime::Way::Fail,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(3),
                ::durable_runtime::Node::Site(4),
                ::durable_runtime::Way::Next,
                ::core::option::Option::Some("no"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(3),
                ::durable_runtime::Node::End,
                ::durable_runtime::Way::Next,
                ::core::option::Option::Some("yes"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(4),
                ::durable_runtime::Node::Joint(2),
                ::durable_runtime::Way::Again,
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
        let (order,) = __durable_input;
        branching::branching(__durable_context, order)
    }
}
impl branching {
    #[allow(clippy::unused_async)]
    async fn branching(ctx: WorkflowContext, order: u64) -> Result<()> {
        match look_up(&ctx, order).await {
            Ok(found) => join!(charge(& ctx, found), notify(& ctx, found).start()),
            Err(error) => return Err(error),
        };
        while !ready(&ctx).await? {
            ctx.sleep(SECOND).await;
        }
        Ok(())
    }
}
