//! What tells a thing that happened from all others, as a part of an id.

/// Longer keys, and those of other characters, have a hash in the place of themselves.
const LONGEST: usize = 100;

/// The key itself if it is plain enough to stand in an id, else its hash.
pub(super) fn plain(key: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    match !key.is_empty() && key.len() <= LONGEST && key.chars().all(is_plain) {
        true => key.to_owned(),
        false => hash(key.as_bytes()),
    }
}

/// SHA-256, as hexadecimal digits.
pub(super) fn hash(bytes: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    let bytes = hash.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_no_plain_names_are_hashed() {
        assert_eq!(plain("72d3162e-cc78-11e3"), "72d3162e-cc78-11e3");
        assert_eq!(plain("a/b#1").len(), 64);
        assert_ne!(plain("a/b#1"), plain("a/b#2"));
        assert_eq!(plain("").len(), 64);
        assert_eq!(plain(&"a".repeat(101)).len(), 64);
    }
}
