//! A directory for each test.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary directory, removed when this is dropped.
pub struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// Makes an empty directory.
    ///
    /// # Panics
    ///
    /// When the system gives no temporary directory.
    #[expect(
        clippy::new_without_default,
        reason = "making a directory is no default"
    )]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("durable-")
            .tempdir()
            .expect("a temporary directory can be made");
        Self { directory }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The path of a file in it, which need not exist.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The URL of a SQLite database in it, which is made when it is opened.
    pub fn sqlite_url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.file("app.db").display())
    }
}
