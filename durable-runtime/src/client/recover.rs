use super::Client;
use crate::error::Result;
use crate::store::Recovery;

impl Client {
    /// Puts the interrupted workflows of executors back on their queues, those of every version, and says which.
    /// Executors of the version that began them go on with them. One that is still running somewhere is taken away from
    /// there. Durable when this returns.
    ///
    /// # Errors
    /// The database cannot be written.
    ///
    /// # Cancel safety
    /// Dropped, it has happened or not; asking again does no harm.
    pub async fn recover<I: Into<String>>(
        &self,
        executor_ids: impl IntoIterator<Item = I>,
    ) -> Result<Vec<String>> {
        let executor_ids: Vec<String> = executor_ids.into_iter().map(Into::into).collect();
        let recovery = Recovery {
            executor_ids: &executor_ids,
            version: None,
            application: self.application_name(),
            spare: &[],
        };
        Ok(self.engine().recover(&recovery).await?)
    }
}
