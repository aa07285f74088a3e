//! Reading streams: from a workflow, where what is read is recorded, and from outside.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Operation, as_replayed, plain};
use crate::clock;
use crate::context::WorkflowContext;
use crate::engine::{Engine, Execution, Phase, milliseconds, patiently, payload};
use crate::error::{Error, Result};
use crate::store::Channel;
use crate::value::{PORTABLE_JSON, Stored, Value};

/// The entry that closes a stream.
pub(crate) const CLOSED: &str = "\"__DBOS_STREAM_CLOSED__\"";
/// Entries that are read ahead: what is written does not change.
const AHEAD: i64 = 100;
/// How often a reader looks whether the writer still runs. Its end is told, but not by every SDK.
const POLL: Duration = Duration::from_secs(1);

/// Reads a stream of a workflow, value by value, while it is being written. It ends where the stream is closed, or
/// where the workflow has ended and everything was read.
///
/// In a workflow every value that it gives, and its end, is a recorded call: a replay gets the same. There, one stream
/// is read at a time.
#[must_use = "nothing is read until `next` is awaited"]
pub struct StreamReader<T> {
    source: StreamSource,
    name: &'static str,
    workflow_id: String,
    key: String,
    /// The place of the next value.
    offset: i64,
    timeout: Option<Duration>,
    ahead: VecDeque<Stored>,
    ended: bool,
    value: PhantomData<fn() -> T>,
}

/// Who reads.
#[derive(Debug)]
pub(crate) enum StreamSource {
    Workflow(WorkflowContext),
    Outside(Arc<Engine>),
}

impl StreamSource {
    fn engine(&self) -> &Arc<Engine> {
        match self {
            Self::Workflow(ctx) => &ctx.execution().engine,
            Self::Outside(engine) => engine,
        }
    }
}

impl<T> fmt::Debug for StreamReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("workflow_id", &self.workflow_id)
            .field("key", &self.key)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// A read that has its place in the workflow.
enum Begun {
    /// The stream ended before.
    Ended,
    Recorded(Operation, Reading),
    Live,
    /// Another stream is being read.
    Raced(Error),
}

/// Marks that a workflow reads a stream, until it is dropped.
struct Reading(Arc<Execution>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.reading.store(false, Ordering::Release);
    }
}

impl<T: Value> StreamReader<T> {
    pub(crate) fn new(source: StreamSource, workflow_id: &str, key: &str) -> Self {
        Self {
            source,
            name: "DBOS.readStream",
            workflow_id: workflow_id.to_owned(),
            key: key.to_owned(),
            offset: 0,
            timeout: None,
            ahead: VecDeque::new(),
            ended: false,
            value: PhantomData,
        }
    }

    /// Begins at this entry instead of the first one, 0.
    pub fn offset(mut self, offset: u32) -> Self {
        self.offset = offset.into();
        self
    }

