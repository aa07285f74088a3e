//! Streams, from outside.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use crate::call::{StreamReader, StreamSource};
use crate::error::Result;
use crate::value::Value;

impl Client {
    /// Reads a stream of a workflow from its beginning, while it is being written.
    pub fn read_stream<T: Value>(&self, workflow_id: &str, key: &str) -> StreamReader<T> {
        let source = StreamSource::Outside(Arc::clone(self.engine()));
        StreamReader::new(source, workflow_id, key)
    }

    /// The value at one place of a stream, from 0, as soon as it is written.
    ///
    /// # Errors
    /// There is no such workflow; the value was not written in time, or the stream ends before
    /// ([`Error::StreamTimedOut`](crate::Error::StreamTimedOut)); it is of another type; the runtime is shutting down.
    pub async fn read_stream_offset<T: Value>(
        &self,
        workflow_id: &str,
        key: &str,
        offset: u32,
        timeout: Option<Duration>,
    ) -> Result<T> {
        let reader = self.read_stream(workflow_id, key);
        let reader = match timeout {
            Some(limit) => reader.timeout(limit),
            None => reader,
        };
        reader.only(offset).await
    }
}
