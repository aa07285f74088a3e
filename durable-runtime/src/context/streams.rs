//! Streams, within workflows and steps.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use super::{StepContext, WorkflowContext};
use crate::call::{CLOSED, Operation, StreamReader, StreamSource, payload, plain};
use crate::clock;
use crate::engine::{self, patiently};
use crate::error::Result;
use crate::store::{Channel, Effect, Payload};
use crate::value::{PORTABLE_JSON, Value};

impl WorkflowContext {
    /// Appends a value to a stream of this workflow, for everybody to read. A recorded call: the value is appended
    /// exactly once, with the record.
    ///
    /// It does not wait until the value is durable: it becomes so before the next effect of the workflow.
    ///
    /// # Errors
    /// The value cannot be written as JSON, or the key holds a NUL character.
    #[track_caller]
    pub fn write_stream<V: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &V,
    ) -> impl Future<Output = Result<()>> + Send + use<V> {
        let operation = Operation::claim(self, "DBOS.writeStream");
        append(operation, entry(key, value))
    }

    /// Ends a stream of this workflow: readers stop here. A recorded call, as [`write_stream`](Self::write_stream).
    /// Nothing keeps a workflow from appending more, but nobody reads it.
    ///
    /// # Errors
    /// The key holds a NUL character.
    #[track_caller]
    pub fn close_stream(&self, key: &str) -> impl Future<Output = Result<()>> + Send + use<> {
        let operation = Operation::claim(self, "DBOS.closeStream");
        append(operation, end(key))
    }

    /// Reads a stream of a workflow from its beginning. Each value is a recorded call of its own.
    pub fn read_stream<T: Value>(&self, workflow_id: &str, key: &str) -> StreamReader<T> {
        StreamReader::new(StreamSource::Workflow(self.clone()), workflow_id, key)
    }

    /// The value at one place of a stream, from 0, as soon as it is written. A recorded call.
    ///
    /// # Errors
    /// There is no such workflow; the value was not written in time, or the stream ends before
    /// ([`Error::StreamTimedOut`](crate::Error::StreamTimedOut)); it is of another type; a stream is being read right
    /// now.
    #[track_caller]
    pub fn read_stream_offset<T: Value>(
        &self,
        workflow_id: &str,
        key: &str,
        offset: u32,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<T>> + Send + use<T> {
        let reader = self.read_stream(workflow_id, key);
        match timeout {
            Some(limit) => reader.timeout(limit),
            None => reader,
        }
        .only(offset)
    }
}

impl StepContext {
    /// Appends a value to a stream of the workflow while the step runs. It is durable when this returns, and not
    /// recorded: a step that runs again appends again.
    ///
    /// # Errors
    /// The value cannot be written as JSON; the key holds a NUL character; the database refuses.
    pub fn write_stream<V: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &V,
    ) -> impl Future<Output = Result<()>> + Send + use<'_, V> {
        self.append(entry(key, value))
    }

    /// Ends a stream of the workflow, as [`write_stream`](Self::write_stream) appends to it.
    ///
    /// # Errors
    /// The key holds a NUL character; the database refuses.
    pub fn close_stream(&self, key: &str) -> impl Future<Output = Result<()>> + Send + use<'_> {
        self.append(end(key))
    }

    async fn append(&self, entry: Result<(String, Payload)>) -> Result<()> {
        let (key, value) = entry?;
        let engine = &self.execution.engine;
        let writer = self.writer();
        let appended = patiently(|| engine.store.append(&writer, &key, &value)).await?;
        if !appended {
            return self.fenced().await;
        }
        let written = engine::payload(self.workflow_id(), &key);
        engine.notifier.wrote(Channel::Streams, written);
        Ok(())
    }
}

async fn append(operation: Operation, entry: Result<(String, Payload)>) -> Result<()> {
    let (key, value) = entry?;
    let append = async {
        if operation.recorded().await.is_none() {
            let mut step = operation.step(clock::now_ms());
            step.effects.push(Effect::Append { key, value });
            operation.record(step);
        }
    };
    operation.watched().around(append).await;
    Ok(())
}

fn entry<V: Serialize + ?Sized>(key: &str, value: &V) -> Result<(String, Payload)> {
    let value = payload(value, || format!("an entry of stream `{key}`"))?;
    Ok((plain("the stream", key)?, value))
}

fn end(key: &str) -> Result<(String, Payload)> {
    let closed = Payload {
        text: CLOSED.to_owned(),
        format: PORTABLE_JSON.into(),
    };
    Ok((plain("the stream", key)?, closed))
}
