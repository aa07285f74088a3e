//! What the call of a step may say about its runs, over what stands in its attribute.

use std::time::Duration;

use super::step::{StepCall, StepOptions};

/// How often a step is tried, and how long it waits in between: at one call, over its attribute.
///
/// What is not said here is as the attribute has it, and `retry_if` always is.
///
/// ```
/// use std::time::Duration;
/// use durable_runtime::Retry;
/// use durable_runtime::prelude::*;
///
/// #[step(max_attempts = 3)]
/// async fn fetch(_ctx: StepContext, url: String) -> anyhow::Result<String> {
///     Ok(format!("the text at {url}"))
/// }
///
/// #[workflow]
/// async fn patient(ctx: WorkflowContext, url: String) -> anyhow::Result<String> {
///     let retry = Retry::attempts(10).interval(Duration::from_secs(5)).backoff_rate(1.5);
///     fetch(&ctx, url).retry(retry).timeout(Duration::from_secs(30)).await
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use = "it counts where it is given to a call"]
pub struct Retry {
    attempts: u32,
    interval: Option<Duration>,
    backoff_rate: Option<f64>,
    max_interval: Option<Duration>,
}

impl Retry {
    /// Runs the body this many times at most, the first run counted; 0 is taken as 1.
    pub const fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            interval: None,
            backoff_rate: None,
            max_interval: None,
        }
    }

    /// The wait before the second attempt, in whole milliseconds.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// How much longer each further wait is: 1.0 makes them all equal. What is no factor of a wait, negative or not a
    /// number, makes each further wait the longest.
    pub const fn backoff_rate(mut self, rate: f64) -> Self {
        self.backoff_rate = Some(rate);
        self
    }

    /// The longest wait, in whole milliseconds.
    pub const fn max_interval(mut self, longest: Duration) -> Self {
        self.max_interval = Some(longest);
        self
    }

    fn over(self, options: StepOptions) -> StepOptions {
        let or = |said: Option<Duration>, otherwise| said.map_or(otherwise, whole_milliseconds);
        StepOptions {
            max_attempts: self.attempts.max(1),
            interval_ms: or(self.interval, options.interval_ms),
            backoff_rate: self.backoff_rate.unwrap_or(options.backoff_rate),
            max_interval_ms: or(self.max_interval, options.max_interval_ms),
            ..options
        }
    }
}

/// Rounded up: what is not nothing stays so.
fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The call of a step without `max_attempts`: its arguments are moved into its body, which can run once.
#[derive(Debug)]
pub enum RunsOnce {}

/// The call of a step with `max_attempts`: each run of its body has clones of the arguments.
#[derive(Debug)]
pub enum RunsAgain {}

/// The call of a transaction: each run of its body has clones of the arguments, and a database transaction.
#[derive(Debug)]
pub enum RunsInTransaction {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::RunsOnce {}
    impl Sealed for super::RunsAgain {}
    impl Sealed for super::RunsInTransaction {}
}

/// A call whose body may run again.
#[diagnostic::on_unimplemented(
    message = "this call takes no `.retry(...)`: the body of its step can run only once",
    label = "its step is declared without `max_attempts`",
    note = "a body that runs again needs its arguments again, and without `max_attempts` they are moved into the first run",
    note = "declare the step with `#[step(max_attempts = 3)]`, or with `max_attempts = 1` where only this call is to be tried again"
)]
pub trait MayRetry: sealed::Sealed {}

#[diagnostic::do_not_recommend]
impl MayRetry for RunsAgain {}
#[diagnostic::do_not_recommend]
impl MayRetry for RunsInTransaction {}

/// A call whose body may be dropped in the middle.
#[diagnostic::on_unimplemented(
    message = "this call takes no `.timeout(...)`: it is a transaction, and when its time ran out, nobody could tell whether the commit went through",
    label = "this is the call of a transaction",
    note = "give the database a `statement_timeout`, or make the function a `#[step]`"
)]
pub trait MayTimeOut: sealed::Sealed {}

#[diagnostic::do_not_recommend]
impl MayTimeOut for RunsOnce {}
#[diagnostic::do_not_recommend]
impl MayTimeOut for RunsAgain {}

impl<T, E, Runs> StepCall<'_, T, E, Runs> {
    /// Tries this call as often as said here, whatever its attribute says. A call that is awaited already stays as it
    /// is.
    ///
    /// Only for steps with `max_attempts`, and transactions: others give their arguments away at the first run.
    ///
    /// # Durability
    /// Not recorded: on a replay, and after a crash in the middle, the code that runs then decides.
    pub fn retry(self, retry: Retry) -> Self
    where
        Runs: MayRetry,
    {
        self.with(|options| retry.over(options))
    }

    /// Gives each run of the body this long, whatever the attribute says, in whole milliseconds. When the time has
    /// passed, the body is dropped where it waits, and the run failed with
    /// [`Error::StepTimedOut`](crate::Error::StepTimedOut). What it asked of the world may have happened.
    ///
    /// # Durability
    /// As of [`retry`](Self::retry).
    pub fn timeout(self, limit: Duration) -> Self
    where
        Runs: MayTimeOut,
    {
        self.with(|options| StepOptions {
            timeout_ms: Some(whole_milliseconds(limit)),
            ..options
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: StepOptions = StepOptions {
        name: "step",
        pure: false,
        max_attempts: 3,
        interval_ms: 100,
        backoff_rate: 2.0,
        max_interval_ms: 1000,
        timeout_ms: Some(50),
    };

    fn numbers(options: StepOptions) -> (u32, u64, f64, u64, Option<u64>) {
        (
            options.max_attempts,
            options.interval_ms,
            options.backoff_rate,
            options.max_interval_ms,
            options.timeout_ms,
        )
    }

    #[test]
    fn what_a_call_says_counts_and_the_rest_is_as_in_the_attribute() {
        let attempts = Retry::attempts(7);
        assert_eq!(
            numbers(attempts.over(OPTIONS)),
            (7, 100, 2.0, 1000, Some(50))
        );
        let all = attempts
            .interval(Duration::from_secs(1))
            .backoff_rate(1.0)
            .max_interval(Duration::from_secs(2));
        assert_eq!(numbers(all.over(OPTIONS)), (7, 1000, 1.0, 2000, Some(50)));
    }

    #[test]
    fn no_attempt_is_one_attempt() {
        assert_eq!(Retry::attempts(0).over(OPTIONS).max_attempts, 1);
    }

    #[test]
    fn durations_are_rounded_up_to_milliseconds() {
        let rounded = [0, 1, 999_999, 1_000_000, 1_000_001].map(Duration::from_nanos);
        assert_eq!(rounded.map(whole_milliseconds), [0, 1, 1, 1, 2]);
        assert_eq!(whole_milliseconds(Duration::MAX), u64::MAX);
    }
}
