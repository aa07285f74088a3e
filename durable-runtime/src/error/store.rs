/// Why the database did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no database that this build can open.
    #[error(
        "`{url}` is not a database URL that this program can open; write `sqlite://app.db` or `postgres://user@host/database` (each needs its feature)"
    )]
    UnknownUrl {
        /// The URL.
        url: String,
    },
    /// The database could not be opened.
    #[error("cannot open the database {url}: {cause}")]
    Open {
        /// The URL, without its password.
        url: String,
        /// The driver's error.
        cause: sqlx::Error,
    },
    /// The schema could not be brought to the version this crate writes.
    #[error(transparent)]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    /// The database lacks tables, and was not to be changed.
    #[error(
        "the system database is at schema version {found}, and {wanted} is needed: run a program with workflows, or `dbos migrate`, on it once"
    )]
    OldSchema {
        /// The version found.
        found: i64,
        /// The version needed.
        wanted: i64,
    },
    /// The database lacks tables of this library, and was not to be changed.
    #[error(
        "the database lacks tables of this library (it is at version {found} of them, and {wanted} is needed): launch once without `.run_migrations(false)`, under a role that may create tables in schema `dbos`"
    )]
    MissingTables {
        /// The version found.
        found: i64,
        /// The version needed.
        wanted: i64,
    },
    /// A statement failed.
    #[error("the database failed while it should {intent}: {cause}")]
    Statement {
        /// What it should have done.
        intent: &'static str,
        /// The driver's error.
        cause: sqlx::Error,
    },
    /// A name is taken by another application.
    #[error(
        "{kind} `{name}` is already registered by application `{owner}`; choose another name, or run under that application's name"
    )]
    Owned {
        /// `queue`, `schedule` or `application version`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The application that has it.
        owner: String,
    },
    /// A row holds something that it cannot hold.
    #[error("the row of workflow `{workflow_id}` cannot be read: {reason}")]
    Corrupt {
        /// The workflow.
        workflow_id: String,
        /// What is wrong.
        reason: String,
    },
    /// A column holds a value of another type than it should.
    #[error("column {column} of a row of the database should be {wanted}, and is {found}")]
    Column {
        /// The column, from 0.
        column: usize,
        /// The type it should have.
        wanted: &'static str,
        /// The value it has.
        found: String,
    },
    /// A debounced start was found under its key, and left its delay at that moment.
    #[error("workflow `{workflow_id}` is just being taken off its delay; call again")]
    Leaving {
        /// The workflow.
        workflow_id: String,
    },
    /// Notifications of the database do not arrive.
    #[error(
        "what is told with NOTIFY does not arrive: a connection pooler in transaction mode keeps it back; connect to the server itself, or use `use_listen_notify(false)`"
    )]
    Deaf,
    /// A listing took too long and was stopped.
    #[error("the database was given {limit_ms} ms for a listing and did not finish")]
    TimedOut {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// What a dry run would have written.
    #[error("a dry run writes nothing, and was about to {intent}")]
    ReadOnly {
        /// What it should have done.
        intent: &'static str,
    },
    /// A deployed machine cannot be read.
    #[error(
        "a machine of application version `{version}` in `durable_machines` cannot be read ({reason}): a later release of this library wrote it; use that one"
    )]
    Machine {
        /// The application version.
        version: String,
        /// What is wrong.
        reason: String,
    },
    /// A transaction body gave its connection away.
    #[error(
        "the TransactionContext was moved out of the transaction's body, so its rows cannot be committed; keep it inside"
    )]
    ContextLost,
}

impl StoreError {
    pub(crate) fn statement(intent: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |cause| Self::Statement { intent, cause }
    }

    /// True when the same request may succeed later: the connection was lost, the server is starting or busy, a
    /// deadlock was broken. False when the request itself is at fault.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Statement { cause, .. } | Self::Open { cause, .. } => transient(cause),
            Self::Leaving { .. } => true,
            _ => false,
        }
    }

    /// True when another process is taking the same rows at this moment.
    pub(crate) fn is_lock_conflict(&self) -> bool {
        self.sqlstate().as_deref() == Some("55P03")
    }

    /// True when another process took what this transaction had read: nothing of it was done.
    pub(crate) fn is_serialization_conflict(&self) -> bool {
        self.sqlstate().as_deref() == Some("40001")
    }

    fn sqlstate(&self) -> Option<std::borrow::Cow<'_, str>> {
        let Self::Statement { cause, .. } = self else {
            return None;
        };
        cause.as_database_error().and_then(|error| error.code())
    }

    /// True when the database stopped a statement because its time was up.
    pub(crate) fn ran_out_of_time(&self) -> bool {
        let Self::Statement { cause, .. } = self else {
            return false;
        };
        let code = cause.as_database_error().and_then(|error| error.code());
        code.as_deref() == Some("57014")
    }

    /// True when a statement of a transaction's body failed because the database broke the transaction off in favour
    /// of another: a serialization failure or a deadlock. A lost connection shows when the body is through.
    pub(crate) fn breaks_off(source: &sqlx::Error) -> bool {
        let code = source.as_database_error().and_then(|error| error.code());
        matches!(code.as_deref(), Some("40001" | "40P01"))
    }
}

fn transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // SQLSTATE classes: connection exception, insufficient resources, operator intervention (but not a
            // cancelled query), idle transaction, serialization failure, deadlock; then SQLite's BUSY and LOCKED.
            let sqlstate = code.len() == 5
                && ((code.starts_with("08")
                    || code.starts_with("53")
                    || (code.starts_with("57") && code != "57014"))
                    || matches!(code.as_ref(), "25P03" | "40001" | "40P01" | "55P03"));
            let sqlite = code.len() < 5
                && code
                    .parse::<u32>()
                    .is_ok_and(|code| matches!(code & 0xff, 5 | 6));
            sqlstate || sqlite
        }
        _ => false,
    }
}
