//! The future of a durable call: whatever wakes the workflow through it is explained.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::Execution;
use super::guard::Called;

/// A durable call, as the guard of its workflow knows it. Made outside of workflows, or without a guard, it is nothing.
#[derive(Debug)]
pub(crate) struct Watched(Option<Call>);

#[derive(Debug)]
struct Call {
    execution: Arc<Execution>,
    called: Called,
    /// While it is pending.
    number: Option<u64>,
    /// The waker that it was last given, where that was not the body's, and the one made of it.
    wakers: Option<(Waker, Waker)>,
}

impl Watched {
    /// A call that no workflow makes.
    pub(crate) fn outside() -> Self {
        Self(None)
    }

    /// Lets `future` be awaited by the workflow.
    pub(crate) fn around<F: Future>(self, future: F) -> Explained<F> {
        Explained {
            future,
            call: self.0,
        }
    }
}

impl Execution {
    /// A call of this workflow, whose future is to go [around](Watched::around).
    pub(crate) fn watched(
        self: &Arc<Self>,
        name: impl Into<Cow<'static, str>>,
        location: &'static Location<'static>,
    ) -> Watched {
        Watched(self.guard.is_some().then(|| Call {
            execution: Arc::clone(self),
            called: Called {
                name: name.into(),
                location,
            },
            number: None,
            wakers: None,
        }))
    }
}

pin_project! {
    /// The future of a durable call.
    #[must_use = "futures do nothing unless they are awaited"]
    pub(crate) struct Explained<F> {
        #[pin]
        future: F,
        call: Option<Call>,
    }
}

impl<F: Future> Future for Explained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.call {
            Some(call) => call.poll(this.future, context),
            None => this.future.poll(context),
        }
    }
}

impl Call {
    fn poll<F: Future>(
        &mut self,
        future: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let Some(guard) = &self.execution.guard else {
            return future.poll(context);
        };
        if self.number.is_none() {
            self.number = Some(guard.begins(&self.called));
        }
        let polled = guard.poll_call(future, &mut self.wakers, context);
        if polled.is_ready() {
            self.ends(true);
        }
        polled
    }

    fn ends(&mut self, completed: bool) {
        if let (Some(guard), Some(number)) = (&self.execution.guard, self.number.take()) {
            guard.ends(number, completed);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ends(false);
    }
}
