//! Messages, within workflows and steps.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use super::{StepContext, WorkflowContext};
use crate::call::{
    Message, Operation, SLEEP, Sender, Sending, Wait, as_replayed, plain, wake_time,
};
use crate::clock;
use crate::engine::payload;
use crate::error::{Error, Result};
use crate::store::{Channel, Effect, NO_TOPIC};
use crate::value::{Stored, Value};

impl WorkflowContext {
    /// Sends a message to the workflow of this id, which gets it with [`recv`](Self::recv). A recorded call: it is
    /// sent exactly once. A message to a workflow that has finished is kept, and read by nobody.
    ///
    /// # Errors
    /// When it is awaited: there is no such workflow ([`Error::NoSuchWorkflow`]), which is recorded too; the value
    /// cannot be written as JSON; something holds a NUL character.
    #[track_caller]
    pub fn send<V: Serialize + ?Sized>(
        &self,
        destination: &str,
        topic: Option<&str>,
        value: &V,
    ) -> Sending {
        let sender = Sender::Workflow(Operation::claim(self, "DBOS.send"));
        Sending::one(sender, destination, topic, value)
    }

    /// Sends several messages, all of them or none, in one recorded call.
    ///
    /// # Errors
    /// As [`send`](Self::send); two of the messages have one idempotency key.
    #[track_caller]
    pub fn send_bulk(&self, messages: impl IntoIterator<Item = Message>) -> Sending {
        let sender = Sender::Workflow(Operation::claim(self, "DBOS.send_bulk"));
        Sending::all(sender, messages)
    }

    /// Receives the oldest message of a topic (`None`: of those without a topic) that this workflow has not received
    /// yet, as soon as there is one; `None` when there is none after `timeout`. A message of `null` cannot be told from
    /// none.
    ///
    /// A recorded call, of two positions: every message is received exactly once, and the end of the wait survives a
    /// crash.
    ///
    /// # Errors
    /// The message is of another type; it counts as received. The topic holds a NUL character.
    ///
    /// # Cancel safety
    /// A call that is dropped at the moment of its receipt (a lost race) may have received a message, which is then
    /// gone.
    #[track_caller]
    pub fn recv<T: Value>(
        &self,
        topic: Option<&str>,
        timeout: Duration,
    ) -> impl Future<Output = Result<Option<T>>> + Send + use<T> {
        let operation = Operation::claim(self, "DBOS.recv");
        let deadline = Operation::claim(self, SLEEP);
        let topic = topic.unwrap_or(NO_TOPIC).to_owned();
        async move {
            let stored = operation
                .watched()
                .around(receive(&operation, &deadline, &topic, timeout))
                .await?;
            let id = &operation.execution.workflow_id;
            stored.decode_option(|| format!("a message of topic `{topic}` to workflow `{id}`"))
        }
    }
}

async fn receive(
    operation: &Operation,
    deadline: &Operation,
    topic: &str,
    timeout: Duration,
) -> Result<Stored> {
    if let Some(recorded) = operation.recorded_value().await {
        return recorded;
    }
    let topic = plain("the topic", topic)?;
    let started_at = clock::now_ms();
    let execution = &operation.execution;
    let (engine, id) = (&execution.engine, execution.workflow_id.as_str());
    let mut interest = engine
        .notifier
        .interest(Channel::Messages, payload(id, &topic));
    let end = wake_time(deadline, timeout, Wait::Timeout).await;
    let look = || async {
        let receiving = execution.receiving.lock().await;
        // Also a receipt whose call was dropped is committed before the next look: no message is taken twice.
        execution.durable().await;
        let message = engine.store.next_message(id, &topic).await?;
        Ok(message.map(|message| (receiving, message)))
    };
    let received = engine.look_until(&mut interest, end, look).await;
    let (receiving, result) = match received {
        Ok(Some((receiving, message))) => (Some((receiving, message.id)), Ok(message.value)),
        Ok(None) => (None, Ok(Stored::null())),
        Err(error) => (None, Err(Error::from(error))),
    };
    let step = operation.step_with(started_at, &result);
    match receiving {
        Some((receiving, message_id)) => {
            operation
                .commit(step, vec![Effect::Consume { message_id }])
                .await;
            drop(receiving);
        }
        None => operation.record(step),
    }
    as_replayed(result)
}

impl StepContext {
    /// Sends a message to the workflow of this id while the step runs. Not recorded: a step that runs again sends it
    /// again, unless it has an [idempotency key](Sending::idempotency_key).
    ///
    /// # Errors
    /// When it is awaited: there is no such workflow; the value cannot be written as JSON; something holds a NUL
    /// character; the database refuses.
    pub fn send<V: Serialize + ?Sized>(
        &self,
        destination: &str,
        topic: Option<&str>,
        value: &V,
    ) -> Sending {
        Sending::one(Sender::Step(self.clone()), destination, topic, value)
    }
}
