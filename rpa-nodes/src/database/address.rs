use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, MySqlConnection, PgConnection, SqliteConnection};

use super::{Session, failed};
use crate::fault::Fault;
use crate::host;
use crate::value::{Object, read_integer, read_number, text, truth};

/// How long a statement waits for another one that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(30);
/// The port of PostgreSQL. It is what the nodes have for a port when nobody chose one, whichever server is meant.
const ANY_PORT: u16 = 5432;

/// What a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A server of MariaDB or MySQL.
    MariaDb,
    /// A server.
    Postgres,
    /// A file.
    Sqlite,
}

/// Where a database is, and how to get in.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// A server of MariaDB or MySQL.
    MariaDb(Box<MySqlConnectOptions>, Duration),
    /// A server of PostgreSQL.
    Postgres(Box<PgConnectOptions>, Duration),
    /// A file of SQLite.
    Sqlite(PathBuf),
}

/// An open connection.
#[derive(Debug)]
pub(crate) enum Open {
    /// To a server of MariaDB or MySQL.
    MariaDb(Box<MySqlConnection>),
    /// To a server of PostgreSQL.
    Postgres(Box<PgConnection>),
    /// To a file of SQLite.
    Sqlite(Box<SqliteConnection>),
}

impl Address {
    /// The address that the settings of a node say.
    ///
    /// # Errors
    /// They say none, or one of a kind that is not known here.
    pub(crate) fn new(settings: &Object, folder: &str) -> Result<Self, Fault> {
        let said = |name: &str| settings.get(name).map(text).unwrap_or_default();
        let patience = settings.get("timeout").and_then(read_number);
        let patience = patience.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let url = said("connection_string");
        if !url.trim().is_empty() {
            return Self::parse(url.trim(), folder, patience.unwrap_or(PATIENCE));
        }
        let database = said("database");
        let port = match settings.get("port").and_then(read_integer) {
            None => None,
            Some(port) => {
                Some(u16::try_from(port).map_err(|_| Fault::value(format!("{port} is no port")))?)
            }
        };
        let password = said("password");
        let is_sealed = ["ssl", "use_ssl"]
            .iter()
            .any(|name| settings.get(*name).is_some_and(truth));
        match said("db_type").to_ascii_lowercase().as_str() {
            "" | "sqlite" | "sqlite3" => Self::file(&database, folder),
            "postgresql" | "postgres" => {
                let mut options = PgConnectOptions::new_without_pgpass()
                    .host(&said("host"))
                    .database(&database)
                    .username(&said("username"));
                if let Some(port) = port {
                    options = options.port(port);
                }
                if !password.is_empty() {
                    options = options.password(&password);
                }
                if is_sealed {
                    options = options.ssl_mode(PgSslMode::Require);
                }
                Ok(Self::Postgres(
                    Box::new(options),
                    patience.unwrap_or(PATIENCE),
                ))
            }
            "mysql" | "mariadb" => {
                let mut options = MySqlConnectOptions::new()
                    .host(&said("host"))
                    .username(&said("username"));
                if let Some(port) = port.filter(|port| *port != ANY_PORT) {
                    options = options.port(port);
                }
                if !database.is_empty() {
                    options = options.database(&database);
                }
                if !password.is_empty() {
                    options = options.password(&password);
                }
                if is_sealed {
                    options = options.ssl_mode(MySqlSslMode::Required);
                }
                Ok(Self::maria_db(options, patience.unwrap_or(PATIENCE)))
            }
            other => Err(unknown(other)),
        }
    }

    /// A session there is as the server makes it: its own time zone, and its own meaning of `||`.
    fn maria_db(options: MySqlConnectOptions, patience: Duration) -> Self {
        let options = options
            .timezone(None)
            .pipes_as_concat(false)
            .no_engine_substitution(false);
        Self::MariaDb(Box::new(options), patience)
    }

