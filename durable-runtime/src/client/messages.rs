//! Messages, from outside.

use std::sync::Arc;

use serde::Serialize;

use super::Client;
use crate::call::{self, Message, Sender, Sending};
use crate::context::Connection;
use crate::error::Result;

impl Client {
    /// Sends a message to the workflow of this id. It is durable when the call returns.
    ///
    /// # Errors
    /// When it is awaited: there is no such workflow ([`Error::NoSuchWorkflow`](crate::Error::NoSuchWorkflow)); the
    /// value cannot be written as JSON; something holds a NUL character; the database refuses.
    pub fn send<V: Serialize + ?Sized>(
        &self,
        destination: &str,
        topic: Option<&str>,
        value: &V,
    ) -> Sending {
        let sender = Sender::Outside(Arc::clone(self.engine()));
        Sending::one(sender, destination, topic, value)
    }

    /// Sends several messages, all of them or none.
    ///
    /// # Errors
    /// As [`send`](Self::send); two of the messages have one idempotency key.
    pub fn send_bulk(&self, messages: impl IntoIterator<Item = Message>) -> Sending {
        Sending::all(Sender::Outside(Arc::clone(self.engine())), messages)
    }

    /// Sends messages in the caller's own transaction, on the database of this client: they are there when it commits,
    /// and never were when it rolls back.
    ///
    /// # Errors
    /// As [`send_bulk`](Self::send_bulk). After an error of the database the transaction has to be rolled back.
    pub async fn send_in(&self, connection: Connection<'_>, messages: &[Message]) -> Result<()> {
        call::send_in(&mut connection.into(), messages).await
    }
}
