use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::StepCaller;
use super::retry::{RunsAgain, RunsOnce};
use super::transaction::{self, TransactionBody};
use crate::clock;
use crate::context::{StepContext, WorkflowContext};
use crate::engine::{Execution, panic_text};
use crate::error::{Error, ErrorRecord, Result};
use crate::failure::{DurableError, ErrorCodec, error_codec};
use crate::store::{Record, StepRecord, StepRow};
use crate::value::Value;

/// How a step behaves: what stands in its attribute.
#[derive(Debug, Clone, Copy)]
pub struct StepOptions {
    /// The name under which it is recorded, unless the call says another.
    pub name: &'static str,
    /// Running it twice harms nobody, and nobody outside saw its result.
    pub pure: bool,
    /// How often its body runs at most.
    pub max_attempts: u32,
    /// The wait before the second attempt, in milliseconds.
    pub interval_ms: u64,
    /// How much longer each further wait is.
    pub backoff_rate: f64,
    /// The longest wait, in milliseconds.
    pub max_interval_ms: u64,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: Option<u64>,
}

impl StepOptions {
    /// The wait after a failed attempt (from 0): `interval * backoff_rate ^ attempt`, at most `max_interval`.
    fn wait_after(&self, attempt: u32) -> Duration {
        let longest = Duration::from_millis(self.max_interval_ms);
        let factor = self
            .backoff_rate
            .powi(i32::try_from(attempt).unwrap_or(i32::MAX));
        Duration::try_from_secs_f64(Duration::from_millis(self.interval_ms).as_secs_f64() * factor)
            .map_or(longest, |wait| wait.min(longest))
    }
}

/// A pending call of a step or transaction. Awaited, it runs the body, unless its result is recorded already: then it
/// gives that back.
///
/// # Durability
/// Its place in the workflow is fixed when the call is made, not when it is first polled, so calls may be awaited in
/// any order (`join!`). The body begins only when everything recorded before is durable. Its result goes to the
/// workflow's code at once, and is durable before the next effect begins.
///
/// # Cancel safety
/// Dropped before it finished, the body is dropped where it waits and nothing is recorded; its place stays empty.
#[must_use = "a call does nothing until it is awaited"]
pub struct StepCall<'c, T, E, Runs = RunsOnce> {
    pub(super) name: Cow<'static, str>,
    position: i32,
    options: StepOptions,
    /// What its first poll begins.
    begin: Option<(Site, Work<'c>)>,
    running: Option<BoxFuture<'c, Ended>>,
    from_record: fn(ErrorRecord) -> E,
    returns: PhantomData<fn() -> (T, Runs)>,
}

/// What a call runs. Here and below the types of value and error are forgotten, so that all that is not about them is
/// compiled once and not for each step of a program.
pub(super) enum Work<'c> {
    Step(StepBody<'c>, Decode),
    Transaction(TransactionBody<'c>, Decode),
}

/// Begins the body of a step; gives `None` when it cannot run again.
type StepBody<'c> = Box<dyn FnMut(StepContext) -> Option<BoxFuture<'c, Attempt>> + Send + 'c>;

/// A value of the type that the body returns.
pub(super) type AnyValue = Box<dyn Any + Send>;
/// Reads a recorded value.
pub(super) type Decode = fn(&str) -> serde_json::Result<AnyValue>;
/// What the body gave, and the same as JSON.
pub(super) type Attempt = std::result::Result<(AnyValue, String), Failure>;
/// What the call gives.
pub(super) type Ended = std::result::Result<AnyValue, ErrorRecord>;

impl<T, E, Runs> StepCall<'_, T, E, Runs> {
    /// Records this call under a name of its own, for steps that are chosen at run time: an interpreter has one step
    /// for all its instructions, and its history should tell which of them ran. A replay compares this name, so it
    /// has to follow from the workflow's input and from recorded results, as everything that decides about calls.
    ///
    /// ```
    /// use durable_runtime::prelude::*;
    ///
    /// #[step]
    /// async fn instruction(_ctx: StepContext, text: String) -> anyhow::Result<usize> {
    ///     Ok(text.len())
    /// }
    ///
    /// #[workflow]
    /// async fn script(ctx: WorkflowContext, lines: Vec<String>) -> anyhow::Result<usize> {
    ///     let mut sum = 0;
    ///     for (number, line) in lines.into_iter().enumerate() {
    ///         sum += instruction(&ctx, line).named(format!("line {number}")).await?;
    ///     }
    ///     Ok(sum)
    /// }
    /// ```
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The name under which the step is recorded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of this call within the workflow, from 1.
    #[must_use]
    pub fn position(&self) -> i32 {
        self.position
    }

    /// Changes how it runs, unless it runs already.
    pub(super) fn with(mut self, change: impl FnOnce(StepOptions) -> StepOptions) -> Self {
        self.options = change(self.options);
        self
    }
}

