//! What a service knows its customer by.

use std::fmt;

/// A key. It is never printed, logged or stored; it only goes into the header of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key; spaces and line ends around it are no part of it.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().trim().to_owned())
    }

    /// The key in an environment variable, if that is set and not empty.
    pub fn of_variable(name: &str) -> Option<Self> {
        let key = Self::new(std::env::var(name).ok()?);
        (!key.0.is_empty()).then_some(key)
    }

    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text without the key: services repeat what they refuse.
    pub(super) fn hide_in(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        text.replace(&self.0, "***")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(***)")
    }
}
