//! Places in a JSON document.

use std::fmt;

use serde::Serialize;

/// A place in a JSON document, as RFC 6901 writes it: `/nodes/start/config`. The empty pointer is the whole
/// document.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member or the element `token` of what stands here.
    #[must_use]
    pub fn child(&self, token: impl fmt::Display) -> Self {
        // `~` first: the second replacement writes some.
        let token = token.to_string().replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{token}", self.0))
    }

    /// What this place is a member or an element of, and the token that leads from there to here, still escaped.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        let (parent, token) = self.0.rsplit_once('/')?;
        Some((Self(parent.to_owned()), token))
    }

    /// What this place is a member or an element of.
    pub fn parent(&self) -> Option<Self> {
        self.split_last().map(|(parent, _)| parent)
    }

    /// The place that `rest`, a pointer from here, leads to.
    pub(crate) fn join(&self, rest: &str) -> Self {
        Self(format!("{}{rest}", self.0))
    }

    /// The text of the pointer.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn slashes_and_tildes_in_keys_are_escaped() {
        let pointer = Pointer::root().child("nodes").child("a/b~c").child(0);
        assert_eq!(pointer.as_str(), "/nodes/a~1b~0c/0");
        let document = serde_json::json!({"nodes": {"a/b~c": [7]}});
        assert_eq!(
            document.pointer(pointer.as_str()),
            Some(&serde_json::json!(7))
        );
    }

    #[test]
    fn the_root_has_no_parent() {
        assert_eq!(Pointer::root().parent(), None);
        assert_eq!(Pointer::root().child("a").parent(), Some(Pointer::root()));
    }
}