impl<T, E, Runs> fmt::Debug for StepCall<'_, T, E, Runs> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepCall")
            .field("name", &self.name())
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl<T: 'static, E, Runs> Future for StepCall<'_, T, E, Runs> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some((site, work)) = this.begin.take() {
            let (name, options) = (this.name.clone(), this.options);
            this.running = Some(site.run(name, options, work));
        }
        // It always runs by now.
        let Some(running) = &mut this.running else {
            return Poll::Pending;
        };
        match ready!(running.poll_unpin(context)).map(<AnyValue>::downcast::<T>) {
            Ok(Ok(value)) => Poll::Ready(Ok(*value)),
            // It is always a `T`.
            Ok(Err(_)) => Poll::Pending,
            Err(record) => Poll::Ready(Err((this.from_record)(record))),
        }
    }
}

/// The place of a call, and what is known about it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) execution: Arc<Execution>,
    pub(super) options: StepOptions,
    pub(super) name: Cow<'static, str>,
    pub(super) position: i32,
    pub(super) location: &'static Location<'static>,
}

impl Site {
    /// Takes the next position of the workflow.
    #[track_caller]
    pub(super) fn claim(context: &WorkflowContext, options: StepOptions) -> Self {
        let execution = Arc::clone(context.execution());
        let position = execution.claim_position();
        Self {
            execution,
            options,
            name: Cow::Borrowed(options.name),
            position,
            location: Location::caller(),
        }
    }

    pub(super) async fn recorded(&self) -> Option<StepRow> {
        self.execution
            .recorded(self.position, &self.name, self.location)
            .await
    }

    pub(super) fn context(&self, attempt: u32) -> StepContext {
        StepContext {
            name: self.name.clone(),
            position: self.position,
            attempt,
            max_attempts: self.options.max_attempts,
            execution: Arc::clone(&self.execution),
        }
    }

    /// Says that the body begins: the one trace of every run of a body, also of those whose checkpoint a crash takes.
    pub(super) fn trace(&self, attempt: u32) {
        tracing::info!(
            target: "durable_runtime::step",
            workflow_id = %self.execution.workflow_id,
            position = self.position,
            step = %self.name,
            attempt,
            "step begins"
        );
    }

    pub(super) fn record(
        &self,
        started_at: i64,
        result: std::result::Result<String, String>,
    ) -> Record {
        let (output, error) = match result {
            Ok(output) => (Some(output), None),
            Err(error) => (None, Some(error)),
        };
        Record::Step(Arc::new(StepRecord {
            workflow_id: self.execution.workflow_id.clone(),
            token: self.execution.token.clone(),
            position: self.position,
            name: self.name.clone(),
            output,
            error,
            child_workflow_id: None,
            started_at,
            completed_at: clock::now_ms(),
            ..StepRecord::default()
        }))
    }

