//! Gives the rows of one application to another.

use super::Client;
use crate::error::{Error, Result};
use crate::store::{RenameRequest, RenamedRows};

impl Client {
    /// Makes `name` the owner of rows, when it [runs](RenameApplication::run). Nobody must run workflows of the
    /// application meanwhile.
    pub fn rename_application(&self, name: impl Into<String>) -> RenameApplication<'_> {
        RenameApplication {
            client: self,
            request: RenameRequest {
                from: None,
                unclaimed: false,
                to: name.into(),
                batch: 10_000,
            },
        }
    }
}

/// A renaming that has not happened yet.
#[derive(Debug)]
#[must_use = "nothing is renamed before `run`"]
pub struct RenameApplication<'c> {
    client: &'c Client,
    request: RenameRequest,
}

impl RenameApplication<'_> {
    /// The rows of this application.
    pub fn from(mut self, name: impl Into<String>) -> Self {
        self.request.from = Some(name.into());
        self
    }

    /// Also, or only, the rows of no application.
    pub fn adopt_unclaimed(mut self) -> Self {
        self.request.unclaimed = true;
        self
    }

    /// How many rows of history change hands in one transaction; 10 000 unless set.
    pub fn batch_size(mut self, count: u32) -> Self {
        self.request.batch = i64::from(count);
        self
    }

    /// Renames; says how many rows have a new owner. Queues, schedules, versions and unfinished workflows change hands
    /// in one transaction, history after that: when it is interrupted, running it again does the rest.
    ///
    /// # Errors
    /// It is not said whose rows, or a name is not usable, [`Error::Misuse`]; or the database refuses.
    pub async fn run(self) -> Result<RenamedRows> {
        let request = &self.request;
        let misuse = |text: String| Err(Error::Misuse(text));
        let name = &request.to;
        let usable = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if !(3..=256).contains(&name.len()) || !name.bytes().all(usable) {
            return misuse(format!(
                "`{name}` cannot be the name of an application: it has 3 to 256 of the characters a-z, 0-9, - and _"
            ));
        }
        match request.from.as_deref() {
            None if !request.unclaimed => {
                misuse("say whose rows: add `.from(...)`, `.adopt_unclaimed()`, or both".to_owned())
            }
            Some("") => misuse("no application has an empty name".to_owned()),
            Some(from) if from == name => {
                misuse(format!("the application is called `{name}` already"))
            }
            _ if request.batch == 0 => misuse("a batch has at least one row".to_owned()),
            _ => Ok(self.client.engine.store.rename_application(request).await?),
        }
    }
}