    /// The address that a URL says; a path alone is that of a file.
    pub(crate) fn parse(url: &str, folder: &str, patience: Duration) -> Result<Self, Fault> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => PgConnectOptions::from_str(url)
                .map(|options| Self::Postgres(Box::new(options), patience))
                // The text of the error may hold the password.
                .map_err(|_| {
                    Fault::value(
                        "the connection string cannot be read; write postgres://USER@HOST/NAME",
                    )
                }),
            Some(("mysql" | "mariadb", _)) => MySqlConnectOptions::from_str(url)
                .map(|options| Self::maria_db(options, patience))
                .map_err(|_| {
                    Fault::value(
                        "the connection string cannot be read; write mysql://USER@HOST/NAME",
                    )
                }),
            Some(("sqlite", rest)) => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                Self::file(path.split('?').next().unwrap_or_default(), folder)
            }
            Some((scheme, rest)) if rest.starts_with("//") => Err(unknown(scheme)),
            _ => Self::file(url, folder),
        }
    }

    fn file(path: &str, folder: &str) -> Result<Self, Fault> {
        match path.trim() {
            "" => Err(Fault::value(
                "the database has no name; set `database` or `connection_string`",
            )),
            ":memory:" => Err(Fault::value(
                "a database in memory would be empty again after a crash; name a file in `database`",
            )),
            path => Ok(Self::Sqlite(host::file(folder, path))),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::MariaDb(..) => Kind::MariaDb,
            Self::Postgres(..) => Kind::Postgres,
            Self::Sqlite(_) => Kind::Sqlite,
        }
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::MariaDb(..) | Self::Postgres(..) => None,
            Self::Sqlite(path) => Some(path),
        }
    }

    /// What tells it from others.
    pub(crate) fn name(&self) -> String {
        match self {
            // As a URL it would have to be made of names that a URL may hold.
            Self::MariaDb(options, _) => format!("{options:?}"),
            Self::Postgres(options, _) => options.to_url_lossy().to_string(),
            Self::Sqlite(path) => path.display().to_string(),
        }
    }

    /// Whether both are one database, so that one transaction can write to both.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Postgres(one, _), Self::Postgres(other, _)) => {
                one.to_url_lossy() == other.to_url_lossy()
            }
            (Self::Sqlite(one), Self::Sqlite(other)) => {
                let real = |path: &Path| std::fs::canonicalize(path).ok();
                one == other || real(one).is_some_and(|one| real(other) == Some(one))
            }
            _ => false,
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// The database cannot be reached, or lets nobody in.
    pub(crate) async fn open(&self) -> Result<Open, Fault> {
        match self {
            Self::MariaDb(options, patience) => {
                let opening = MySqlConnection::connect_with(options);
                answered(opening, *patience, options.get_host(), options.get_port())
                    .await
                    .map(|connection| Open::MariaDb(Box::new(connection)))
            }
            Self::Postgres(options, patience) => {
                let opening = PgConnection::connect_with(options);
                answered(opening, *patience, options.get_host(), options.get_port())
                    .await
                    .map(|connection| Open::Postgres(Box::new(connection)))
            }
            Self::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .busy_timeout(PATIENCE);
                SqliteConnection::connect_with(&options)
                    .await
                    .map(|connection| Open::Sqlite(Box::new(connection)))
                    .map_err(|error| {
                        let mut fault = failed(&error);
                        fault.message =
                            format!("cannot open {}: {}", path.display(), fault.message);
                        fault
                    })
            }
        }
    }
}

impl Open {
    /// The connection, lent.
    pub(crate) fn session(&mut self) -> Session<'_> {
        match self {
            Self::MariaDb(connection) => Session::MariaDb(connection),
            Self::Postgres(connection) => Session::Postgres(connection),
            Self::Sqlite(connection) => Session::Sqlite(connection),
        }
    }

    /// Whether the other side is still there: MariaDB ends connections that nobody uses for some hours.
    pub(crate) async fn is_alive(&mut self) -> bool {
        match self {
            Self::MariaDb(connection) => connection.ping().await.is_ok(),
            Self::Postgres(_) | Self::Sqlite(_) => true,
        }
    }
}

/// The connection to a server, if it answers in time.
async fn answered<T>(
    opening: impl Future<Output = Result<T, sqlx::Error>>,
    patience: Duration,
    host: &str,
    port: u16,
) -> Result<T, Fault> {
    match tokio::time::timeout(patience, opening).await {
        Ok(opened) => opened.map_err(|error| match &error {
            sqlx::Error::Io(error) => Fault::of(
                "ConnectionError",
                format!(
                    "the database at {host}:{port} cannot be reached: {error}; check host and port"
                ),
            ),
            _ => failed(&error),
        }),
        Err(_) => Err(Fault::of(
            "TimeoutError",
            format!(
                "the database at {host}:{port} did not answer within {patience:?}; check host and port"
            ),
        )),
    }
}

fn unknown(kind: &str) -> Fault {
    Fault::value(format!(
        "`{kind}` is no kind of database that is known here; use sqlite, postgresql or mysql"
    ))
}

/// What identifies a connection among the values of a workflow: the visit that opened it, or its address.
pub(crate) fn name(connection: &Value) -> String {
    match connection.get("id") {
        Some(id) => text(id),
        None => text(connection),
    }
}
