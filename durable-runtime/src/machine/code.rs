use std::panic::Location;

use super::{Edge, Joint, PartCode, Site};

/// What a macro reads off one function: emitted as constant data beside it.
#[derive(Debug)]
pub struct Code {
    /// The file it is written in.
    pub file: &'static str,
    /// The line it begins at.
    pub line: u32,
    /// A hash of its code and that of its parts, without comments and formatting, in hexadecimal digits.
    pub hash: &'static str,
    /// Its durable calls, in the order of the source.
    pub sites: &'static [Site],
    /// Where its ways part and meet.
    pub joints: &'static [Joint],
    /// The ways between its sites and joints.
    pub edges: &'static [Edge],
    /// The functions among its sites that make durable calls themselves.
    pub parts: &'static [PartCode],
    /// Its author allowed it to await something that is no durable call.
    pub awaits_others: bool,
}

impl Code {
    /// The site that makes a call at a location, here or in a part.
    #[must_use]
    pub fn site(&self, location: &Location<'_>) -> Option<&'static Site> {
        let own = self.sites.iter().find(|site| {
            (site.file.as_ref(), site.line, site.column)
                == (location.file(), location.line(), location.column())
        });
        own.or_else(|| self.parts.iter().find_map(|part| part.code.site(location)))
    }

    /// Its author, or that of a part, allowed it to await something that is no durable call.
    #[must_use]
    pub fn awaits_others(&self) -> bool {
        self.awaits_others || self.parts.iter().any(|part| part.code.awaits_others())
    }
}

/// The hash of a function with parts: over its own and over theirs, in the order in which they are named.
#[doc(hidden)]
#[must_use]
pub const fn combined(own: &str, mut parts: &[PartCode]) -> [u8; 32] {
    let mut hash = fed(OFFSET_BASIS, own.as_bytes());
    while let Some((part, rest)) = parts.split_first() {
        hash = fed(hash, part.code.hash.as_bytes());
        parts = rest;
    }
    digits(hash)
}

/// Hexadecimal digits as the text that they are.
#[doc(hidden)]
#[must_use]
pub const fn hash_text(digits: &'static [u8; 32]) -> &'static str {
    match str::from_utf8(digits) {
        Ok(text) => text,
        Err(_) => "",
    }
}

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// 128-bit FNV-1a, as the macros use it.
const fn fed(mut hash: u128, mut bytes: &[u8]) -> u128 {
    while let Some((byte, rest)) = bytes.split_first() {
        hash = (hash ^ *byte as u128).wrapping_mul(PRIME);
        bytes = rest;
    }
    hash
}

const fn digits(hash: u128) -> [u8; 32] {
    let mut digits = [0; 32];
    let mut rest = hash;
    let mut left: &mut [u8] = &mut digits;
    while let Some((last, before)) = left.split_last_mut() {
        let digit = (rest & 0xf) as u8;
        *last = if digit < 10 {
            b'0' + digit
        } else {
            b'a' + digit - 10
        };
        rest >>= 4;
        left = before;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::{Code, combined, digits, fed};
    use crate::machine::part;

    fn code(hash: &'static str) -> &'static Code {
        Box::leak(Box::new(Code {
            file: "flows.rs",
            line: 1,
            hash,
            sites: &[],
            joints: &[],
            edges: &[],
            parts: &[],
            awaits_others: false,
        }))
    }

    fn hash(own: &str, parts: &[&'static str]) -> String {
        let parts: Vec<_> = parts
            .iter()
            .map(|hash| part("p", code(hash), &[]))
            .collect();
        String::from_utf8(combined(own, &parts).to_vec()).unwrap()
    }

    #[test]
    fn is_the_published_function() {
        let foobar = digits(fed(super::OFFSET_BASIS, b"foobar"));
        assert_eq!(&foobar, b"343e1662793c64bf6f0d3597ba446f18");
    }

    #[test]
    fn every_part_counts_and_so_does_their_order() {
        let one = hash("0", &["1", "2"]);
        for other in [
            hash("1", &["1", "2"]),
            hash("0", &["2", "1"]),
            hash("0", &["1", "3"]),
            hash("0", &["1"]),
            hash("0", &[]),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(one, hash("0", &["1", "2"]));
    }
}
