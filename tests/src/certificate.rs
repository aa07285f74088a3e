//! A certificate for servers on this machine that nobody vouches for.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::scratch::Scratch;

/// A certificate and its key, in files.
pub struct Certificate {
    /// Whoever trusts what is in this file trusts the server.
    pub file: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one for `localhost` and 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When there is no program `openssl`.
    pub fn new(scratch: &Scratch) -> Self {
        let (file, key) = (scratch.file("certificate.pem"), scratch.file("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext"])
            .args(["subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext"])
            .args(["basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("openssl starts").success());
        Self { file, key }
    }
}
