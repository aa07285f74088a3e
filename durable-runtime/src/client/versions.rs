//! Application versions: which there are, and which is the latest.

use super::Client;
use crate::error::{Error, Result};
use crate::store::ApplicationVersion;

impl Client {
    /// The versions of the application, and of none, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn versions(&self) -> Result<Vec<ApplicationVersion>> {
        let application = self.application_name();
        Ok(self.engine.store.versions(application).await?)
    }

    /// The latest version: the one that takes what is enqueued without a version.
    ///
    /// # Errors
    /// No version was ever launched, [`Error::Misuse`]; or the database cannot be read.
    pub async fn latest_version(&self) -> Result<ApplicationVersion> {
        let latest = self.versions().await?.into_iter().next();
        latest.ok_or_else(|| {
            Error::Misuse("no application version was ever launched on this database".to_owned())
        })
    }

    /// Makes a version that was launched before the latest one, from now on. One without an owner becomes the
    /// application's.
    ///
    /// # Errors
    /// It was never launched, [`Error::Misuse`]; or it is another application's.
    pub async fn set_latest_version(&self, name: &str) -> Result<()> {
        let application = self.application_name();
        self.engine.store.promote_version(name, application).await
    }
}
