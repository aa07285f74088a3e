//! Arguments of a body that may run more than once.

/// An argument that every run of a body can have: anything that is `Clone`, borrows included.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a body that may run more than once",
    label = "every run needs this argument",
    note = "a transaction, and a step with `max_attempts`, gives each run a clone of its arguments",
    note = "add `#[derive(Clone)]` to `{Self}`, or take a `&{Self}`"
)]
pub trait Repeatable: Sized {
    /// The argument for one more run.
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Repeatable for T {
    fn again(&self) -> Self {
        self.clone()
    }
}
