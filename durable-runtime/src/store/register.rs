//! What a launch announces: its application version and its queues.

use super::machines::{self, KeptMachine};
use super::migrations;
use super::queues::{self, Registrar};
use super::row::Identity;
use super::sql::{first, params};
use super::{Isolation, Store, StoreResult};
use crate::error::StoreError;
use crate::ids;
use crate::queue::Queue;

const INTENT: &str = "register the application version and the queues";

/// No constraint is named: a version of another process that comes at the same moment may be met in either of the two
/// unique indexes that hold its name.
const VERSION: &str = "
    INSERT INTO dbos.application_versions (version_id, version_name, application_name)
    VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";

const VERSION_OWNER: &str =
    "SELECT application_name FROM dbos.application_versions WHERE version_name = $1";

/// Gives a version that nobody owns to an application, and tells whose it is then.
const CLAIM_VERSION: &str = "
    UPDATE dbos.application_versions SET application_name = COALESCE(application_name, $2)
    WHERE version_name = $1
    RETURNING application_name";

const SCHEMA_VERSION: &str = "SELECT max(version) FROM dbos.dbos_migrations";

impl dyn Store {
    /// Checks that the database holds the tables of this crate's version, or a later one, and changes nothing.
    pub(crate) async fn check_version(&self) -> StoreResult<()> {
        let intent =
            "read the schema version; has a program with workflows, or `dbos migrate`, run on it";
        let rows = self.read(intent, SCHEMA_VERSION, params![]).await?;
        let found = first::<Option<i64>>(rows)?.flatten().unwrap_or_default();
        if found < migrations::VERSION {
            return Err(StoreError::OldSchema {
                found,
                wanted: migrations::VERSION,
            });
        }
        Ok(())
    }

    /// Announces this application version with the machines of its workflows, and these queues.
    pub(crate) async fn register(
        &self,
        identity: &Identity,
        machines: &[KeptMachine],
        queues: &[Queue],
    ) -> StoreResult<()> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let application = &identity.application_name;
        let version = &identity.application_version;
        let params = params![ids::token(), version, application];
        transaction.query(INTENT, VERSION, params).await?;
        let rows = transaction
            .query(INTENT, VERSION_OWNER, params![version])
            .await?;
        let mut owner = first::<Option<String>>(rows)?.flatten();
        if owner.is_none() && application.is_some() {
            let rows = transaction
                .query(INTENT, CLAIM_VERSION, params![version, application])
                .await?;
            owner = first::<Option<String>>(rows)?.flatten();
        }
        identity.check_owner("application version", version, owner)?;
        machines::keep(&mut transaction, INTENT, version, machines).await?;
        let registrar = Registrar {
            application: application.as_deref(),
            version: Some(version),
        };
        for queue in queues {
            queues::register(&mut transaction, queue, registrar).await?;
        }
        transaction.commit(&[]).await?;
        Ok(())
    }
}
