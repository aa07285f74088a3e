//! A dry run: a workflow's code follows its records, and where they end nothing begins.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use serde::{Deserialize, Serialize};

use super::beside::Beside;
use super::execution::{Attempt, CallerIdentity, Execution};
use super::{Engine, panic_text};
use crate::clock;
use crate::error::{Error, ErrorRecord, Result};
use crate::store::ClaimedWorkflow;
use crate::value::Format;

/// How long the code may wait for something that is no durable call.
const PATIENCE: Duration = Duration::from_secs(5);

/// A call that would begin, or go on, if the run were not a dry one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenCall {
    /// The number of the call within the workflow, from 1.
    pub position: i32,
    /// The name under which it would be recorded.
    pub name: String,
    /// Where it stands: `file:line:column`.
    pub place: String,
    /// Its place in the structure of the workflow, where the macro saw it.
    pub site: Option<String>,
}

/// How far a dry run came.
#[derive(Debug)]
pub(crate) enum DryEnd {
    /// To the end of the code.
    Ended(std::result::Result<String, ErrorRecord>),
    Panicked(String),
    /// To a call without a record. So many records are behind the last call made.
    Open {
        call: OpenCall,
        unread: usize,
    },
    /// To an error that the code cannot catch, or not even to its beginning.
    Failed(Error),
    /// To something that is no durable call, and that did not happen in time.
    Stuck,
}

/// What a dry run knows.
#[derive(Debug)]
pub(crate) struct Dry {
    /// The run has an outcome: what it waited for is over.
    is_over: bool,
    open: Mutex<BTreeMap<i32, OpenCall>>,
}

impl Dry {
    fn open(&self) -> MutexGuard<'_, BTreeMap<i32, OpenCall>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stays at a call for ever; unless the workflow drops it, this is where the run has come to.
    pub(super) async fn stays_at<T>(&self, call: OpenCall) -> T {
        let _stays = Stays {
            dry: self,
            position: call.position,
        };
        self.open().insert(call.position, call);
        std::future::pending().await
    }
}

/// A call that stays open, until it is dropped.
struct Stays<'d> {
    dry: &'d Dry,
    position: i32,
}

impl Drop for Stays<'_> {
    fn drop(&mut self) {
        self.dry.open().remove(&self.position);
    }
}

impl Execution {
    /// In a dry run a recorded sleep is over when its time has come or the run has ended, and is not waited for
    /// otherwise. `None` when this is no dry run.
    pub(crate) fn dry_sleep(&self, until_ms: i64) -> Option<bool> {
        let dry = self.dry.as_ref()?;
        Some(dry.is_over || clock::until(until_ms).is_zero())
    }

    /// Stays at a call for ever, if this is a dry run.
    pub(crate) async fn stay(&self, call: OpenCall) {
        if let Some(dry) = &self.dry {
            dry.stays_at(call).await
        }
    }

    fn dry_end(&self) -> Option<DryEnd> {
        if let Some(error) = self.failure() {
            return Some(DryEnd::Failed(error));
        }
        let call = self.dry.as_ref()?.open().values().next().cloned()?;
        let state = self.state();
        let unread = state
            .history
            .range(state.position.saturating_add(1)..)
            .count();
        Some(DryEnd::Open { call, unread })
    }
}

impl Engine {
    /// Lets the code of a run follow its records. Nothing is written, no body runs, nothing is waited for.
    pub(crate) async fn follow(self: &Arc<Self>, run: ClaimedWorkflow, is_over: bool) -> DryEnd {
        let mut run = run;
        let (workflow, role, input) = match self.prepare(&mut run) {
            Ok(prepared) => prepared,
            Err(error) => return DryEnd::Failed(error),
        };
        let attempt = Attempt {
            workflow,
            workflow_id: run.workflow_id,
            token: String::new(),
            deadline: run.deadline,
            caller: CallerIdentity {
                user: run.authenticated_user,
                role: role.or(run.assumed_role),
                roles: run.authenticated_roles,
            },
            format: Format::default(),
            history: run.history,
            seat: None,
        };
        let open = Mutex::default();
        let execution = Execution::with(Arc::clone(self), attempt, Some(Dry { is_over, open }));
        let body = (workflow.run)(Arc::clone(&execution), input);
        let end = clock::timeout(PATIENCE, follow(&execution, body)).await;
        match end.unwrap_or(DryEnd::Stuck) {
            DryEnd::Failed(error) => DryEnd::Failed(execution.explained(error).await),
            DryEnd::Ended(result) => match execution.shortened(&result) {
                Some(error) => DryEnd::Failed(execution.explained(error).await),
                None => DryEnd::Ended(result),
            },
            end => end,
        }
    }
}

/// Polls the body until it ends, or waits for nothing but calls that stay open.
async fn follow(
    execution: &Execution,
    body: BoxFuture<'static, Result<String, ErrorRecord>>,
) -> DryEnd {
    let mut body = AssertUnwindSafe(body).catch_unwind();
    let mut beside = Beside::new(execution);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    poll_fn(|context| {
        woken.outer.register(context.waker());
        woken.again.store(false, Ordering::Release);
        let polled = body.poll_unpin(&mut Context::from_waker(&waker));
        beside.poll(&mut Context::from_waker(&waker));
        if let Some(error) = execution.failure() {
            return Poll::Ready(DryEnd::Failed(error));
        }
        match polled {
            Poll::Ready(Ok(result)) => Poll::Ready(DryEnd::Ended(result)),
            Poll::Ready(Err(panic)) => Poll::Ready(DryEnd::Panicked(panic_text(panic.as_ref()))),
            // It has more to do at once, and is polled again.
            Poll::Pending if woken.again.load(Ordering::Acquire) => Poll::Pending,
            Poll::Pending => match execution.dry_end() {
                Some(end) => Poll::Ready(end),
                None => Poll::Pending,
            },
        }
    })
    .await
}

/// Tells a body that has more to do from one that waits.
#[derive(Debug, Default)]
struct Woken {
    again: AtomicBool,
    outer: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.again.store(true, Ordering::Release);
        self.outer.wake();
    }
}
