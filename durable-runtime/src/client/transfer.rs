//! Takes workflows out of a database, and puts them into another.

use serde_json::Value as Json;

use super::Client;
use crate::call::WorkflowIds;
use crate::error::Result;

impl Client {
    /// Everything that is recorded about workflows, as one document: their rows, arguments, outcomes, steps, messages,
    /// events and streams at one moment. The workflows stay where they are.
    ///
    /// # Errors
    /// One of them does not exist, [`Error::NoSuchWorkflow`](crate::Error::NoSuchWorkflow).
    pub async fn export(&self, ids: impl Into<WorkflowIds>) -> Result<Json> {
        self.engine.store.export(&ids.into().0, false).await
    }

    /// The same, with everything that they started.
    ///
    /// # Errors
    /// As for [`export`](Self::export).
    pub async fn export_with_children(&self, ids: impl Into<WorkflowIds>) -> Result<Json> {
        self.engine.store.export(&ids.into().0, true).await
    }

    /// Puts the workflows of a document into the database as they were, also those that had not finished: a process
    /// with their executor id and version takes them up at its next launch. Says which they are.
    ///
    /// # Errors
    /// It is no such document, [`Error::Misuse`](crate::Error::Misuse); or one of its workflows is in the database,
    /// [`Error::WorkflowIdInUse`](crate::Error::WorkflowIdInUse). Then none is imported.
    pub async fn import(&self, document: &Json) -> Result<Vec<String>> {
        self.engine.store.import(document).await
    }
}
