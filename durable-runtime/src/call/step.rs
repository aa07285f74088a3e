use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::StepCaller;
use super::retry::{RunsAgain, RunsOnce};
use crate::clock;
use crate::context::StepContext;
use crate::engine::{Execution, panic_text};
use crate::error::{Error, ErrorRecord, Result};
use crate::failure::{DurableError, ErrorCodec, error_codec};
use crate::store::{Record, StepRecord, StepRow};
use crate::value::{self, Value};

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
    begin: Option<Begin<'c, T, E>>,
    running: Option<BoxFuture<'c, Result<T, E>>>,
    runs: PhantomData<fn() -> Runs>,
}

type Begin<'c, T, E> =
    Box<dyn FnOnce(Cow<'static, str>, StepOptions) -> BoxFuture<'c, Result<T, E>> + Send + 'c>;

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

impl<T, E, Runs> Future for StepCall<'_, T, E, Runs> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(begin) = self.begin.take() {
            self.running = Some(begin(self.name.clone(), self.options));
        }
        match &mut self.running {
            Some(running) => running.poll_unpin(context),
            // It always runs by now.
            None => Poll::Pending,
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
    pub(super) fn claim<'c>(caller: impl StepCaller<'c>, options: StepOptions) -> Self {
        let execution = Arc::clone(caller.context().execution());
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

    /// The call at this place, which `begin` runs as its options say in the end.
    pub(super) fn call<'c, T, E, Runs, Running>(
        self,
        begin: impl FnOnce(Self) -> Running + Send + 'c,
    ) -> StepCall<'c, T, E, Runs>
    where
        Running: Future<Output = Result<T, E>> + Send + 'c,
    {
        StepCall {
            name: self.name.clone(),
            position: self.position,
            options: self.options,
            begin: Some(Box::new(move |name, options| {
                let site = Self {
                    name,
                    options,
                    ..self
                };
                let watched = site.execution.watched(site.name.clone(), site.location);
                watched.around(begin(site)).boxed()
            })),
            running: None,
            runs: PhantomData,
        }
    }
}

/// Reads a recorded result. One that does not fit the type which the code has now ends the workflow with an error.
pub(super) async fn replay<T: Value, E>(
    execution: &Execution,
    what: &str,
    row: StepRow,
    codec: ErrorCodec<E>,
) -> Result<T, E> {
    if let Some(error) = row.error {
        return Err((codec.from_record)(ErrorRecord::from_json(&error)));
    }
    let what = || {
        format!(
            "the recorded result of {what} (position {}, workflow `{}`)",
            row.position, execution.workflow_id
        )
    };
    let value = match &row.output {
        Some(output) => value::decode(output, what),
        None => Err(Error::Format {
            what: what(),
            direction: "read",
            reason: "neither an output nor an error is recorded".to_owned(),
        }),
    };
    match value {
        Ok(value) => Ok(value),
        Err(error) => execution.fail(error).await,
    }
}

/// One failed attempt.
pub(super) enum Failure<E> {
    /// The body returned an error.
    Own(E),
    /// It panicked, took too long, or returned what cannot be recorded.
    Runtime(Error),
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
    let mut body = Some(body);
    let attempt = move |context| body.take().map(|body| body(context).boxed());
    run(Site::claim(caller, options), error_codec(), None, attempt)
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
    run(
        Site::claim(caller, options),
        error_codec(),
        retry_if,
        move |context| Some(body(context).boxed()),
    )
}

fn run<'c, T: Value, E: Send + 'static, Runs>(
    site: Site,
    codec: ErrorCodec<E>,
    retry_if: Option<fn(&E) -> bool>,
    mut attempt: impl FnMut(StepContext) -> Option<BoxFuture<'c, Result<T, E>>> + Send + 'c,
) -> StepCall<'c, T, E, Runs> {
    site.call(move |site| async move {
        let execution = Arc::clone(&site.execution);
        if let Some(row) = site.recorded().await {
            return replay(&execution, &format!("step `{}`", site.name), row, codec).await;
        }
        let pure = site.options.pure;
        let pure_runs = pure.then(|| execution.pure_runs());
        if !pure {
            execution.durable().await;
        }
        let started_at = clock::now_ms();
        let result = attempts(&site, codec, retry_if, |number| {
            let body = attempt(site.context(number))?;
            Some(run_body(&site, body).boxed())
        })
        .await;
        drop(pure_runs);
        let (recorded, result) = match result {
            Ok((value, text)) => (Ok(text), Ok(value)),
            Err(record) => (Err(record.to_json()), Err((codec.from_record)(record))),
        };
        execution.record(site.record(started_at, recorded), pure, None);
        result
    })
}

/// Runs attempts until one succeeds or there are no more. `body` gives `None` when it cannot run again.
pub(super) async fn attempts<'b, E, V>(
    site: &Site,
    codec: ErrorCodec<E>,
    retry_if: Option<fn(&E) -> bool>,
    mut body: impl FnMut(u32) -> Option<BoxFuture<'b, std::result::Result<V, Failure<E>>>> + Send,
) -> std::result::Result<V, ErrorRecord> {
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
            Failure::Own(error) => {
                let again = retry_if.is_none_or(|retry_if| retry_if(&error));
                ((codec.into_record)(error), again)
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

/// Runs a body once, within its time and with panics caught, and writes its value as JSON.
async fn run_body<T: Value, E>(
    site: &Site,
    body: BoxFuture<'_, Result<T, E>>,
) -> std::result::Result<(T, String), Failure<E>> {
    let value = guarded(site, body).await?;
    let text = value::encode(&value, || format!("the result of step `{}`", site.name))
        .map_err(Failure::Runtime)?;
    Ok((value, text))
}

/// Runs a body once, within its time and with panics caught.
pub(super) async fn guarded<T, E>(
    site: &Site,
    body: BoxFuture<'_, Result<T, E>>,
) -> std::result::Result<T, Failure<E>> {
    let options = site.options;
    let step = || site.name.clone().into_owned();
    let body = AssertUnwindSafe(body).catch_unwind();
    let ended = match options.timeout_ms {
        None => Some(body.await),
        Some(limit) => clock::timeout(Duration::from_millis(limit), body).await,
    };
    match ended {
        Some(Ok(result)) => result.map_err(Failure::Own),
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
