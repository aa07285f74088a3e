#[cfg(unix)]
/// Ingests one file.
///
/// A durable workflow: run it with `ingest_file(&durable, file, n).await?`, or as a child of another with `ingest_file(&ctx, file, n).await?`.
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
#[track_caller]
pub fn ingest_file<'durable>(
    __durable_caller: impl ::durable_runtime::__private::WorkflowCaller<'durable>,
    file: FileInfo,
    n: u32,
) -> ::durable_runtime::WorkflowCall<'durable, ingest_file> {
    ::durable_runtime::__private::workflow(__durable_caller, (file, n))
}
#[cfg(unix)]
/// The workflow [`ingest_file`](fn@ingest_file) as a type: what it is registered and looked up by.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
pub struct ingest_file {}
#[cfg(unix)]
impl ::durable_runtime::Workflow for ingest_file {
    type Input = (FileInfo, u32);
    type Output = <Result<Report> as ::durable_runtime::__private::StepResult>::Value;
    type Error = <Result<Report> as ::durable_runtime::__private::StepResult>::Error;
    const NAME: &'static str = "ingest_file";
    const CLASS: ::core::option::Option<&'static str> = ::core::option::Option::None;
    const ROLES: &'static [&'static str] = &[];
    const PARAMETERS: &'static [&'static str] = &["file", "n"];
    const VERSION: &'static str = "d733a6162677268c2ac5be3aba674ad2";
    const MAX_RECOVERY_ATTEMPTS: u32 = 100;
    const CODE: &'static ::durable_runtime::Code = &::durable_runtime::Code {
        file: ::core::file!(),
        line: 4,
        hash: "d733a6162677268c2ac5be3aba674ad2",
        sites: &[
            ::durable_runtime::__private::site(
                "load",
                "load",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                5,
                16,
            ),
            ::durable_runtime::__private::site(
                "for#1/if#1/embed",
                "embed",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                8,
                13,
            ),
            ::durable_runtime::__private::site(
                "for#1/embed",
                "embed",
                ::durable_runtime::SiteKind::Call,
                ::core::file!(),
                10,
                14,
            ),
            ::durable_runtime::__private::site(
                "sleep",
                "sleep",
                ::durable_runtime::SiteKind::Operation,
                ::core::file!(),
                12,
                9,
            ),
        ],
        joints: &[
            ::durable_runtime::__private::joint(
                ::durable_runtime::JointKind::Loop,
                "for chunk in text.chunks()",
                6,
            ),
            ::durable_runtime::__private::joint(
                ::durable_runtime::JointKind::Choice,
                "if chunk.is_long()",
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
                ::durable_runtime::Node::Error,
                ::durable_runtime::Way::Fail,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(0),
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Node::Joint(1),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Node::Site(3),
                ::durable_runtime::Way::Next,
                ::core::option::Option::Some("done"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(1),
                ::durable_runtime::Node::Site(1),
                ::durable_runtime::Way::Next,
                ::core::option::Option::Some("yes"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Joint(1),
                ::durable_runtime::Node::Site(2),
                ::durable_runtime::Way::Next,
                ::core::option::Option::Some("no"),
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(1),
                ::durable_runtime::Node::Error,
                ::durable_runtime::Way::Fail,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(1),
                ::durable_runtime::Node::Site(2),
                ::durable_runtime::Way::Next,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(2),
                ::durable_runtime::Node::Error,
                ::durable_runtime::Way::Fail,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(2),
                ::durable_runtime::Node::Joint(0),
                ::durable_runtime::Way::Again,
                ::core::option::Option::None,
            ),
            ::durable_runtime::__private::edge(
                ::durable_runtime::Node::Site(3),
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
        let (file, n) = __durable_input;
        ingest_file::ingest_file(__durable_context, file, n)
    }
}
#[cfg(unix)]
impl ingest_file {
    #[allow(clippy::unused_async)]
    async fn ingest_file(
        ctx: WorkflowContext,
        file: FileInfo,
        mut n: u32,
    ) -> Result<Report> {
        let text = load(&ctx, file).await?;
        for chunk in text.chunks() {
            if chunk.is_long() {
                embed(&ctx, chunk).await?;
            }
            n += embed(&ctx, chunk).await?;
        }
        ctx.sleep(Duration::from_secs(1)).await;
        Ok(Report { n })
    }
}