    /// The call at this place.
    pub(super) fn call<'c, T, E, Runs>(
        self,
        work: Work<'c>,
        from_record: fn(ErrorRecord) -> E,
    ) -> StepCall<'c, T, E, Runs> {
        StepCall {
            name: self.name.clone(),
            position: self.position,
            options: self.options,
            begin: Some((self, work)),
            running: None,
            from_record,
            returns: PhantomData,
        }
    }

    /// Runs the call at this place, as its name and options say in the end.
    fn run<'c>(
        self,
        name: Cow<'static, str>,
        options: StepOptions,
        work: Work<'c>,
    ) -> BoxFuture<'c, Ended> {
        let site = Self {
            name,
            options,
            ..self
        };
        let watched = site.execution.watched(site.name.clone(), site.location);
        match work {
            Work::Step(body, decode) => watched.around(run(site, body, decode)).boxed(),
            Work::Transaction(body, decode) => {
                let ended = transaction::run(site, body, decode);
                watched.around(ended).boxed()
            }
        }
    }
}

/// Reads a recorded result. One that does not fit the type which the code has now ends the workflow with an error.
pub(super) async fn replay(site: &Site, what: &str, row: StepRow, decode: Decode) -> Ended {
    if let Some(error) = row.error {
        return Err(ErrorRecord::from_json(&error));
    }
    let what = || {
        format!(
            "the recorded result of {what} `{}` (position {}, workflow `{}`)",
            site.name, row.position, site.execution.workflow_id
        )
    };
    let value = match &row.output {
        Some(output) => decode(output).map_err(|reason| Error::unreadable(what(), &reason)),
        None => Err(Error::Format {
            what: what(),
            direction: "read",
            reason: "neither an output nor an error is recorded".to_owned(),
        }),
    };
    match value {
        Ok(value) => Ok(value),
        Err(error) => site.execution.fail(error).await,
    }
}

/// Reads a value and forgets its type.
pub(super) fn decode<T: Value>(text: &str) -> serde_json::Result<AnyValue> {
    T::from_text(text).map(|value| Box::new(value) as AnyValue)
}

/// One failed attempt.
pub(super) enum Failure {
    /// The body returned an error.
    Own {
        record: ErrorRecord,
        /// Another attempt may help.
        again: bool,
        /// It hands on that the database broke a transaction off.
        is_broken_off: bool,
    },
    /// What it returned cannot be written.
    Unwritable(serde_json::Error),
    /// It panicked, or took too long.
    Runtime(Error),
}

/// A body, with the types of what it gives forgotten.
pub(super) fn attempt<'c, T: Value, E: Send + 'static>(
    body: impl Future<Output = Result<T, E>> + Send + 'c,
    codec: ErrorCodec<E>,
    retry_if: Option<fn(&E) -> bool>,
) -> BoxFuture<'c, Attempt> {
    async move {
        match body.await {
            Ok(value) => match value.to_text() {
                Ok(text) => Ok((Box::new(value) as AnyValue, text)),
                Err(reason) => Err(Failure::Unwritable(reason)),
            },
            Err(error) => Err(Failure::Own {
                again: retry_if.is_none_or(|retry_if| retry_if(&error)),
                is_broken_off: (codec.is_broken_off)(&error),
                record: (codec.into_record)(error),
            }),
        }
    }
    .boxed()
}

/// A call whose body can run once.
#[doc(hidden)]
#[track_caller]
pub fn step<'c, T, E, Kind, Body>(
    caller: impl StepCaller<'c>,
    options: StepOptions,
    body: impl FnOnce(StepContext) -> Body + Send + 'c,
) -> StepCall<'c, T, E>
where
    T: Value,
    E: DurableError<Kind>,
    Body: Future<Output = Result<T, E>> + Send + 'c,
{
    let codec = error_codec();
    let mut body = Some(body);
    let body = move |context| body.take().map(|body| attempt(body(context), codec, None));
    let work = Work::Step(Box::new(body), decode::<T>);
    Site::claim(&caller.context(), options).call(work, codec.from_record)
}

