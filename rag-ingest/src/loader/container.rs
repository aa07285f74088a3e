//! Files in files: what all of them may take together, and what they are called.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use super::limits::Limits;
use super::loaded::{Loaded, Member};
use super::package::read_at_most;
use super::source::Source;
use super::{LoadError, formats, take};
use crate::document::{Document, Kind};

/// What is left to a file and everything in it.
#[derive(Debug)]
pub(super) struct Budget {
    unpacked: Cell<u64>,
    max_unpacked: u64,
    text: Cell<u64>,
    max_text: u64,
    members: Cell<u32>,
    max_members: u32,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            unpacked: Cell::new(0),
            max_unpacked: limits.max_unpacked_bytes,
            text: Cell::new(0),
            max_text: limits.max_text_bytes,
            members: Cell::new(0),
            max_members: limits.max_members,
        }
    }

    /// Unpacks; more than is left is an error of the kind `QuotaExceeded`.
    pub(super) fn unpack(&self, reader: impl Read) -> io::Result<Vec<u8>> {
        let left = self.max_unpacked.saturating_sub(self.unpacked.get());
        let why = format!(
            "more than {} bytes, which is the limit for all that is packed in one file",
            self.max_unpacked
        );
        let bytes = read_at_most(reader, left, &why)?;
        self.unpacked.set(self.unpacked.get() + bytes.len() as u64);
        Ok(bytes)
    }

    /// Counts text that was taken out of a file.
    pub(super) fn text(&self, source: &Source<'_>, bytes: usize) -> Result<(), LoadError> {
        let size = self.text.get() + bytes as u64;
        if size > self.max_text {
            return Err(LoadError::TooLarge {
                path: source.name().to_owned(),
                size,
                limit: self.max_text,
            });
        }
        self.text.set(size);
        Ok(())
    }

    fn member(&self) -> Result<(), String> {
        if self.members.get() >= self.max_members {
            return Err(format!(
                "more than {} files, which is the limit",
                self.max_members
            ));
        }
        self.members.set(self.members.get() + 1);
        Ok(())
    }
}

/// The members of one container, while it is read.
#[derive(Debug)]
pub(super) struct Members<'s, 'a> {
    container: &'s Source<'a>,
    members: Vec<Member>,
    /// The names that are taken, with how many members wanted each.
    names: HashMap<String, u32>,
    /// How many members were left out because nothing reads their kind.
    skipped: usize,
    warnings: Vec<String>,
}

impl<'s, 'a> Members<'s, 'a> {
    /// Begins a container; an error if it lies too deep.
    pub(super) fn of(container: &'s Source<'a>) -> Result<Self, LoadError> {
        let depth = container.depth();
        if depth >= container.limits().max_depth {
            return Err(LoadError::TooDeep {
                path: container.name().to_owned(),
                depth,
            });
        }
        Ok(Self {
            container,
            members: Vec::new(),
            names: HashMap::new(),
            skipped: 0,
            warnings: Vec::new(),
        })
    }

    /// Decides whether a member is worth unpacking, and under which name it goes. `None` if it is left out.
    ///
    /// A name only names: it never becomes a path on the disk. Still it is cleaned, so that no two members, and no member
    /// and a file outside, can have the same.
    pub(super) fn admit(&mut self, name: &str) -> Result<Option<String>, LoadError> {
        let clean = self.count(name)?;
        // The rules of folders: what is hidden and what nothing reads is left out.
        let hidden = clean
            .split('/')
            .any(|part| part.starts_with('.') || part == "__MACOSX");
        if hidden || !formats::is_candidate(Path::new(&clean)) {
            self.skipped += 1;
            return Ok(None);
        }
        Ok(Some(self.unique(clean)))
    }

    /// As [`Members::admit`], for a member that is the only one: it is read whatever it is called.
    pub(super) fn admit_only(&mut self, name: &str) -> Result<String, LoadError> {
        let clean = self.count(name)?;
        Ok(self.unique(clean))
    }

    /// Counts a member and cleans its name.
    fn count(&mut self, name: &str) -> Result<String, LoadError> {
        self.container
            .budget()
            .member()
            .map_err(|why| self.container.bomb(why))?;
        let clean = clean(name);
        if clean != name {
            self.warnings.push(format!(
                "a member is named {name:?} and is listed as {clean:?}"
            ));
        }
        Ok(clean)
    }

    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        while self.names.contains_key(&unique) {
            let number = self.names.entry(name.clone()).or_insert(1);
            *number += 1;
            unique = format!("{name} ({number})");
        }
        self.names.insert(unique.clone(), 1);
        unique
    }

    /// Reads an admitted member.
    pub(super) fn read(&mut self, path: String, bytes: &[u8]) -> Result<(), LoadError> {
        let source = self
            .container
            .member(format!("{}!/{path}", self.container.name()), bytes);
        match take(&source) {
            Ok(loaded) => {
                self.members.push(Member {
                    path: path.clone(),
                    outcome: Ok(loaded.document),
                });
                let inner = loaded.members.into_iter().map(|member| Member {
                    path: format!("{path}!/{}", member.path),
                    outcome: member.outcome,
                });
                self.members.extend(inner);
            }
            // A limit for the whole file ends the whole file.
            Err(error @ (LoadError::Bomb { .. } | LoadError::TooDeep { .. })) => return Err(error),
            Err(error) => self.fail(path, error),
        }
        Ok(())
    }

    /// Lists an admitted member that could not be unpacked.
    pub(super) fn fail(&mut self, path: String, error: LoadError) {
        self.members.push(Member {
            path,
            outcome: Err(error),
        });
    }

    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The container with its members.
    pub(super) fn finish(mut self, document: Document) -> Loaded {
        if self.skipped > 0 {
            self.warnings.push(format!(
                "{} members are hidden or of kinds that are not read, and were left out",
                self.skipped
            ));
        }
        // An archive of ten thousand odd names needs no ten thousand warnings.
        const MOST: usize = 20;
        let more = self.warnings.len().saturating_sub(MOST);
        if more > 0 {
            self.warnings.truncate(MOST);
            self.warnings.push(format!("and {more} warnings more"));
        }
        let mut document = document;
        document.warnings.append(&mut self.warnings);
        Loaded {
            document,
            members: self.members,
        }
    }

    /// The container as an archive without a text of its own.
    pub(super) fn finish_archive(self) -> Loaded {
        self.finish(Document {
            kind: Kind::Archive,
            ..Document::plain("")
        })
    }
}

/// A member's name without what could lead out of the container.
fn clean(name: &str) -> String {
    let parts: Vec<String> = name
        .split(['/', '\\'])
        .map(|part| {
            part.chars()
                .filter(|character| !character.is_control())
                .collect::<String>()
        })
        .filter(|part| !matches!(part.as_str(), "" | "." | ".."))
        .collect();
    if parts.is_empty() {
        "unnamed".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn names_that_lead_out_of_the_container_stay_in_it() {
        assert_eq!(clean("../../etc/passwd.txt"), "etc/passwd.txt");
        assert_eq!(clean("/etc/./x.txt"), "etc/x.txt");
        assert_eq!(clean("..\\windows\\a.txt"), "windows/a.txt");
        assert_eq!(clean("a\0b/\n.txt"), "ab/.txt");
        assert_eq!(clean("../.."), "unnamed");
        assert_eq!(clean("reports/May 2.txt"), "reports/May 2.txt");
    }
}
