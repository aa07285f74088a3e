use quote::{ToTokens, quote};

use super::Signature;
use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::role::Role::{self, Step, Transaction, Workflow};

fn read(role: Role, source: &str) -> (Signature, Vec<String>) {
    let function: Function = syn::parse_str(&format!("{source} {{}}")).unwrap();
    let mut diagnostics = Diagnostics::default();
    let signature = Signature::read(role, &function, &mut diagnostics);
    (signature, diagnostics.messages())
}

#[test]
fn accepts_what_is_documented() {
    for (role, source) in [
        (Step, "async fn f(ctx: StepContext) -> Result<()>"),
        (
            Step,
            "async fn f(_: durable_runtime::StepContext, a: u8) -> anyhow::Result<()>",
        ),
        (
            Step,
            "async fn f(mut _ctx: StepContext, mut a: &[&str], b: Cow<'_, str>) -> io::Result<u8>",
        ),
        (
            Step,
            "async fn f<'a, T: Value, const N: usize>(ctx: StepContext, a: &'a [T; N]) -> Result<T, E>",
        ),
        (
            Step,
            "async fn f(ctx: StepContext, a: impl Fn(&mut u8) + Send, b: fn(&mut u8)) -> Outcome",
        ),
        (
            Transaction,
            "pub async fn f(ctx: TransactionContext, a: &Document) -> Result<u64>",
        ),
        (
            Workflow,
            "pub(crate) async fn f(ctx: WorkflowContext, a: Vec<u8>, b: Cow<'static, str>) -> Result<u64>",
        ),
    ] {
        let (signature, messages) = read(role, source);
        assert_eq!(messages, [""; 0], "{source}");
        assert!(signature.context.is_some() && signature.output.is_some());
    }
}

