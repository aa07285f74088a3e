//! Notices when the code of a workflow waits for something that is no durable call: nothing of such a wait is recorded,
//! so a replay cannot repeat it.
//!
//! The body is polled with a waker of its own. A durable call polls what is inside it with a waker that says "explained"
//! and then wakes the waker which the call was given, so that everything between the two (`join!`, `FuturesUnordered`)
//! works as ever. What reaches the waker of the body without such a word is foreign.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::task::coop;

use super::execution::{Execution, Stop};
use crate::error::Error;

/// What happens when the code of a workflow waits for something that is no durable call: a timer, a socket, a channel, a
/// lock, a task, a thread. See [`Builder::foreign_wakes`](crate::Builder::foreign_wakes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForeignWakes {
    /// The workflow ends with [`Error::ForeignWake`]. What it recorded stays: a fork of it goes on under code that is put
    /// right.
    Refuse,
    /// A warning is logged, once for each place of a run.
    Warn,
    /// Nothing is looked for.
    Ignore,
}

/// [`Refuse`](Self::Refuse) where `durable-runtime` is built with debug assertions, [`Warn`](Self::Warn) elsewhere.
impl Default for ForeignWakes {
    fn default() -> Self {
        match cfg!(debug_assertions) {
            true => Self::Refuse,
            false => Self::Warn,
        }
    }
}

thread_local! {
    /// The body that may be woken from this thread right now, by the address of its bell; 0 for none.
    static EXPLAINED: Cell<usize> = const { Cell::new(0) };
}

/// Lets one body be woken, or with 0 none, until it is dropped.
struct Explaining(usize);

impl Explaining {
    fn begin(bell: usize) -> Self {
        Self(EXPLAINED.replace(bell))
    }
}

impl Drop for Explaining {
    fn drop(&mut self) {
        EXPLAINED.set(self.0);
    }
}

/// What the waker of a body rings.
#[derive(Debug, Default)]
struct Bell {
    /// The task that drives the execution.
    task: AtomicWaker,
    /// It rang since the body was last polled.
    rang: AtomicBool,
    /// It rang and nothing explained it.
    foreign: AtomicBool,
}

impl Bell {
    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        // A thread that is ending runs no durable call.
        let explained = EXPLAINED.try_with(Cell::get).unwrap_or(0);
        if explained != self.address() {
            self.foreign.store(true, Ordering::Release);
        }
        self.task.wake();
    }
}

/// The waker inside a durable call.
struct Explains {
    bell: Arc<Bell>,
    given: Waker,
}

impl Wake for Explains {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _explaining = Explaining::begin(self.bell.address());
        self.given.wake_by_ref();
    }
}

/// A durable call, for the report.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) name: Cow<'static, str>,
    pub(super) location: &'static Location<'static>,
}

#[derive(Debug, Default)]
struct Calls {
    next: u64,
    pending: HashMap<u64, Called>,
    last: Option<Called>,
    /// Behind which calls a foreign wait was reported.
    reported: HashSet<Option<&'static Location<'static>>>,
}

/// Watches over the body of one execution.
#[derive(Debug)]
pub(super) struct Guard {
    refuses: bool,
    bell: Arc<Bell>,
    /// What the body is polled with.
    waker: Waker,
    /// What a durable call that was given just that is polled with.
    explained: Waker,
    calls: Mutex<Calls>,
    /// The body was last polled until it had used up its turn.
    put_off: AtomicBool,
    /// What the body waits for alone was told.
    told: AtomicBool,
    /// How many own the bell while nothing but durable calls waits for the body.
    owners: usize,
}

