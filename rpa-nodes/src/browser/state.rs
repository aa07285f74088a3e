//! What is recorded of a browser, so that another process can open it again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secrets::{SecretError, Vault, sealed};
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

/// What is sealed of a browser.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(super) cookies: Value,
    pub(super) tabs: Vec<KeptTab>,
}

/// What is sealed of a tab.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptTab {
    pub(super) name: String,
    pub(super) url: String,
    /// Where it was before, the nearest first.
    pub(super) back: Vec<String>,
    /// Where it was before it went back, the nearest first.
    pub(super) forward: Vec<String>,
    /// What was typed and chosen since the page was loaded.
    pub(super) fields: Value,
    /// What the page stores, for longer and for as long as the tab is there.
    pub(super) local: Value,
    pub(super) session: Value,
}

impl Kept {
    pub(super) fn tab(&self, name: &str) -> Option<&KeptTab> {
        self.tabs.iter().find(|tab| tab.name == name)
    }

    pub(super) fn seal(&self, vault: &Vault) -> Result<String, SecretError> {
        let mut text = Value::String(serde_json::to_string(self).unwrap_or_default());
        vault.seal(&mut text)?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn open(mark: &str, vault: &Vault) -> Result<Self, SecretError> {
        let Some(inside) = sealed(mark) else {
            return Ok(Self::default());
        };
        let opened = vault.open(inside)?;
        serde_json::from_str(opened.as_str().unwrap_or_default()).map_err(|_| SecretError::OtherKey)
    }
}

impl BrowserState {
    /// What was sealed; without it, where the tabs were.
    pub(super) fn kept(&self, vault: &Vault) -> Result<Kept, SecretError> {
        let mut kept = Kept::open(&self.kept, vault)?;
        for tab in &self.tabs {
            if kept.tab(&tab.name).is_none() {
                kept.tabs.push(KeptTab {
                    name: tab.name.clone(),
                    url: tab.url.clone(),
                    ..KeptTab::default()
                });
            }
        }
        Ok(kept)
    }
}

/// An address as people may see it: keys stand in queries, passwords before hosts.
pub(crate) fn shown(url: &str) -> String {
    crate::http::without_secrets(url)
}