#[test]
fn refuses_one_mistake_with_one_message() {
    for (role, source, problem, instead) in [
        (
            Step,
            "fn f(ctx: StepContext) -> Result<()>",
            "a step is an `async fn`",
            "write `async fn f(…)`",
        ),
        (
            Step,
            "async unsafe fn f(ctx: StepContext) -> Result<()>",
            "cannot be `unsafe`",
            "leave `unsafe` out",
        ),
        (
            Step,
            "async extern \"C\" fn f(ctx: StepContext) -> Result<()>",
            "cannot be `extern`",
            "leave `extern` out",
        ),
        (
            Step,
            "const async fn f(ctx: StepContext) -> Result<()>",
            "cannot be `const`",
            "leave `const` out",
        ),
        (
            Step,
            "async fn f() -> Result<()>",
            "the context is missing",
            "write `async fn f(ctx: StepContext)`",
        ),
        (
            Step,
            "async fn f(a: u8) -> Result<()>",
            "the context is missing",
            "write `async fn f(ctx: StepContext, …)`",
        ),
        (
            Step,
            "async fn f(a: u8, ctx: StepContext) -> Result<()>",
            "the context comes first",
            "move `ctx: StepContext`",
        ),
        (
            Step,
            "async fn f(&self, ctx: StepContext) -> Result<()>",
            "cannot take `self`",
            "make it a free function",
        ),
        (
            Step,
            "async fn f(ctx: WorkflowContext) -> Result<()>",
            "only a workflow may make durable calls",
            "or make this a `#[workflow]`",
        ),
        (
            Step,
            "async fn f(ctx: TransactionContext) -> Result<()>",
            "only a transaction runs inside",
            "write `ctx: StepContext`",
        ),
        (
            Step,
            "async fn f(ctx: &StepContext) -> Result<()>",
            "owns its context",
            "without the `&`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext, a: &mut Vec<u8>) -> Result<()>",
            "cannot change what it borrows",
            "return what has changed",
        ),
        (
            Step,
            "async fn f(ctx: StepContext, (a, b): (u8, u8)) -> Result<()>",
            "need names",
            "`let (a, b) = argument;`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext, _: u8) -> Result<()>",
            "need names",
            "write `_name: u8`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext, #[cfg(unix)] a: u8) -> Result<()>",
            "the same arguments in every build",
            "take an `Option`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext)",
            "returns a `Result`",
            "write `-> Result<()>`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext) -> ()",
            "returns a `Result`",
            "write `-> Result<()>`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext) -> Option<u8>",
            "returns a `Result`",
            "write `-> Result<Option<u8>>`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext) -> (u8, u8)",
            "returns a `Result`",
            "write `-> Result<(u8, u8)>`",
        ),
        (
            Step,
            "async fn f(ctx: StepContext, a: &str) -> Result<&str>",
            "cannot return a borrow",
            "owns its data",
        ),
        (
            Step,
            "#[durable::workflow] async fn f(ctx: StepContext) -> Result<()>",
            "cannot be a workflow as well",
            "keep one",
        ),
        (
            Transaction,
            "async fn f(ctx: StepContext) -> Result<()>",
            "a transaction takes a `TransactionContext`",
            "or make this a `#[step]`",
        ),
        (
            Workflow,
            "async fn f<T>(ctx: WorkflowContext, a: T) -> Result<()>",
            "nothing says what `T` was",
            "name the type",
        ),
        (
            Workflow,
            "async fn f<const N: usize>(ctx: WorkflowContext) -> Result<()>",
            "nothing says what `N` was",
            "take it as an argument",
        ),
        (
            Workflow,
            "async fn f<'a>(ctx: WorkflowContext) -> Result<()>",
            "cannot have lifetimes",
            "leave `'a` out",
        ),
        (
            Workflow,
            "async fn f(ctx: WorkflowContext, a: &str) -> Result<()>",
            "cannot borrow its arguments",
            "`String` instead of `&str`",
        ),
        (
            Workflow,
            "async fn f(ctx: WorkflowContext, a: &[u8]) -> Result<()>",
            "cannot borrow its arguments",
            "`Vec<u8>` instead of",
        ),
        (
            Workflow,
            "async fn f(ctx: WorkflowContext, a: Cow<'_, str>) -> Result<()>",
            "cannot borrow its arguments",
            "without `'_`",
        ),
        (
            Workflow,
            "async fn f(ctx: WorkflowContext, a: impl Into<String>) -> Result<()>",
            "cannot take an `impl Trait`",
            "name the type",
        ),
    ] {
        let (_, messages) = read(role, source);
        assert_eq!(messages.len(), 1, "{source}: {messages:?}");
        let (first, second) = messages[0].split_once("\nhelp: ").unwrap();
        assert!(first.contains(problem), "{source}: {first}");
        assert!(second.contains(instead), "{source}: {second}");
    }
}

#[test]
fn every_mistake_of_a_signature_is_reported() {
    let (signature, messages) = read(Workflow, "unsafe fn f<T>(a: &str, [b, c]: [u8; 2]) -> u8");
    assert_eq!(messages.len(), 7, "{messages:?}");
    let names: Vec<_> = signature.names().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "__durable_argument_1"]);
}

#[test]
fn what_is_no_function_is_named() {
    for (item, kind) in [
        (
            quote!(
                struct S;
            ),
            "a struct",
        ),
        (quote!(impl S {}), "an `impl` block"),
        (
            quote!(
                mod m {}
            ),
            "a module",
        ),
    ] {
        let mut diagnostics = Diagnostics::default();
        assert!(Function::read(Step, &item, &mut diagnostics).is_none());
        let messages = diagnostics.messages();
        assert_eq!(messages.len(), 1);
        assert!(messages[0].contains(kind), "{messages:?}");
    }
}

#[test]
fn a_body_need_not_parse() {
    let function: Function = syn::parse_str("async fn f(ctx: StepContext) { let x = ; }").unwrap();
    assert_eq!(function.body.to_token_stream().to_string(), "{ let x = ; }");
}
