//! A database for each run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::run::StoreKind;

/// Where databases are made.
#[derive(Debug)]
pub(super) struct Databases {
    server: String,
    file: Option<PathBuf>,
}

/// An empty database that one run uses.
#[derive(Debug)]
pub(super) struct Database<'a> {
    databases: &'a Databases,
    store: StoreKind,
    name: String,
    pub(super) url: String,
}

impl Databases {
    pub(super) async fn open(server: &str, file: Option<PathBuf>) -> Result<Self> {
        if let Some(file) = &file
            && file.exists()
        {
            bail!(
                "{} is there already, and would be removed: name another file",
                file.display()
            );
        }
        let databases = Self {
            server: server.to_owned(),
            file,
        };
        databases.connect().await?.close().await?;
        Ok(databases)
    }

    async fn connect(&self) -> Result<PgConnection> {
        let connection = PgConnection::connect(&self.server).await;
        connection.context("the server of --db does not answer")
    }

    pub(super) async fn create(&self, store: StoreKind) -> Result<Database<'_>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_compare_{}_{count}", process::id());
        let url = match (store, &self.file) {
            (StoreKind::Postgres, _) => {
                let mut connection = self.connect().await?;
                sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
                    .execute(&mut connection)
                    .await
                    .context("the role of --db has to create databases")?;
                connection.close().await?;
                with_database(&self.server, &name)
            }
            (StoreKind::Sqlite, Some(file)) => format!("sqlite://{}?mode=rwc", file.display()),
            (StoreKind::Sqlite, None) => bail!("--sqlite names no file"),
        };
        Ok(Database {
            databases: self,
            store,
            name,
            url,
        })
    }

    /// What the figures depend on besides the programs.
    pub(super) async fn conditions(&self, rounds: u32) -> Result<String> {
        let mut connection = self.connect().await?;
        let mut setting = async |name: &str| {
            sqlx::query_scalar::<_, String>("SELECT current_setting($1)")
                .bind(name)
                .fetch_one(&mut connection)
                .await
        };
        let version = setting("server_version").await?;
        let fsync = setting("fsync").await?;
        let synchronous = setting("synchronous_commit").await?;
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        Ok(format!(
            "PostgreSQL {version}, `fsync = {fsync}`, `synchronous_commit = {synchronous}`; {cores} cores, load \
             average {load} at the end; {rounds} rounds."
        ))
    }
}

impl Database<'_> {
    /// What is wrong with the rows that a work left, for the libraries that have the tables of DBOS.
    pub(super) async fn check(&self, asked: &str, n: u32) -> Result<Option<String>> {
        let counted = match self.store {
            StoreKind::Postgres => self.count_in_postgres().await,
            StoreKind::Sqlite => self.count_in_sqlite().await,
        };
        let counted = counted.context("the rows of a run cannot be counted")?;
        Ok(counted.and_then(|counted| counted.wrong(asked, n)))
    }

    async fn count_in_postgres(&self) -> Result<Option<Counted>> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let table: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('dbos.workflow_status')::text")
                .fetch_one(&mut connection)
                .await?;
        if table.is_none() {
            return Ok(None);
        }
        let (steps, finished) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM dbos.operation_outputs), \
                    (SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS')",
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Some(Counted { steps, finished }))
    }

    async fn count_in_sqlite(&self) -> Result<Option<Counted>> {
        let mut connection = SqliteConnection::connect(&self.url).await?;
        let tables: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'workflow_status'")
                .fetch_one(&mut connection)
                .await?;
        if tables == 0 {
            return Ok(None);
        }
        let (steps, finished) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM operation_outputs), \
                    (SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS')",
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Some(Counted { steps, finished }))
    }

    pub(super) async fn remove(self) -> Result<()> {
        match (self.store, &self.databases.file) {
            (StoreKind::Postgres, _) => {
                let mut connection = self.databases.connect().await?;
                let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
                sqlx::query(AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await?;
                connection.close().await?;
            }
            (StoreKind::Sqlite, file) => {
                for file in file.iter().flat_map(|file| files(file)) {
                    match std::fs::remove_file(&file) {
                        Err(error) if error.kind() != ErrorKind::NotFound => {
                            return Err(error).context(file.display().to_string());
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

/// The rows in the tables of DBOS.
#[derive(Debug, Clone, Copy)]
struct Counted {
    steps: i64,
    finished: i64,
}

impl Counted {
    fn wrong(self, asked: &str, n: u32) -> Option<String> {
        let Self { steps, finished } = self;
        let n = i64::from(n);
        if steps != n {
            return Some(format!("{n} steps were asked for, {steps} are recorded"));
        }
        let workflows = matches!(asked, "start" | "queue" | "floor");
        (workflows && finished != n)
            .then(|| format!("{n} workflows were asked for, {finished} are finished"))
    }
}

/// A SQLite database and what lies beside it.
fn files(file: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm", "-journal"].into_iter().map(|ending| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}

/// The URL of another database of the same server.
fn with_database(server: &str, name: &str) -> String {
    let (place, query) = server.split_once('?').unwrap_or((server, ""));
    let authority = place.find("://").map_or(0, |scheme| scheme + "://".len());
    let end = place
        .get(authority..)
        .and_then(|rest| rest.find('/'))
        .map_or(place.len(), |path| authority + path);
    let server = place.get(..end).unwrap_or(place);
    if query.is_empty() {
        format!("{server}/{name}")
    } else {
        format!("{server}/{name}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_names_the_new_database() {
        let cases = [
            (
                "postgres://me@here:5432/postgres",
                "postgres://me@here:5432/new",
            ),
            ("postgres://me@here", "postgres://me@here/new"),
            (
                "postgres://me:a@here/x?sslmode=disable",
                "postgres://me:a@here/new?sslmode=disable",
            ),
        ];
        for (server, expected) in cases {
            assert_eq!(with_database(server, "new"), expected);
        }
    }

    #[test]
    fn a_run_that_left_other_rows_did_not_do_its_work() {
        let counted = |steps, finished| Counted { steps, finished };
        assert_eq!(counted(5, 5).wrong("start", 5), None);
        assert_eq!(counted(5, 1).wrong("steps", 5), None);
        assert_eq!(counted(5, 0).wrong("recovery", 5), None);
        let wrong = counted(5, 4)
            .wrong("queue", 5)
            .expect("one is not finished");
        assert_eq!(wrong, "5 workflows were asked for, 4 are finished");
        let wrong = counted(4, 1).wrong("steps", 5).expect("one is missing");
        assert_eq!(wrong, "5 steps were asked for, 4 are recorded");
    }

    #[test]
    fn all_files_of_a_sqlite_database_are_removed() {
        let files: Vec<_> = files(Path::new("/a/b.db")).collect();
        assert!(files.contains(&PathBuf::from("/a/b.db-wal")), "{files:?}");
    }
}
