//! A workflow as a type.

use std::future::Future;

use crate::context::WorkflowContext;
use crate::failure::ErrorCodec;
use crate::machine::{Code, Machine};
use crate::value::{Arguments, Value};

/// A workflow as a type: what `#[workflow]` puts beside the function, under the same name.
///
/// Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow",
    note = "put `#[workflow]` on the function and pass its name as a type: `.register::<my_workflow>()`"
)]
pub trait Workflow: Send + Sync + 'static {
    /// The arguments, without the context, as a tuple; of a raw workflow its one parameter.
    type Input: Arguments;
    /// What it returns when it succeeds.
    type Output: Value;
    /// What it returns when it fails.
    type Error: Send + 'static;

    /// The name under which it stands in the database.
    const NAME: &'static str;
    /// The class that the name belongs to, as the methods of a class have one in other languages' SDKs.
    const CLASS: Option<&'static str>;
    /// The roles of which a caller needs one; none means that everybody may run it.
    const ROLES: &'static [&'static str];
    /// The names of the arguments; none for a raw workflow.
    const PARAMETERS: &'static [&'static str];
    /// A hash of the workflow's code, or the version that its author pinned.
    const VERSION: &'static str;
    /// How often it may be recovered before it is given up.
    const MAX_RECOVERY_ATTEMPTS: u32;
    /// What the macro read off its code: where it stands, and which durable calls it makes.
    const CODE: &'static Code;

    /// The machine that its code describes.
    #[must_use]
    fn machine() -> Machine
    where
        Self: Sized,
    {
        Machine::read(Self::CLASS, Self::NAME, Self::VERSION, Self::CODE)
    }

    /// How its errors are checkpointed.
    fn error_codec() -> ErrorCodec<Self::Error>;

    /// Runs the body.
    fn run(
        ctx: WorkflowContext,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}
