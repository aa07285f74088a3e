//! What is sealed of a browser, for whoever opens it again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::page::Page;
use super::state::BrowserState;
use crate::fault::Fault;
use crate::secrets::{SecretError, Vault, sealed};

/// What a page stores is kept up to this size, in bytes.
const MOST_KEPT: usize = 256 * 1024;

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

impl Page {
    /// What would be lost with the tab.
    pub(super) fn keep(&self) -> Result<KeptTab, Fault> {
        let (at, entries) = self.entries()?;
        let at = usize::try_from(at).unwrap_or_default();
        let is_page = |url: &String| url != "about:blank";
        let urls: Vec<String> = entries.into_iter().map(|(_, url)| url).collect();
        let before = urls
            .iter()
            .take(at)
            .rev()
            .filter(|url| is_page(url))
            .cloned();
        let after = urls.iter().skip(at + 1).filter(|url| is_page(url)).cloned();
        let earlier = self.earlier();
        let back = before.chain(earlier.0.iter().cloned()).take(10).collect();
        let forward = after.chain(earlier.1.iter().cloned()).take(10).collect();
        drop(earlier);
        let mut kept = KeptTab {
            name: self.name.clone(),
            url: urls.get(at).cloned().unwrap_or_default(),
            back,
            forward,
            ..KeptTab::default()
        };
        let mut held = self.ask("keep", &json!({}))?;
        if held.to_string().len() <= MOST_KEPT {
            let mut take = |name: &str| held.get_mut(name).map(Value::take).unwrap_or_default();
            (kept.fields, kept.local, kept.session) =
                (take("fields"), take("local"), take("session"));
        }
        Ok(kept)
    }

    /// Goes where an earlier browser was, and puts back what was typed there.
    pub(super) fn restore(&self, kept: &KeptTab, limit: Duration) -> Result<(), Fault> {
        *self.earlier() = (kept.back.clone(), kept.forward.clone());
        if kept.url.is_empty() || kept.url == "about:blank" {
            return Ok(());
        }
        let stores = [
            ("localStorage", &kept.local),
            ("sessionStorage", &kept.session),
        ];
        let mut script = String::new();
        for (storage, values) in stores {
            if values.as_object().is_some_and(|values| !values.is_empty()) {
                script += &format!(
                    "for (const [name, value] of Object.entries({values})) {storage}.setItem(name, value);"
                );
            }
        }
        let mut added = None;
        if !script.is_empty()
            && let Some(origin) = origin(&kept.url)
        {
            let source = format!(
                "if (window === top && location.origin === {}) {{ {script} }}",
                Value::from(origin)
            );
            let how = json!({"source": source});
            added = Some(self.call("Page.addScriptToEvaluateOnNewDocument", how)?);
        }
        let gone = self.load(&kept.url, "", "load", limit);
        if let Some(added) = added {
            self.call("Page.removeScriptToEvaluateOnNewDocument", added)?;
        }
        gone?;
        self.call("Page.resetNavigationHistory", json!({}))?;
        if kept
            .fields
            .as_array()
            .is_some_and(|fields| !fields.is_empty())
        {
            self.ask("refill", &json!({"fields": kept.fields}))?;
        }
        Ok(())
    }
}

/// The origin of an address, as pages see it.
fn origin(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let rest = url.get(start..)?;
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..start + host)
}

/// An address as people may see it: keys stand in queries, passwords before hosts.
pub(crate) fn shown(url: &str) -> String {
    crate::http::without_secrets(url)
}
