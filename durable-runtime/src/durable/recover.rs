use super::Durable;
use crate::error::Result;
use crate::store::Recovery;

impl Durable {
    /// Takes up the interrupted workflows of other executors, under this application and version, and says which. It is
    /// rarely needed: leases do it by themselves, for executors of this library. Use it for executors that hold none,
    /// as those of DBOS, or to not wait for a lease to run out.
    ///
    /// The workflows go back on their queues, and whoever serves these goes on with them. One that is still running
    /// somewhere is taken away from there. Durable when this returns.
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
        let engine = self.engine();
        let recovery = Recovery::of(&executor_ids, &engine.identity);
        Ok(engine.recover(&recovery).await?)
    }
}
