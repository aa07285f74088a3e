//! The other libraries: how their programs are built, and what they can do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use tokio::process::Command;

use super::Work;
use super::program::{Program, finish, last_words};
use crate::run::StoreKind;

const VERSION_OF_DBOS: &str = "import importlib.metadata as m; print(m.version('dbos'))";
const BUILD_LIMIT: Duration = Duration::from_secs(3_600);
/// Whose polling of a queue is measured as it comes, and as often as helps.
const POLLED: &[(&str, &[&str])] = &[
    (", polling each second (its default)", &[]),
    (", polling each 10 ms", &["--polling-ms", "10"]),
];
const ONE: &[(&str, &[&str])] = &[("", &[])];
const NORMAL: &[(&str, &[&str])] = &[(", synchronous = NORMAL (its default)", &[])];
const POLLED_NORMAL: &[(&str, &[&str])] = &[
    (
        ", synchronous = NORMAL, polling each second (its defaults)",
        &[],
    ),
    (
        ", synchronous = NORMAL (its default), polling each 10 ms",
        &["--polling-ms", "10"],
    ),
];

/// Another library of durable workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(super) enum Peer {
    /// DBOS Transact for Rust
    Dbos,
    /// durare
    Durare,
    /// durust
    Durust,
    /// DBOS Transact for Python
    Python,
}

impl Peer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dbos => "dbos",
            Self::Durare => "durare",
            Self::Durust => "durust",
            Self::Python => "python",
        }
    }

    /// What the table calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Python => "DBOS Python",
            Self::Dbos | Self::Durare | Self::Durust => self.name(),
        }
    }

    /// Whether it can use such a database.
    pub(super) fn has(self, store: StoreKind) -> bool {
        match store {
            StoreKind::Postgres => true,
            StoreKind::Sqlite => matches!(self, Self::Durare | Self::Durust),
        }
    }

    /// The ways in which it does a work: what is said of each in the table, and its options.
    pub(super) fn settings(
        self,
        work: Work,
        store: StoreKind,
    ) -> &'static [(&'static str, &'static [&'static str])] {
        let polled = work == Work::Queue && self != Self::Durust;
        match (self, store) {
            (Self::Durare, StoreKind::Sqlite) if polled => POLLED_NORMAL,
            (Self::Durare, StoreKind::Sqlite) => NORMAL,
            _ if polled => POLLED,
            _ => ONE,
        }
    }

    /// Builds its program, in release mode, unless that is done.
    pub(super) async fn build(self) -> Result<Program> {
        match self {
            Self::Python => self.interpreter().await,
            Self::Dbos | Self::Durare | Self::Durust => self.cargo().await,
        }
    }

    async fn interpreter(self) -> Result<Program> {
        let python = std::env::var_os("DBOS_PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(&python);
        command.args(["-c", VERSION_OF_DBOS]);
        match finish(&mut command, BUILD_LIMIT).await? {
            Some(output) if output.status.success() => Ok(Program {
                executable: python.into(),
                first: vec![self.folder().join("peer.py").display().to_string()],
                version: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            }),
            _ => bail!(
                "{} has no package `dbos`; DBOS_PYTHON names one that has",
                python.display()
            ),
        }
    }

    async fn cargo(self) -> Result<Program> {
        let target = target()?;
        eprintln!("bench: building {}", self.name());
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(&target)
            .current_dir(self.folder());
        match finish(&mut command, BUILD_LIMIT).await? {
            Some(output) if output.status.success() => Ok(Program {
                executable: target.join("release").join(format!("peer-{}", self.name())),
                first: Vec::new(),
                version: self.version()?,
            }),
            Some(output) => bail!("it cannot be built: {}", last_words(&output)),
            None => bail!("it was not built after {} s", BUILD_LIMIT.as_secs()),
        }
    }

    /// The version of the library that its program is built with.
    fn version(self) -> Result<String> {
        let file = self.folder().join("Cargo.lock");
        let lock = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let version = locked_version(&lock, self.name());
        let version = version.with_context(|| format!("{} lacks it", file.display()))?;
        Ok(version.to_owned())
    }

    fn folder(self) -> PathBuf {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        peers.join(self.name())
    }
}

/// Where the peers are built: beside this program, and away from what the workspace builds.
fn target() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent);
    let target = target.context("this program is not in a target directory")?;
    Ok(target.join("peers"))
}

/// The version of a package in a lock file.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"peer-dbos\"\nversion = \"0.0.0\"\n\n\
                    [[package]]\nname = \"dbos\"\nversion = \"0.5.0\"\nsource = \"registry\"\n";
        assert_eq!(locked_version(lock, "dbos"), Some("0.5.0"));
        assert_eq!(locked_version(lock, "durare"), None);
    }

    #[test]
    fn every_built_peer_has_a_lock_file_with_its_library() {
        for peer in [Peer::Dbos, Peer::Durare, Peer::Durust] {
            let version = peer.version().expect("the library is in the lock file");
            assert!(version.contains('.'), "{version}");
        }
    }

    #[test]
    fn the_script_of_python_is_there() {
        assert!(Peer::Python.folder().join("peer.py").is_file());
    }
}
