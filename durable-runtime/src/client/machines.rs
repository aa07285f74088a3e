//! What the code of deployed versions looks like, whether or not this program has it.

use super::Client;
use crate::error::Result;
use crate::machine::{DeployedMachine, Machine, MachineFilter};

impl Client {
    /// The machine of the code that a run has been running under, as it was when the run made its last record. `None`
    /// when there is no such run, or when its version was launched by a program that keeps no machines, as one in
    /// another language.
    ///
    /// # Errors
    /// The database cannot be read, or no program with workflows of this library was ever launched on it.
    pub async fn machine(&self, workflow_id: &str) -> Result<Option<Machine>> {
        let store = &self.engine.store;
        store.check_own_tables().await?;
        let found = store.machine_of(workflow_id, None).await?;
        Ok(found.map(|found| found.machine))
    }

    /// The machines of all versions that were ever launched on this database, each once, the oldest first.
    ///
    /// ```no_run
    /// # async fn example(client: durable_runtime::Client) -> durable_runtime::Result<()> {
    /// use durable_runtime::MachineFilter;
    ///
    /// for deployed in client.machines(MachineFilter::new().name("checkout")).await? {
    ///     println!("{} has code {}", deployed.application_version, deployed.machine.code);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`machine`](Self::machine).
    pub async fn machines(&self, filter: MachineFilter) -> Result<Vec<DeployedMachine>> {
        let store = &self.engine.store;
        store.check_own_tables().await?;
        Ok(store.machines(&filter).await?)
    }
}
