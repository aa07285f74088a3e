//! Secrets: where they come from, and how they are kept out of the database.
//!
//! A workflow names a secret as `{{$secret:name}}`; a [`Provider`] knows its value. The value of a variable that is
//! declared `sensitive` is sealed with a key that only this machine has, before it is stored. Wherever the value of either
//! turns up in what a node gives, the mark of it is stored instead, `{{$secret:name}}` or `{{$sealed:…}}`; in what only people
//! read, `***`.

mod file;
mod key;
mod mark;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub use self::file::SecretFile;
pub use self::key::Key;
pub(crate) use self::mark::{names, sealed, secret_mark, shown};

/// Knows secrets.
pub trait Provider: fmt::Debug + Send + Sync {
    /// The value of a secret; none if it is not known here.
    ///
    /// # Errors
    /// The place where it is kept cannot be read.
    fn get(&self, name: &str) -> Result<Option<String>, SecretError>;
}

/// Why a secret cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No provider knows it.
    #[error(
        "there is no secret `{name}`; set the environment variable {variable}, or keep it with: rpa secret set {name}"
    )]
    Unknown {
        /// The secret.
        name: String,
        /// The variable that would have its value.
        variable: String,
    },
    /// The file of secrets cannot be used.
    #[error("the file of secrets {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key that seals values cannot be used.
    #[error(
        "the key that seals sensitive values: {reason}; set RPA_KEY to 32 bytes in base64, or RPA_KEY_FILE to a file of them"
    )]
    Key {
        /// What is wrong with it.
        reason: String,
    },
    /// A sealed value was sealed with another key, or changed.
    #[error(
        "a sealed value cannot be opened with this key; use the key of the machine that started the run"
    )]
    OtherKey,
}

/// Secrets in environment variables: `api-key` is in `RPA_SECRET_API_KEY`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Environment {
    /// The variable of a secret.
    pub fn variable(name: &str) -> String {
        let plain = name
            .chars()
            .map(|letter| match letter.is_ascii_alphanumeric() {
                true => letter.to_ascii_uppercase(),
                false => '_',
            });
        format!("RPA_SECRET_{}", plain.collect::<String>())
    }
}

impl Provider for Environment {
    fn get(&self, name: &str) -> Result<Option<String>, SecretError> {
        Ok(std::env::var(Self::variable(name)).ok())
    }
}

/// The providers of a run, and the key that seals values.
#[derive(Debug, Clone)]
pub struct Vault {
    providers: Vec<Arc<dyn Provider>>,
    /// Seals in the place of the key of this machine.
    key: Option<Arc<Key>>,
}

impl Default for Vault {
    /// Only the environment.
    fn default() -> Self {
        Self {
            providers: vec![Arc::new(Environment)],
            key: None,
        }
    }
}

impl Vault {
    /// Asks another provider after those that are there.
    #[must_use]
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Seals with a key in the place of that of this machine.
    #[must_use]
    pub fn sealed_with(mut self, key: Key) -> Self {
        self.key = Some(Arc::new(key));
        self
    }

    fn key(&self) -> Result<Arc<Key>, SecretError> {
        match &self.key {
            Some(key) => Ok(Arc::clone(key)),
            None => Key::of_this_machine().map(Arc::new),
        }
    }

    /// The value of a secret.
    ///
    /// # Errors
    /// No provider knows it, or one cannot be asked.
    pub fn get(&self, name: &str) -> Result<String, SecretError> {
        for provider in &self.providers {
            if let Some(value) = provider.get(name)? {
                return Ok(value);
            }
        }
        Err(SecretError::Unknown {
            name: name.to_owned(),
            variable: Environment::variable(name),
        })
    }

    /// Seals the texts and numbers of a value.
    pub(crate) fn seal(&self, value: &mut Value) -> Result<(), SecretError> {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.seal(item))?,
            Value::Object(map) => map.values_mut().try_for_each(|item| self.seal(item))?,
            Value::String(text) if sealed(text).is_some() => {}
            leaf => *leaf = mark::sealed_mark(&self.key()?.seal(&leaf.to_string())?).into(),
        }
        Ok(())
    }

    /// Opens a sealed value.
    pub(crate) fn open(&self, sealed: &str) -> Result<Value, SecretError> {
        let text = self.key()?.open(sealed)?;
        serde_json::from_str(&text).map_err(|_| SecretError::OtherKey)
    }
}