    /// Waits at most this long for each value; unless set, as long as the workflow runs.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The next value, when it is written; `None` at the end of the stream. From a workflow's code this is a recorded
    /// call, with its place fixed now.
    ///
    /// # Errors
    /// There is no such workflow; no value was written in time ([`Error::StreamTimedOut`]); the value is of another
    /// type, and the next read gets the value behind it; the workflow reads another stream right now
    /// ([`Error::StreamReadsRaced`]); the runtime is shutting down.
    ///
    /// # Cancel safety
    /// Outside, a read that is dropped can be made again. In a workflow its place stays empty.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that waits has this name everywhere"
    )]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<T>>> + Send + use<'_, T> {
        let begun = self.begin();
        self.finish(begun)
    }

    /// The value at one place: [`next`](Self::next) of a reader that reads nothing else.
    #[track_caller]
    pub(crate) fn only(mut self, offset: u32) -> impl Future<Output = Result<T>> + Send + use<T> {
        self.offset = offset.into();
        self.name = "DBOS.readStreamOffset";
        let begun = self.begin();
        async move {
            let value = self.finish(begun).await?;
            value.ok_or_else(|| self.timed_out())
        }
    }

    #[track_caller]
    fn begin(&self) -> Begun {
        if self.ended {
            return Begun::Ended;
        }
        let StreamSource::Workflow(ctx) = &self.source else {
            return Begun::Live;
        };
        let execution = ctx.execution();
        if execution.reading.swap(true, Ordering::AcqRel) {
            return Begun::Raced(Error::StreamReadsRaced {
                id: execution.workflow_id.clone(),
            });
        }
        let reading = Reading(Arc::clone(execution));
        Begun::Recorded(Operation::claim(ctx, self.name), reading)
    }

    async fn finish(&mut self, begun: Begun) -> Result<Option<T>> {
        match begun {
            Begun::Ended => Ok(None),
            Begun::Raced(error) => Err(error),
            Begun::Live => {
                let engine = Arc::clone(self.source.engine());
                let stored = tokio::select! {
                    biased;
                    stored = self.read(&engine) => stored?,
                    () = engine.reached(Phase::Stopped) => {
                        return Err(Error::ShuttingDown { id: self.workflow_id.clone() });
                    }
                };
                self.deliver(stored)
            }
            Begun::Recorded(operation, reading) => {
                let stored = operation
                    .watched()
                    .around(self.read_recorded(&operation))
                    .await;
                drop(reading);
                self.deliver(stored?)
            }
        }
    }

    /// What was recorded at this place, or what is in the stream, which is recorded.
    async fn read_recorded(&mut self, operation: &Operation) -> Result<Stored> {
        if let Some(recorded) = operation.recorded_value().await {
            return recorded;
        }
        let started_at = clock::now_ms();
        let engine = Arc::clone(self.source.engine());
        let read = self.read(&engine).await;
        operation.record(operation.step_with(started_at, &read));
        as_replayed(read)
    }

    /// The entry at the offset, when it is written; [`CLOSED`] at the end of the stream.
    async fn read(&mut self, engine: &Engine) -> Result<Stored> {
        if let Some(stored) = self.ahead.pop_front() {
            return Ok(stored);
        }
        let (id, key) = (
            plain("the workflow id", &self.workflow_id)?,
            plain("the stream", &self.key)?,
        );
        let notifier = &engine.notifier;
        let mut entries = notifier.interest(Channel::Streams, payload(&id, &key));
        let mut writer = notifier.interest(Channel::Completions, id.clone());
        let end = self
            .timeout
            .map(|limit| clock::now_ms().saturating_add(milliseconds(limit)));
        let mut had_finished = false;
        loop {
            entries.look();
            writer.look();
            let found = patiently(|| engine.store.entries(&id, &key, self.offset, AHEAD)).await?;
            let found = found.ok_or_else(|| Error::NoSuchWorkflow { id: id.clone() })?;
            let mut values = found.values.into_iter();
            if let Some(first) = values.next() {
                // The end of a stream is believed only at its own place: it may be taken back.
                self.ahead = values.take_while(|value| value.text != CLOSED).collect();
                return Ok(first);
            }
            if had_finished {
                return Ok(Stored {
                    text: CLOSED.to_owned(),
                    format: Some(PORTABLE_JSON.to_owned()),
                });
            }
            if found.is_finished {
                // A cancelled workflow may still have been writing: look once more.
                had_finished = true;
                continue;
            }
            let left = end.map_or(POLL, clock::until);
            if left.is_zero() {
                return Err(self.timed_out());
            }
            tokio::select! {
                () = entries.written() => {}
                () = writer.written() => {}
                () = clock::sleep(left.min(POLL)) => {}
            }
        }
    }

    fn deliver(&mut self, stored: Stored) -> Result<Option<T>> {
        if stored.text == CLOSED {
            self.ended = true;
            return Ok(None);
        }
        let (key, offset, id) = (&self.key, self.offset, &self.workflow_id);
        let value =
            stored.decode(|| format!("entry {offset} of stream `{key}` of workflow `{id}`"));
        self.offset += 1;
        value.map(Some)
    }

    fn timed_out(&self) -> Error {
        Error::StreamTimedOut {
            id: self.workflow_id.clone(),
            key: self.key.clone(),
            offset: self.offset,
        }
    }
}
