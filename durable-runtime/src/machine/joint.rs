use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A place where ways part or meet and no call is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joint {
    /// What it does.
    pub kind: JointKind,
    /// What decides there, as the source says it: `if total > limit`.
    pub text: Cow<'static, str>,
    /// The line in the file, from 1.
    pub line: u32,
    /// The part it stands in, by its place in the list of parts; `None` is the workflow itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<u16>,
}

/// What a joint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JointKind {
    /// One of several ways is taken.
    Choice,
    /// A way may be taken again: the head of a loop, or a closure.
    Loop,
    /// All ways are taken: `join!`, `join_all`.
    Fork,
    /// All ways of a fork have been taken.
    Join,
    /// A part is called.
    Enter,
    /// A part has returned.
    Leave,
}

/// A joint as the macros write it down.
#[doc(hidden)]
#[must_use]
pub const fn joint(kind: JointKind, text: &'static str, line: u32) -> Joint {
    Joint {
        kind,
        text: Cow::Borrowed(text),
        line,
        within: None,
    }
}
