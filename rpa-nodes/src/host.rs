//! What the world gives to a run: the time, chance, folders, secrets, and what it may do.
//!
//! Only bodies of steps ask for these, so that what they said is recorded with the visit.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Zoned;
use tokio::sync::Notify;

use crate::browser::Browsers;
use crate::database::{Address, Open};
use crate::doubt::OnUncertain;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::secrets::Vault;

/// The moment, in the time zone of the system.
pub(crate) fn now() -> Zoned {
    Zoned::now()
}

/// A random number from 0 up to, but not including, 1.
pub(crate) fn random_fraction() -> f64 {
    fastrand::f64()
}

/// A random integer between two, both included.
pub(crate) fn random_integer(lowest: i64, highest: i64) -> i64 {
    fastrand::i64(lowest..=highest.max(lowest))
}

/// What the bodies of steps are given.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Whether each visit is told on standard error when it ends.
    pub trace: bool,
    /// What is done when nobody knows whether a node did its work before a crash. A node's own `on_uncertain` comes first.
    pub on_uncertain: OnUncertain,
    /// The folders that nodes may use; none for all.
    pub roots: Vec<PathBuf>,
    /// Whether nodes may start programs.
    pub allow_commands: bool,
    /// Where secrets come from.
    pub vault: Vault,
    /// Who is told how far the run is.
    pub progress: Option<Progress>,
    /// The database that keeps the run.
    pub(crate) journal: Option<Address>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) browsers: Arc<Browsers>,
    /// Connections to FTP servers.
    #[cfg(feature = "ftp")]
    pub(crate) ftp: Arc<crate::ftp::Idle>,
    pub(crate) asked: Arc<Notify>,
}

/// Connections to databases that no visit uses at the moment, by address.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<BTreeMap<String, Vec<Open>>>);

impl Host {
    /// A host that tells each visit on standard error, and is as usual else.
    pub fn tracing() -> Self {
        Self {
            trace: true,
            ..Self::default()
        }
    }

    /// Whether a database keeps the run.
    #[cfg(feature = "mail")]
    pub(crate) fn is_recorded(&self) -> bool {
        self.journal.is_some()
    }

    /// Says which database keeps the run, so that what nodes write there is committed with their record.
    pub(crate) fn kept_in(mut self, url: &str) -> Self {
        self.journal = Address::parse(url, "", Duration::from_secs(30)).ok();
        self
    }

    /// Closes the browsers that runs left open. They end with the program in any case; this lets them do it in order.
    pub(crate) async fn close_browsers(&self) {
        let browsers = Arc::clone(&self.browsers);
        let closed = tokio::task::spawn_blocking(move || browsers.close_all()).await;
        if let Err(error) = closed {
            tracing::warn!(%error, "browsers could not be closed in order");
        }
    }

    /// Tells that a person has to decide something.
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Completes when a person has to decide something.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Takes a connection, or opens one.
    ///
    /// # Errors
    /// The database cannot be used.
    pub(crate) async fn connect(&self, address: &Address) -> Result<Open, Fault> {
        let take = || self.idle(|idle| idle.get_mut(&address.name()).and_then(Vec::pop));
        while let Some(mut open) = take() {
            if open.is_alive().await {
                return Ok(open);
            }
        }
        address.open().await
    }

    /// Gives back a connection on which nothing failed.
    pub(crate) fn keep(&self, address: &Address, open: Open) {
        self.idle(|idle| idle.entry(address.name()).or_default().push(open));
    }

    fn idle<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Vec<Open>>) -> T) -> T {
        let connections = self.connections.0.lock();
        look(&mut connections.unwrap_or_else(PoisonError::into_inner))
    }

    /// The file that a path of a workflow means, if the run may use it.
    ///
    /// # Errors
    /// It is outside of the folders that the run may use.
    pub(crate) fn file(&self, folder: &str, path: &str) -> Result<PathBuf, Fault> {
        let path = file(folder, path);
        if self.roots.is_empty() {
            return Ok(path);
        }
        let real = resolved(&path);
        if self
            .roots
            .iter()
            .any(|root| real.starts_with(resolved(root)))
        {
            return Ok(path);
        }
        Err(Fault::of(
            "PermissionError",
            format!(
                "{} is outside of the folders that this run may use; start it with another --root, or change the path",
                path.display()
            ),
        ))
    }
}

/// The file that a path of a workflow means.
pub(crate) fn file(folder: &str, path: &str) -> PathBuf {
    let path = path.trim();
    let path = match path.strip_prefix("~/") {
        Some(rest) => match std::env::home_dir() {
            Some(home) => home.join(rest),
            None => PathBuf::from(path),
        },
        None => PathBuf::from(path),
    };
    Path::new(folder).join(path)
}

/// Where a path leads when links are followed, also if its end is not there yet.
fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut real = PathBuf::new();
    for part in whole.components() {
        match part {
            // What is not there is no link: its parent is the part before it.
            Component::ParentDir => {
                real.pop();
            }
            part => {
                real.push(part);
                if let Ok(found) = std::fs::canonicalize(&real) {
                    real = found;
                } else if let Ok(target) = std::fs::read_link(&real) {
                    // A link to nothing: a write would make what it names.
                    real.pop();
                    real = resolved(&real.join(target));
                }
            }
        }
    }
    real
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_out_of_the_roots_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink("/", inside.join("out")).unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("nowhere")).unwrap();
        let host = Host {
            roots: vec![inside.clone()],
            ..Host::default()
        };
        let at = inside.to_str().unwrap();
        for allowed in ["a.txt", "deep/er/b.txt", "x/../y.txt", at] {
            assert!(host.file(at, allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "../a.txt",
            "x/../../a",
            "/etc/passwd",
            "out/etc/passwd",
            "nowhere",
            "~/x",
        ] {
            let fault = host.file(at, refused).unwrap_err();
            assert_eq!(fault.error_type, "PermissionError", "{refused}");
        }
    }
}