impl Guard {
    pub(super) fn new(foreign: ForeignWakes) -> Option<Self> {
        if foreign == ForeignWakes::Ignore {
            return None;
        }
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let explained = explains(&bell, &waker);
        Some(Self {
            refuses: foreign == ForeignWakes::Refuse,
            explained,
            owners: Arc::strong_count(&bell),
            bell,
            waker,
            calls: Mutex::default(),
            put_off: AtomicBool::new(false),
            told: AtomicBool::new(false),
        })
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // No code of a user's runs under this lock; every change leaves the calls whole.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that a call is waited for; gives its number.
    pub(super) fn begins(&self, called: &Called) -> u64 {
        let mut calls = self.calls();
        calls.next += 1;
        let number = calls.next;
        calls.pending.insert(number, called.clone());
        number
    }

    /// Takes note that a call completed, or was dropped.
    pub(super) fn ends(&self, number: u64, completed: bool) {
        let mut calls = self.calls();
        let ended = calls.pending.remove(&number);
        if completed {
            calls.last = ended.or(calls.last.take());
        }
    }

    /// Polls what is inside a durable call. `own` keeps the waker of a call that is not given that of the body itself.
    pub(super) fn poll_call<F: Future>(
        &self,
        call: Pin<&mut F>,
        own: &mut Option<(Waker, Waker)>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let given = context.waker();
        let explained = if given.will_wake(&self.waker) || given.will_wake(&self.explained) {
            &self.explained
        } else {
            if !own.as_ref().is_some_and(|(of, _)| of.will_wake(given)) {
                *own = Some((given.clone(), explains(&self.bell, given)));
            }
            own.as_ref().map_or(given, |(_, explained)| explained)
        };
        // Here the body of a step may run: the code of the workflow has no business with what that wakes.
        let _nobody = Explaining::begin(0);
        call.poll(&mut Context::from_waker(explained))
    }

    fn poll_body<F: Future + ?Sized>(
        &self,
        body: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        self.bell.task.register(context.waker());
        self.bell.rang.store(false, Ordering::Release);
        // A body may wake itself.
        let _itself = Explaining::begin(self.bell.address());
        let polled = body.poll(&mut Context::from_waker(&self.waker));
        // With no budget left, tokio puts off what is ready, and wakes the body in a moment to look again.
        let put_off = !coop::has_budget_remaining();
        self.put_off.store(put_off, Ordering::Relaxed);
        polled
    }

    /// True when the body, just polled, waits and no durable call does.
    fn waits_alone(&self) -> bool {
        !self.put_off.load(Ordering::Relaxed)
            && !self.bell.rang.load(Ordering::Acquire)
            && self.calls().pending.is_empty()
    }

    /// True when the body waits for so many durable calls, and for nothing else. Whatever is to wake it keeps its waker:
    /// durable calls have one of their own, so one more owner is something foreign, or a combinator that may hold it.
    pub(super) fn waits_only_for(&self, calls: usize) -> bool {
        self.calls().pending.len() == calls && Arc::strong_count(&self.bell) == self.owners
    }

    /// True when the body was woken by something that no durable call explains.
    fn woken_by_others(&self) -> bool {
        let foreign = self.bell.foreign.swap(false, Ordering::AcqRel);
        foreign && !self.put_off.load(Ordering::Relaxed)
    }
}

fn explains(bell: &Arc<Bell>, given: &Waker) -> Waker {
    Waker::from(Arc::new(Explains {
        bell: Arc::clone(bell),
        given: given.clone(),
    }))
}

impl Execution {
    /// Polls the body of the workflow, and looks what it waits for.
    pub(super) fn poll_guarded<F: Future + ?Sized>(
        &self,
        body: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let Some(guard) = &self.guard else {
            return body.poll(context);
        };
        if guard.woken_by_others() {
            // The end of a wait that was told when it began.
            let known = guard.told.swap(false, Ordering::Relaxed);
            if !known && self.refuses(guard) {
                return Poll::Pending;
            }
        }
        let polled = guard.poll_body(body, context);
        if polled.is_pending()
            && guard.waits_alone()
            && !self.is_stopped()
            && !guard.told.swap(true, Ordering::Relaxed)
        {
            self.refuses(guard);
        }
        polled
    }

    /// Reports a foreign wait, once for each place. True when the workflow ends by it.
    fn refuses(&self, guard: &Guard) -> bool {
        let (after, pending) = {
            let mut calls = guard.calls();
            let last = calls.last.clone();
            if !calls
                .reported
                .insert(last.as_ref().map(|called| called.location))
            {
                return false;
            }
            let mut pending: Vec<_> = calls.pending.iter().collect();
            pending.sort_unstable_by_key(|(number, _)| **number);
            let pending: Vec<_> = pending
                .iter()
                .map(|(_, called)| self.told(called))
                .collect();
            (last.map(|called| self.told(&called)), pending)
        };
        let error = Error::ForeignWake {
            id: self.workflow_id.clone(),
            workflow: self.workflow.name.to_owned(),
            location: self.workflow.place(),
            when: when(after.as_deref(), &pending),
        };
        if guard.refuses {
            self.stop(Stop::Failed(error));
        } else {
            tracing::warn!(
                target: "durable_runtime::guard",
                workflow_id = self.workflow_id,
                workflow = self.workflow.name,
                "{error}"
            );
        }
        guard.refuses
    }

    fn told(&self, called: &Called) -> String {
        format!("`{}` at {}", called.name, self.place(called.location))
    }
}

/// How many of the calls that are waited for a report names.
const NAMED: usize = 5;

/// What a workflow had done, and what else it waits for.
fn when(after: Option<&str>, pending: &[String]) -> String {
    let mut when = match after {
        Some(after) => format!("after {after}"),
        None => "before its first durable call was done".to_owned(),
    };
    if !pending.is_empty() {
        let named: Vec<_> = pending.iter().take(NAMED).map(String::as_str).collect();
        let _ = write!(when, ", beside {}", named.join(", "));
        if pending.len() > NAMED {
            let _ = write!(when, " and {} more", pending.len() - NAMED);
        }
    }
    when
}
