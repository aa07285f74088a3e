//! What is recorded of a browser, so that another process can open it again.

use serde::{Deserialize, Serialize};

use crate::value::Object;

/// A browser of a run as it was after a visit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BrowserState {
    /// What tells it from others: the visit that launched it, `RUN/NODE/VISIT`.
    pub id: String,
    /// What it was launched with.
    pub settings: Object,
    /// Its tabs, in the order in which they were opened.
    pub tabs: Vec<TabState>,
    /// The tab that nodes mean which name none.
    pub tab: String,
    /// What only this machine can read: cookies, whole addresses, what pages stored, and what was typed into them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) kept: String,
    /// Whether it was closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// A tab of a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabState {
    /// What nodes call it.
    pub name: String,
    /// Where it is, without the query.
    pub url: String,
}

/// What a visit of a node in a browser left to be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNote {
    /// Where the page was afterwards, without the query.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Another selector than the first found the element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healed: Option<Healed>,
    /// The picture of the page on which the node failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<String>,
    /// Whether the browser was gone and was opened again for this visit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restored: bool,
}

/// A selector that did not find its element any more, and the one that did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healed {
    /// The selector of the node.
    pub selector: String,
    /// The one that found the element.
    pub by: String,
    /// Which of `fallback_selectors` it is, from 1.
    pub place: usize,
}
