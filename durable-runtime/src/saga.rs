//! Operations with their undos, run in reverse when something fails.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::context::WorkflowContext;
use crate::engine::panic_text;
use crate::error::{Error, ErrorRecord, NotUndone, SagaError, Undo};
use crate::failure::DurableError;

/// Several operations that belong together: when one fails, those before it are undone.
///
/// ```
/// use durable_runtime::Saga;
/// use durable_runtime::prelude::*;
///
/// # #[step] async fn book_flight(_ctx: StepContext, to: String) -> anyhow::Result<u64> { Ok(1) }
/// # #[step] async fn cancel_flight(_ctx: StepContext, flight: u64) -> anyhow::Result<()> { Ok(()) }
/// # #[step] async fn book_hotel(_ctx: StepContext, to: String) -> anyhow::Result<u64> { Ok(2) }
/// # #[step] async fn cancel_hotel(_ctx: StepContext, hotel: u64) -> anyhow::Result<()> { Ok(()) }
/// # #[step] async fn charge(_ctx: StepContext, price: u64) -> anyhow::Result<()> { Ok(()) }
/// #[workflow]
/// async fn book(ctx: WorkflowContext, to: String, price: u64) -> anyhow::Result<(u64, u64)> {
///     let saga = Saga::new(&ctx);
///     saga.run(async {
///         let flight = saga
///             .step(book_flight(&ctx, to.clone()), |flight| cancel_flight(&ctx, flight))
///             .await?;
///         let hotel = saga
///             .step(book_hotel(&ctx, to), |hotel| cancel_hotel(&ctx, hotel))
///             .await?;
///         charge(&ctx, price).await?;
///         Ok((flight, hotel))
///     })
///     .await
/// }
/// ```
///
/// # The undos
/// An undo is made when it runs, so it takes its place in the workflow then. It may be one call or an async block of
/// several. When the body of [`run`](Self::run) fails, by an error or a panic, the undos run one after the other, the
/// newest first: in the reverse order in which [`step`](Self::step), [`defer`](Self::defer) and
/// [`nested`](Self::nested) were called, whichever operation ended first. One that fails, or panics, does not keep the
/// others from running. When the body succeeds, the undos are forgotten.
///
/// # Durability
/// Nothing is recorded but the calls themselves, under their own names. After a crash the workflow takes the same way
/// to the same failure, and the undoing goes on with the first undo that has no record.
///
/// # Cancel safety
/// A workflow that is cancelled, or whose timeout ends, is dropped where it waits: nothing is undone. A saga that has to
/// be undone even then belongs into a child workflow, whose parent undoes it. The same holds for a dropped `run`.
#[must_use = "a saga undoes what was done within its `run`"]
pub struct Saga<'c> {
    ctx: &'c WorkflowContext,
    undos: Arc<Undos<'c>>,
    outer: Option<(Key, Arc<Undos<'c>>)>,
}

/// The number of an undo within its saga, behind those of the sagas around it.
type Key = Vec<u32>;

/// What a saga would undo.
#[derive(Default)]
struct Undos<'c>(Mutex<State<'c>>);

#[derive(Default)]
struct State<'c> {
    claimed: u32,
    given: BTreeMap<Key, Given<'c>>,
}

/// An undo as it was given to the saga.
struct Given<'c> {
    location: &'static Location<'static>,
    run: Box<dyn FnOnce() -> BoxFuture<'c, Result<(), ErrorRecord>> + Send + 'c>,
}

impl<'c> Given<'c> {
    fn new<U, R, X, Kind>(
        location: &'static Location<'static>,
        undo: impl FnOnce() -> U + Send + 'c,
    ) -> Self
    where
        U: Future<Output = Result<R, X>> + Send + 'c,
        X: DurableError<Kind>,
    {
        let run = || {
            let undone = async move { undo().await.map(drop).map_err(X::into_record) };
            undone.boxed()
        };
        Self {
            location,
            run: Box::new(run),
        }
    }
}

impl<'c> Undos<'c> {
    fn state(&self) -> MutexGuard<'_, State<'c>> {
        // No code of a user's runs under this lock; every change leaves the state whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next number: when an operation is given, not when it ends, so that it is the same on a replay.
    fn claim(&self) -> Key {
        let mut state = self.state();
        state.claimed += 1;
        vec![state.claimed]
    }

    fn give(&self, key: Key, undo: Given<'c>) {
        self.state().given.insert(key, undo);
    }

    /// Takes the newest.
    fn take(&self) -> Option<Given<'c>> {
        self.state().given.pop_last().map(|(_, undo)| undo)
    }

    fn take_all(&self) -> BTreeMap<Key, Given<'c>> {
        std::mem::take(&mut self.state().given)
    }
}

impl fmt::Debug for Saga<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saga")
            .field("ctx", self.ctx)
            .field("undos", &self.undos.state().given.len())
            .finish_non_exhaustive()
    }
}

impl<'c> Saga<'c> {
    /// A saga with nothing to undo yet. It records nothing and takes no position.
    pub fn new(ctx: &'c WorkflowContext) -> Self {
        Self {
            ctx,
            undos: Arc::default(),
            outer: None,
        }
    }

