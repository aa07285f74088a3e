//! The schema version of a DBOS system database, and what a database at some version needs.
//!
//! From 100 up a number means the same change in every SDK; below it each SDK counted its own
//! history, so only the SDK that began such a database can bring it to 100.

/// The schema version this crate reads and writes.
pub(crate) const VERSION: i64 = 125;

const FIRST_SHARED_VERSION: i64 = 100;

/// What brings a database to [`VERSION`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The database holds no system tables yet.
    Everything,
    /// The steps after this version are missing.
    StepsAfter(i64),
    /// The version is this crate's, or a later one, which only adds to it.
    Nothing,
}

impl Need {
    /// Reads the need off the recorded version; a database without one counts as 0.
    pub(crate) fn at(version: i64) -> Option<Self> {
        match version {
            VERSION.. => Some(Self::Nothing),
            FIRST_SHARED_VERSION.. => Some(Self::StepsAfter(version)),
            0 => Some(Self::Everything),
            _ => None,
        }
    }
}

/// Why a system database could not be brought to [`VERSION`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum MigrationError {
    /// The database was begun by another SDK and stopped before the shared version numbers.
    #[error(
        "the DBOS system database in {database} is at schema version {found}, but migrations are \
         shared between SDKs only from version {FIRST_SHARED_VERSION} on: run `dbos migrate` \
         (DBOS for Python, 3.4 or later) on this database once, then start again"
    )]
    BeforeSharedVersions {
        /// The name of the database, or the path of its file.
        database: String,
        /// The version recorded in it.
        found: i64,
    },
    /// Another process kept the migration lock for too long.
    #[cfg(feature = "postgres")]
    #[error(
        "the system database in {database} needs migrating, but {holder} has held the migration \
         lock for {waited:.1?}: let it finish, or end it with pg_terminate_backend, and start again"
    )]
    Locked {
        /// The name of the database.
        database: String,
        /// The server process that holds the lock.
        holder: String,
        /// How long the lock was waited for.
        waited: std::time::Duration,
    },
    /// A migration failed; what came before it stays applied and recorded.
    #[error(
        "migrating the system database to schema version {version} failed; when the cause is \
         removed, the next start continues there: {cause}"
    )]
    Step {
        /// The version that was not reached.
        version: i64,
        /// What the database said.
        cause: sqlx::Error,
    },
    /// The recorded version or the migration lock could not be read or changed.
    #[error("reading the schema version of the system database failed: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for MigrationError {
    fn from(cause: sqlx::Error) -> Self {
        Self::Database(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::{Need, VERSION};

    #[test]
    fn only_the_shared_versions_can_be_continued() {
        for (version, need) in [
            (0, Some(Need::Everything)),
            (1, None),
            (99, None),
            (100, Some(Need::StepsAfter(100))),
            (VERSION - 1, Some(Need::StepsAfter(VERSION - 1))),
            (VERSION, Some(Need::Nothing)),
            (VERSION + 1, Some(Need::Nothing)),
        ] {
            assert_eq!(Need::at(version), need, "at version {version}");
        }
    }
}