/// A call whose body can run again.
#[doc(hidden)]
#[track_caller]
pub fn repeatable_step<'c, T, E, Kind, Body>(
    caller: impl StepCaller<'c>,
    options: StepOptions,
    retry_if: Option<fn(&E) -> bool>,
    body: impl Fn(StepContext) -> Body + Send + 'c,
) -> StepCall<'c, T, E, RunsAgain>
where
    T: Value,
    E: DurableError<Kind>,
    Body: Future<Output = Result<T, E>> + Send + 'c,
{
    let codec = error_codec();
    let body = move |context| Some(attempt(body(context), codec, retry_if));
    let work = Work::Step(Box::new(body), decode::<T>);
    Site::claim(&caller.context(), options).call(work, codec.from_record)
}

async fn run(site: Site, mut body: StepBody<'_>, decode: Decode) -> Ended {
    let execution = Arc::clone(&site.execution);
    if let Some(row) = site.recorded().await {
        return replay(&site, "step", row, decode).await;
    }
    let pure = site.options.pure;
    let pure_runs = pure.then(|| execution.pure_runs());
    if !pure {
        execution.durable().await;
    }
    let started_at = clock::now_ms();
    let result = attempts(&site, "step", |number| {
        Some(guarded(&site, body(site.context(number))?))
    })
    .await;
    drop(pure_runs);
    let (recorded, ended) = match result {
        Ok((value, text)) => (Ok(text), Ok(value)),
        Err(record) => (Err(record.to_json()), Err(record)),
    };
    execution.record(site.record(started_at, recorded), pure, None);
    ended
}

/// Runs attempts until one succeeds or there are no more. `body` gives `None` when it cannot run again; `what` it is: a
/// step or a transaction.
pub(super) async fn attempts<V, Running>(
    site: &Site,
    what: &str,
    mut body: impl FnMut(u32) -> Option<Running> + Send,
) -> std::result::Result<V, ErrorRecord>
where
    Running: Future<Output = std::result::Result<V, Failure>> + Send,
{
    let options = &site.options;
    let mut errors = Vec::new();
    let mut number = 0;
    let mut last = None;
    loop {
        site.trace(number);
        let Some(attempt) = body(number) else {
            return Err(
                last.unwrap_or_else(|| ErrorRecord::new("DBOSException", "a step ran no attempt"))
            );
        };
        let failure = match attempt.await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let (record, again) = match failure {
            Failure::Own { record, again, .. } => (record, again),
            Failure::Unwritable(reason) => {
                let what = format!("the result of {what} `{}`", site.name);
                (Error::unwritable(what, &reason).to_record(), true)
            }
            Failure::Runtime(error) => (error.to_record(), true),
        };
        number += 1;
        if options.max_attempts <= 1 || !again {
            return Err(record);
        }
        tracing::warn!(
            workflow_id = %site.execution.workflow_id, step = %site.name, attempt = number, of = options.max_attempts, error = %record,
            "a step failed"
        );
        errors.push(record.message.clone());
        if number >= options.max_attempts {
            return Err(Error::StepRetriesExceeded {
                step: site.name.clone().into_owned(),
                attempts: number,
                errors,
            }
            .to_record());
        }
        last = Some(record);
        clock::sleep(options.wait_after(number - 1)).await;
    }
}

/// Runs a body once, within its time and with panics caught.
pub(super) async fn guarded(site: &Site, body: BoxFuture<'_, Attempt>) -> Attempt {
    let options = site.options;
    let step = || site.name.clone().into_owned();
    let body = AssertUnwindSafe(body).catch_unwind();
    let ended = match options.timeout_ms {
        None => Some(body.await),
        Some(limit) => clock::timeout(Duration::from_millis(limit), body).await,
    };
    match ended {
        Some(Ok(ended)) => ended,
        Some(Err(panic)) => Err(Failure::Runtime(Error::StepPanicked {
            step: step(),
            message: panic_text(panic.as_ref()),
        })),
        None => Err(Failure::Runtime(Error::StepTimedOut {
            step: step(),
            limit_ms: options.timeout_ms.unwrap_or_default(),
        })),
    }
}
