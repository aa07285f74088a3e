use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Key, Provider, SecretError};

/// Secrets in a file: JSON of names and sealed values. Who has the file alone, without the key, reads only the names.
#[derive(Debug, Clone)]
pub struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    /// The secrets of a file, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The names of all secrets.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn names(&self) -> Result<Vec<String>, SecretError> {
        Ok(self.read()?.into_keys().collect())
    }

    /// Keeps a secret, or gives one that is kept another value.
    ///
    /// # Errors
    /// The file cannot be written, or there is no key.
    pub fn set(&self, name: &str, value: &str) -> Result<(), SecretError> {
        let mut secrets = self.read()?;
        secrets.insert(name.to_owned(), Key::of_this_machine()?.seal(value)?);
        self.write(&secrets)
    }

    /// Forgets a secret; tells whether it was there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remove(&self, name: &str) -> Result<bool, SecretError> {
        let mut secrets = self.read()?;
        let was_there = secrets.remove(name).is_some();
        self.write(&secrets)?;
        Ok(was_there)
    }

    fn read(&self) -> Result<BTreeMap<String, String>, SecretError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|_| self.wrong("it is not JSON of names and sealed values".to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(self.wrong(error.to_string())),
        }
    }

    fn write(&self, secrets: &BTreeMap<String, String>) -> Result<(), SecretError> {
        let text =
            serde_json::to_string_pretty(secrets).map_err(|error| self.wrong(error.to_string()))?;
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let draft = self.path.parent().unwrap_or(Path::new("")).join(name);
        let written = (|| {
            let mut options = fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)
        })();
        written.map_err(|error| self.wrong(error.to_string()))
    }

    fn wrong(&self, reason: String) -> SecretError {
        SecretError::File {
            path: self.path.display().to_string(),
            reason,
        }
    }
}

impl Provider for SecretFile {
    fn get(&self, name: &str) -> Result<Option<String>, SecretError> {
        match self.read()?.get(name) {
            Some(sealed) => Ok(Some(Key::of_this_machine()?.open(sealed)?)),
            None => Ok(None),
        }
    }
}
