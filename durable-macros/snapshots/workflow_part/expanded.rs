/// Pays.
#[tracing::instrument(skip_all)]
pub(crate) async fn pay<T: Payment>(
    ctx: &WorkflowContext,
    order: &Order<T>,
) -> Result<Receipt> {
    let held = reserve(ctx, order).await?;
    charge(ctx, held).await
}
/// What is known of the code of [`pay`](fn@pay): for `parts(pay)` where it is called.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
pub(crate) struct pay {}
impl ::durable_runtime::WorkflowPart for pay {
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 4,
        hash: "7b0f12f4d0a682408170dddaeda58ea3",
        sites: &[
            ::durable_runtime::__private::site(
                "reserve",
                "reserve",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                5,
                16,
            ),
            ::durable_runtime::__private::site(
                "charge",
                "charge",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                6,
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
        parts: &[],
        awaits_others: false,
    };
}
