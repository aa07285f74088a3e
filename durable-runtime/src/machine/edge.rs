use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A way from one node of a machine to the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// Where it comes from.
    pub from: Node,
    /// Where it leads.
    pub to: Node,
    /// How it is taken.
    pub way: Way,
    /// In which case it is taken, where several ways part: a pattern, or `yes` and `no`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub when: Option<Cow<'static, str>>,
}

/// What an edge connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Node {
    /// The workflow begins.
    Start,
    /// A durable call, by its place in the list of sites.
    Site(u16),
    /// A joint, by its place in the list of joints.
    Joint(u16),
    /// The workflow returns.
    End,
    /// The workflow ends in an error, by `?`, `bail!` or an `Err(…)` in the place of its result.
    Error,
}

/// How an edge is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// One after the other.
    Next,
    /// Back to the head of a loop, at the end of its body or by `continue`.
    Again,
    /// Out of a loop or a block, by `break`.
    Break,
    /// Out of the function, async block or closure, by `return` and the like.
    Return,
    /// Out of the function, async block or closure in case of an error, by `?`.
    Fail,
    /// Together with the other ways of a fork.
    Fork,
    /// Against the other ways of a `select!`: the first to be done goes on.
    Race,
    /// Back from a failed saga: what undoes the call.
    Undo,
}

/// An edge as the macros write it down.
#[doc(hidden)]
#[must_use]
pub const fn edge(from: Node, to: Node, way: Way, when: Option<&'static str>) -> Edge {
    Edge {
        from,
        to,
        way,
        when: match when {
            Some(when) => Some(Cow::Borrowed(when)),
            None => None,
        },
    }
}
