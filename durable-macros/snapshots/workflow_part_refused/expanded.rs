::core::compile_error! {
    "a part of a workflow is an `async fn`: it awaits durable calls\nhelp: write `async fn pay(…)`, or leave `#[workflow_part]` out"
}
::core::compile_error! {
    "a part borrows the context of the workflow that calls it: it makes its calls there\nhelp: write `ctx: &WorkflowContext`"
}
fn pay(ctx: WorkflowContext, order: u64) -> Option<u64> {
    None
}
/// What is known of the code of [`pay`](fn@pay): for `parts(pay)` where it is called.
#[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
struct pay {}
impl ::durable_runtime::WorkflowPart for pay {
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
}