    /// A saga within this one: when its [`run`](Self::run) fails, only its own operations are undone, and its error may
    /// be handled. When it succeeds, its undos become undos of this saga.
    pub fn nested(&self) -> Saga<'c> {
        Saga {
            ctx: self.ctx,
            undos: Arc::default(),
            outer: Some((self.undos.claim(), Arc::clone(&self.undos))),
        }
    }

    /// An operation with its undo, which gets a clone of the operation's value. An operation that fails has nothing to
    /// undo; where a failed one may have happened all the same, as after a timeout, give its undo to
    /// [`defer`](Self::defer) before it.
    ///
    /// The undo may be awaited like the operation: `|flight| cancel(&ctx, flight)`, or
    /// `async |flight| cancel(&ctx, &flight).await`.
    #[track_caller]
    pub fn step<T, E, U, R, X, Kind>(
        &self,
        operation: impl Future<Output = Result<T, E>> + Send,
        undo: impl FnOnce(T) -> U + Send + 'c,
    ) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Clone + Send + 'c,
        U: Future<Output = Result<R, X>> + Send + 'c,
        X: DurableError<Kind>,
    {
        let location = Location::caller();
        let key = self.undos.claim();
        async move {
            let value = operation.await?;
            let again = value.clone();
            self.undos.give(key, Given::new(location, || undo(again)));
            Ok(value)
        }
    }

    /// Something to do when the body fails from here on: the undo of an operation that comes next and whose outcome may
    /// stay unknown, or of several at once.
    #[track_caller]
    pub fn defer<U, R, X, Kind>(&self, undo: impl FnOnce() -> U + Send + 'c)
    where
        U: Future<Output = Result<R, X>> + Send + 'c,
        X: DurableError<Kind>,
    {
        let key = self.undos.claim();
        self.undos.give(key, Given::new(Location::caller(), undo));
    }

    /// Runs the body; when it fails, undoes what was done.
    ///
    /// # Errors
    /// The error of the body, as it is, when everything was undone. When something could not be undone,
    /// [`Error::NotUndone`] with everything that is known, in the body's type of errors.
    ///
    /// # Panics
    /// When the body panics, with the same panic, after everything was undone that could be.
    pub async fn run<T, E, Kind>(
        &self,
        body: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E>
    where
        E: DurableError<Kind>,
    {
        self.run_reported(body).await.map_err(SagaError::into_own)
    }

    /// As [`run`](Self::run), with an error that tells what was undone, too.
    ///
    /// # Errors
    /// The error of the body, with the undos that succeeded and those that failed.
    ///
    /// # Panics
    /// When the body panics, with the same panic, after everything was undone that could be.
    pub async fn run_reported<T, E, Kind>(
        &self,
        body: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, SagaError<E>>
    where
        E: DurableError<Kind>,
    {
        // The body is dropped before the first undo runs: what it held is free.
        let ended = AssertUnwindSafe(body).catch_unwind().await;
        match ended {
            Ok(Ok(value)) => {
                self.succeed();
                Ok(value)
            }
            Ok(Err(cause)) => {
                self.warn(&cause.as_error());
                let (undone, not_undone) = self.undo().await;
                Err(SagaError::new(cause, undone, not_undone))
            }
            Err(panic) => {
                self.warn(&panic_text(panic.as_ref()));
                self.undo().await;
                resume_unwind(panic)
            }
        }
    }

    fn warn(&self, cause: &dyn fmt::Display) {
        tracing::warn!(
            workflow_id = self.ctx.workflow_id(),
            undos = self.undos.state().given.len(),
            error = %cause,
            "a saga failed and is undone"
        );
    }

    /// The undos are forgotten, or are those of the saga around this one.
    fn succeed(&self) {
        let undos = self.undos.take_all();
        if let Some((place, outer)) = &self.outer {
            for (key, undo) in undos {
                outer.give([place.as_slice(), &key].concat(), undo);
            }
        }
    }

    /// Runs the undos, the newest first.
    async fn undo(&self) -> (Vec<Undo>, Vec<NotUndone>) {
        let (mut undone, mut not_undone) = (Vec::new(), Vec::new());
        while let Some(Given { location, run }) = self.undos.take() {
            let noting = self.ctx.execution().called.noting();
            let undo = async move { run().await };
            let ended = AssertUnwindSafe(undo).catch_unwind().await;
            let undo = Undo::new(noting.calls(), location.to_string());
            match ended.unwrap_or_else(|panic| Err(self.panicked(panic.as_ref()))) {
                Ok(()) => undone.push(undo),
                Err(error) => {
                    let failed = NotUndone { undo, error };
                    tracing::error!(workflow_id = self.ctx.workflow_id(), %failed, "not undone");
                    not_undone.push(failed);
                }
            }
        }
        (undone, not_undone)
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> ErrorRecord {
        let workflow = self.ctx.name().to_owned();
        let message = panic_text(panic);
        Error::WorkflowPanicked { workflow, message }.to_record()
    }
}
