use std::panic::Location;

use super::{Edge, Site};

/// What a macro reads off one function: emitted as constant data beside it.
#[derive(Debug)]
pub struct Code {
    /// The file it is written in.
    pub file: &'static str,
    /// The line it begins at.
    pub line: u32,
    /// A hash of its code without comments and formatting, in hexadecimal digits.
    pub hash: &'static str,
    /// Its durable calls, in the order of the source.
    pub sites: &'static [Site],
    /// The ways between its sites.
    pub edges: &'static [Edge],
    /// Its author allowed it to await something that is no durable call.
    pub awaits_others: bool,
}

impl Code {
    /// The site that makes a call at a location.
    #[must_use]
    pub fn site(&self, location: &Location<'_>) -> Option<&'static Site> {
        self.sites.iter().find(|site| {
            (site.file.as_ref(), site.line, site.column)
                == (location.file(), location.line(), location.column())
        })
    }
}
