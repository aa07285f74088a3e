//! Events, within workflows and steps.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use super::{StepContext, WorkflowContext};
use crate::call::{Operation, SLEEP, Wait, as_replayed, payload, plain, wake_time};
use crate::clock;
use crate::engine::{self, Engine, milliseconds, patiently};
use crate::error::Result;
use crate::store::{Channel, Effect, Payload};
use crate::value::{Stored, Value};

impl WorkflowContext {
    /// Publishes a value under a key of this workflow, for everybody to read; the latest value counts. A recorded
    /// call: the event is written exactly once, with the record.
    ///
    /// It does not wait until the event is durable: it becomes so before the next effect of the workflow.
    ///
    /// # Errors
    /// The value cannot be written as JSON, or the key holds a NUL character.
    #[track_caller]
    pub fn set_event<V: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &V,
    ) -> impl Future<Output = Result<()>> + Send + use<V> {
        let operation = Operation::claim(self, "DBOS.setEvent");
        let event = event(key, value);
        async move {
            let (key, value) = event?;
            let set = async {
                if operation.recorded().await.is_none() {
                    let mut step = operation.step(clock::now_ms());
                    step.effects.push(Effect::Event { key, value });
                    operation.record(step);
                }
            };
            operation.watched().around(set).await;
            Ok(())
        }
    }

    /// The value that a workflow published under a key, as soon as there is one; `None` when there is none after
    /// `timeout`. The workflow need not exist yet. A value of `null` cannot be told from none.
    ///
    /// A recorded call, of two positions: both the value and the end of the wait survive a crash.
    ///
    /// # Errors
    /// The value is of another type; the key or id holds a NUL character.
    #[track_caller]
    pub fn get_event<T: Value>(
        &self,
        workflow_id: &str,
        key: &str,
        timeout: Duration,
    ) -> impl Future<Output = Result<Option<T>>> + Send + use<T> {
        let operation = Operation::claim(self, "DBOS.getEvent");
        let deadline = Operation::claim(self, SLEEP);
        let (id, key) = (workflow_id.to_owned(), key.to_owned());
        async move {
            if let Some(recorded) = operation.recorded_value().await {
                return decode(&recorded?, &id, &key);
            }
            let (id, key) = (plain("the workflow id", &id)?, plain("the key", &key)?);
            let started_at = clock::now_ms();
            let engine = &operation.execution.engine;
            let end = wake_time(&deadline, timeout, Wait::Timeout).await;
            let waited = async {
                operation.execution.durable().await;
                wait(engine, &id, &key, end).await
            };
            let stored = operation.watched().around(waited).await;
            let stored = stored.map(|stored| stored.unwrap_or_else(Stored::null));
            operation.record(operation.step_with(started_at, &stored));
            decode(&as_replayed(stored)?, &id, &key)
        }
    }

    /// Every key that a workflow published a value under, with its latest value. A recorded call.
    ///
    /// A value in a format that cannot be read is given as a string of its text.
    ///
    /// # Errors
    /// The database refuses.
    #[track_caller]
    pub fn all_events(
        &self,
        workflow_id: &str,
    ) -> impl Future<Output = Result<BTreeMap<String, Json>>> + Send + use<> {
        let operation = Operation::claim(self, "DBOS.get_events");
        let engine = std::sync::Arc::clone(&operation.execution.engine);
        let id = workflow_id.to_owned();
        operation.run(async move { all(&engine, &id).await })
    }
}

impl StepContext {
    /// Publishes a value under a key of the workflow, for everybody to read, while the step runs. It is durable when
    /// this returns, and not recorded: a step that runs again publishes it again.
    ///
    /// # Errors
    /// The value cannot be written as JSON; the key holds a NUL character; the database refuses.
    pub fn set_event<V: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &V,
    ) -> impl Future<Output = Result<()>> + Send + use<'_, V> {
        let event = event(key, value);
        async move {
            let (key, value) = event?;
            let engine = &self.execution.engine;
            let writer = self.writer();
            let set = patiently(|| engine.store.set_event(&writer, &key, &value)).await?;
            if !set {
                return self.fenced().await;
            }
            let written = engine::payload(self.workflow_id(), &key);
            engine.notifier.wrote(Channel::Events, written);
            Ok(())
        }
    }

    /// As [`WorkflowContext::get_event`], and not recorded: a step that runs again looks again.
    ///
    /// # Errors
    /// The value is of another type; the key or id holds a NUL character; the database refuses.
    pub async fn get_event<T: Value>(
        &self,
        workflow_id: &str,
        key: &str,
        timeout: Duration,
    ) -> Result<Option<T>> {
        get(&self.execution.engine, workflow_id, key, timeout).await
    }
}

fn event<V: Serialize + ?Sized>(key: &str, value: &V) -> Result<(String, Payload)> {
    let value = payload(value, || format!("the event `{key}`"))?;
    Ok((plain("the key", key)?, value))
}

fn decode<T: Value>(stored: &Stored, id: &str, key: &str) -> Result<Option<T>> {
    stored.decode_option(|| format!("the event `{key}` of workflow `{id}`"))
}

async fn wait(engine: &Engine, id: &str, key: &str, end: i64) -> Result<Option<Stored>> {
    let written = engine::payload(id, key);
    let mut interest = engine.notifier.interest(Channel::Events, written);
    let look = || engine.store.event(id, key);
    Ok(engine.look_until(&mut interest, end, look).await?)
}

/// Waits for an event without recording it.
pub(crate) async fn get<T: Value>(
    engine: &Engine,
    workflow_id: &str,
    key: &str,
    timeout: Duration,
) -> Result<Option<T>> {
    let (id, key) = (
        plain("the workflow id", workflow_id)?,
        plain("the key", key)?,
    );
    let end = clock::now_ms().saturating_add(milliseconds(timeout));
    let stored = wait(engine, &id, &key, end).await?;
    decode(&stored.unwrap_or_else(Stored::null), &id, &key)
}

/// Every event of a workflow.
pub(crate) async fn all(engine: &Engine, workflow_id: &str) -> Result<BTreeMap<String, Json>> {
    let id = plain("the workflow id", workflow_id)?;
    let events = patiently(|| engine.store.events(&id)).await?;
    let events = events.into_iter();
    Ok(events
        .map(|(key, stored)| (key, stored.to_json()))
        .collect())
}
