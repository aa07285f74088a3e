//! Events, from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::Client;
use crate::context;
use crate::engine::Phase;
use crate::error::{Error, Result};
use crate::value::Value;

impl Client {
    /// The value that a workflow published under a key, as soon as there is one; `None` when there is none after
    /// `timeout`. The workflow need not exist yet. A value of `null` cannot be told from none.
    ///
    /// # Errors
    /// The value is of another type; the key or id holds a NUL character; the database refuses; the runtime is
    /// shutting down.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn get_event<T: Value>(
        &self,
        workflow_id: &str,
        key: &str,
        timeout: Duration,
    ) -> Result<Option<T>> {
        let engine = self.engine();
        tokio::select! {
            biased;
            value = context::get_event(engine, workflow_id, key, timeout) => value,
            () = engine.reached(Phase::Stopped) => {
                Err(Error::ShuttingDown { id: workflow_id.to_owned() })
            }
        }
    }

    /// Every key that a workflow published a value under, with its latest value. A value in a format that cannot be
    /// read is given as a string of its text.
    ///
    /// # Errors
    /// The id holds a NUL character; the database refuses.
    pub async fn all_events(&self, workflow_id: &str) -> Result<BTreeMap<String, Json>> {
        context::all_events(self.engine(), workflow_id).await
    }
}
