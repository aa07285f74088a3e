//! What is sealed of a browser, for whoever opens it again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::BrowserState;
use crate::secrets::{SecretError, Vault, sealed};

/// What is sealed of a browser.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) cookies: Value,
    pub(super) tabs: Vec<KeptTab>,
}

/// What is sealed of a tab.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptTab {
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
