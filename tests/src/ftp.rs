//! A real FTP server on a folder of its own, that stops where a test tells it to.

use std::path::PathBuf;

use crate::certificate::Certificate;
use crate::scratch::Scratch;
use crate::script::Script;

pub const USER: &str = "ada";
pub const PASSWORD: &str = "open sesame";

/// The server.
pub struct FtpServer {
    pub script: Script,
    pub certificate: Certificate,
    scratch: Scratch,
}

impl FtpServer {
    /// A server that anybody on the way can read along with.
    pub fn start() -> Self {
        Self::of_kind("plain")
    }

    /// `plain`, `tls`, or `old`: it does not know the newer commands.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn of_kind(kind: &str) -> Self {
        let scratch = Scratch::new();
        let certificate = Certificate::new(&scratch);
        let folder = scratch.file("files");
        std::fs::create_dir(&folder).expect("the folder can be made");
        let text = |path: &PathBuf| path.display().to_string();
        let script = Script::start(
            "ftp/server.py",
            &[
                USER,
                PASSWORD,
                &text(&folder),
                &text(&certificate.file),
                &text(&certificate.key),
                kind,
            ],
        );
        Self {
            script,
            certificate,
            scratch,
        }
    }

    /// A file of the server.
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.file("files").join(name)
    }

    /// The names in a folder of the server, sorted.
    ///
    /// # Panics
    ///
    /// When there is no such folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.file(folder)).expect("there is such a folder");
        let names = entries.map(|entry| entry.expect("it can be listed").file_name());
        let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}
