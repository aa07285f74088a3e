//! Queues, registered and changed at run time: by a client, or by a runtime.

use super::Client;
use crate::durable::Durable;
use crate::error::{Error, Result};
use crate::queue::{OnConflict, Queue};
use crate::store::{RegisteredQueue, Registrar};

impl Client {
    /// Registers a queue, or gives the one of that name these limits; see [`Queue::on_conflict`]. Returns it as it is
    /// in the database then. The processes of the application serve it within a second, and a changed limit counts
    /// from their next poll.
    ///
    /// # Errors
    /// The limits contradict each other; the policy is [`OnConflict::UpdateIfLatestVersion`], and a client has no
    /// version; the queue belongs to another application; the database cannot be written.
    pub async fn register_queue(&self, queue: &Queue) -> Result<RegisteredQueue> {
        check(queue)?;
        if queue.on_conflict == Some(OnConflict::UpdateIfLatestVersion) {
            return Err(Error::Misuse(format!(
                "queue `{}`: a client runs no application version, so it cannot update a queue only if it runs the \
                 latest; use `OnConflict::AlwaysUpdate` or `OnConflict::NeverUpdate`",
                queue.name()
            )));
        }
        let application = self.application_name();
        let registrar = Registrar {
            application,
            version: None,
        };
        let store = &self.engine().store;
        Ok(store.register_queue(queue, registrar).await?)
    }

    /// A registered queue.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn queue(&self, name: &str) -> Result<Option<RegisteredQueue>> {
        Ok(self.engine().store.queue(name).await?)
    }

    /// The registered queues of the client's application and those without an owner, by name. Without an application,
    /// all.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn list_queues(&self) -> Result<Vec<RegisteredQueue>> {
        Ok(self.engine().store.queues(self.application_name()).await?)
    }

    /// Deletes a queue: nothing more is taken off it. What waits on it stays, and is taken when the queue is
    /// registered again. Returns whether there was one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_queue(&self, name: &str) -> Result<bool> {
        Ok(self.engine().store.delete_queue(name).await?)
    }
}

impl Durable {
    /// Registers a queue, or gives the one of that name these limits; see [`Queue::on_conflict`]. Returns it as it is
    /// in the database then. This process serves it from now on (unless it
    /// [listens](crate::Builder::listen_queues) to others only), the others within a second.
    ///
    /// # Errors
    /// The limits contradict each other; the queue belongs to another application; the database cannot be written.
    pub async fn register_queue(&self, queue: &Queue) -> Result<RegisteredQueue> {
        check(queue)?;
        let engine = self.engine();
        let identity = &engine.identity;
        let registrar = Registrar {
            application: identity.application_name.as_deref(),
            version: Some(&identity.application_version),
        };
        let registered = engine.store.register_queue(queue, registrar).await?;
        engine.rescan_queues().await?;
        Ok(registered)
    }

    /// A registered queue.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn queue(&self, name: &str) -> Result<Option<RegisteredQueue>> {
        Ok(self.engine().store.queue(name).await?)
    }

    /// The registered queues of this application and those without an owner, by name. Without an application, all.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn list_queues(&self) -> Result<Vec<RegisteredQueue>> {
        let application = self.engine().identity.application_name.as_deref();
        Ok(self.engine().store.queues(application).await?)
    }

    /// Deletes a queue: nothing more is taken off it, here from now on, elsewhere within a second. What waits on it
    /// stays, and is taken when the queue is registered again; what runs goes on. Returns whether there was one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_queue(&self, name: &str) -> Result<bool> {
        let existed = self.engine().store.delete_queue(name).await?;
        self.engine().rescan_queues().await?;
        Ok(existed)
    }
}

fn check(queue: &Queue) -> Result<()> {
    queue
        .problem()
        .map_or(Ok(()), |problem| Err(Error::Misuse(problem)))
}
