//! The application versions that have run on this database.

use serde::{Deserialize, Serialize};

use super::sql::{Row, first, params};
use super::{Isolation, Store, StoreResult};
use crate::error::{Error, Result, StoreError};

/// A version of an application. What is started without a version goes to the latest one. Times are milliseconds since
/// the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApplicationVersion {
    /// Its id in the database.
    pub version_id: String,
    /// Its name: what a program was launched with.
    pub version_name: String,
    /// When it became the latest.
    pub version_timestamp_ms: i64,
    /// When it was launched first.
    pub created_at_ms: i64,
    /// The application that it is a version of, if it has a name.
    pub application_name: Option<String>,
}

const LIST: &str = "
    SELECT version_id, version_name, version_timestamp, created_at, application_name
    FROM dbos.application_versions
    WHERE $1 IS NULL OR application_name IS NULL OR application_name = $1
    ORDER BY version_timestamp DESC, created_at DESC, version_id";

const OWNER: &str = "
    SELECT application_name FROM dbos.application_versions WHERE version_name = $1
    {pg:FOR UPDATE}";

/// Later than all others of the application, even when they are of this millisecond.
const PROMOTE: &str = "
    UPDATE dbos.application_versions
    SET application_name = COALESCE(application_name, $2),
        version_timestamp = CASE WHEN {now} > latest.at THEN {now}
                                 ELSE latest.at + 1 END
    FROM (SELECT COALESCE(max(version_timestamp), 0) AS at FROM dbos.application_versions
          WHERE version_name <> $1
            AND ($2 IS NULL OR application_name IS NULL OR application_name = $2)) AS latest
    WHERE version_name = $1";

impl dyn Store {
    /// The versions of this application and of none, the latest first; of all applications when it is not given.
    pub(crate) async fn versions(
        &self,
        application: Option<&str>,
    ) -> StoreResult<Vec<ApplicationVersion>> {
        let rows = self
            .read("list application versions", LIST, params![application])
            .await?;
        rows.into_iter().map(version).collect()
    }

    /// Makes a version the latest one.
    pub(crate) async fn promote_version(
        &self,
        name: &str,
        application: Option<&str>,
    ) -> Result<()> {
        let intent = "make an application version the latest";
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let owner = transaction.query(intent, OWNER, params![name]).await?;
        let Some(owner) = first::<Option<String>>(owner)? else {
            return Err(Error::Misuse(format!(
                "no application version `{name}` was ever launched on this database"
            )));
        };
        match (owner, application) {
            (Some(owner), Some(ours)) if owner != ours => {
                return Err(Error::from(StoreError::Owned {
                    kind: "application version",
                    name: name.to_owned(),
                    owner,
                }));
            }
            _ => {}
        }
        let params = params![name, application];
        transaction.query(intent, PROMOTE, params).await?;
        transaction.commit(&[]).await?;
        Ok(())
    }
}

fn version(mut row: Row) -> StoreResult<ApplicationVersion> {
    Ok(ApplicationVersion {
        version_id: row.take(0)?,
        version_name: row.take(1)?,
        version_timestamp_ms: row.take(2)?,
        created_at_ms: row.take(3)?,
        application_name: row.take(4)?,
    })
}
