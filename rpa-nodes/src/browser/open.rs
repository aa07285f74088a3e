//! Browsers that are open in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::kept::{Kept, shown};
use super::launch::Process;
use super::page::Page;
use super::state::{BrowserState, TabState};
use crate::fault::Fault;
use crate::secrets::Vault;
use crate::value::{Object, text};

/// How long a browser may take until it answers for the first time.
const START: Duration = Duration::from_secs(60);
/// How long a page may take that is opened again.
const RETURN: Duration = Duration::from_secs(30);
const AT_ONCE: Duration = Duration::from_secs(15);

/// The browsers that are open in this process, by id.
#[derive(Debug, Default)]
pub(crate) struct Browsers(Mutex<BTreeMap<String, Arc<Browser>>>);

/// A browser.
#[derive(Debug)]
pub(crate) struct Browser {
    id: String,
    settings: Object,
    process: Process,
    pages: Mutex<BTreeMap<String, Arc<Page>>>,
    /// The tabs in the order in which they were opened, and the one that is meant where none is named.
    tabs: Mutex<(Vec<String>, String)>,
    /// What is known of it, as it was recorded last.
    kept: Mutex<Kept>,
    /// Whether it was opened again, and nobody was told yet.
    restored: Mutex<bool>,
}

impl Browsers {
    /// Launches a browser. One that an earlier try of the same visit launched is closed.
    pub(crate) fn launch(&self, id: &str, settings: &Object) -> Result<Arc<Browser>, Fault> {
        self.close(id);
        let browser = Arc::new(Browser::start(id, settings, Kept::default())?);
        lock(&self.0).insert(id.to_owned(), Arc::clone(&browser));
        Ok(browser)
    }

    /// The browser that a record tells of; if it is not open any more, it is opened again.
    pub(crate) fn get(&self, state: &BrowserState, vault: &Vault) -> Result<Arc<Browser>, Fault> {
        let mut open = lock(&self.0);
        if let Some(browser) = open.get(&state.id) {
            if !browser.process.pipe.is_gone() {
                return Ok(Arc::clone(browser));
            }
            open.remove(&state.id);
        }
        let kept = state.kept(vault).map_err(|error| {
            Fault::of(
                "SecretError",
                format!("the browser cannot be opened again: {error}"),
            )
        })?;
        let cookies = kept.cookies.clone();
        let browser = Browser::start(&state.id, &state.settings, kept)?;
        if cookies
            .as_array()
            .is_some_and(|cookies| !cookies.is_empty())
        {
            let how = json!({"cookies": cookies});
            browser
                .process
                .pipe
                .ask(None, "Storage.setCookies", how, AT_ONCE)?;
        }
        let names = state.tabs.iter().map(|tab| tab.name.clone()).collect();
        *lock(&browser.tabs) = (names, state.tab.clone());
        *lock(&browser.restored) = true;
        let browser = Arc::new(browser);
        open.insert(state.id.clone(), Arc::clone(&browser));
        Ok(browser)
    }

    /// Those that are open.
    pub(crate) fn ids(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }

    /// Closes a browser, if it is open.
    pub(crate) fn close(&self, id: &str) {
        // Ended when nobody looks at the others any more: that takes a moment.
        let closed = lock(&self.0).remove(id);
        if let Some(browser) = closed {
            browser.process.end();
        }
    }

    /// Closes all.
    pub(crate) fn close_all(&self) {
        let closed = std::mem::take(&mut *lock(&self.0));
        // A node that is at work holds its browser, and lets go of it when it is gone.
        closed.values().for_each(|browser| browser.process.end());
    }
}

impl Browser {
    fn start(id: &str, settings: &Object, kept: Kept) -> Result<Self, Fault> {
        let process = Process::start(settings, START)?;
        let downloads = settings.get("downloads_path").map(text).unwrap_or_default();
        let how = match downloads.is_empty() {
            true => json!({"behavior": "deny"}),
            false => json!({"behavior": "allow", "downloadPath": downloads}),
        };
        process
            .pipe
            .ask(None, "Browser.setDownloadBehavior", how, AT_ONCE)?;
        Ok(Self {
            id: id.to_owned(),
            settings: settings.clone(),
            process,
            pages: Mutex::default(),
            tabs: Mutex::default(),
            kept: Mutex::new(kept),
            restored: Mutex::default(),
        })
    }

    pub(crate) fn settings(&self) -> &Object {
        &self.settings
    }

    /// Opens a tab and lets it be the one that is meant. One of the same name is replaced.
    pub(crate) fn open(&self, name: &str) -> Result<Arc<Page>, Fault> {
        let page = Arc::new(Page::open(
            &self.process.pipe,
            &self.id,
            name,
            &self.settings,
        )?);
        let replaced = lock(&self.pages).insert(name.to_owned(), Arc::clone(&page));
        match replaced {
            Some(replaced) => self.close(replaced.target()),
            None if lock(&self.pages).len() == 1 => self.close_first()?,
            None => {}
        }
        let mut tabs = lock(&self.tabs);
        if !tabs.0.iter().any(|known| known == name) {
            tabs.0.push(name.to_owned());
        }
        name.clone_into(&mut tabs.1);
        Ok(page)
    }

    /// A tab by its name, or the one that is meant. One that an earlier browser had is opened where it was.
    pub(crate) fn page(&self, name: Option<&str>) -> Result<Arc<Page>, Fault> {
        let (known, meant) = lock(&self.tabs).clone();
        let name = name
            .filter(|name| !name.is_empty())
            .unwrap_or(&meant)
            .to_owned();
        let found = lock(&self.pages).get(&name).cloned();
        if let Some(page) = found.filter(|page| page.is_usable()) {
            return Ok(page);
        }
        if !known.contains(&name) {
            return Err(Fault::value(format!(
                "this browser has no tab `{name}`; it has {}",
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            )));
        }
        let page = self.open(&name)?;
        lock(&self.tabs).1 = meant;
        let earlier = lock(&self.kept).tab(&name).cloned();
        if let Some(earlier) = earlier {
            *lock(&self.restored) = true;
            if let Err(mut fault) = page.restore(&earlier, RETURN) {
                // Another try begins with another tab.
                lock(&self.pages).remove(&name);
                self.close(page.target());
                fault.message = format!("the browser was opened again, but: {}", fault.message);
                return Err(fault);
            }
        }
        Ok(page)
    }

    /// Whether it has a tab of this name.
    pub(crate) fn has_tab(&self, name: &str) -> bool {
        lock(&self.tabs).0.iter().any(|known| known == name)
    }

    /// Whether it was opened again since this was asked last.
    pub(crate) fn was_restored(&self) -> bool {
        std::mem::take(&mut *lock(&self.restored))
    }

    /// What is to be recorded of it, if that is something else than before. Without a vault, only where its tabs are.
    pub(crate) fn news(
        &self,
        page: &Page,
        vault: Option<&Vault>,
    ) -> Result<Option<BrowserState>, Fault> {
        let mut kept = lock(&self.kept).clone();
        let got = self
            .process
            .pipe
            .ask(None, "Storage.getCookies", json!({}), AT_ONCE)?;
        kept.cookies = got.get("cookies").cloned().unwrap_or_default();
        let tab = page.keep()?;
        match kept.tabs.iter_mut().find(|known| known.name == tab.name) {
            Some(known) => *known = tab,
            None => kept.tabs.push(tab),
        }
        let (names, tab) = lock(&self.tabs).clone();
        let mut last = lock(&self.kept);
        if *last == kept {
            return Ok(None);
        }
        last.clone_from(&kept);
        drop(last);
        let tabs = names.into_iter().map(|name| TabState {
            url: kept
                .tab(&name)
                .map(|tab| shown(&tab.url))
                .unwrap_or_default(),
            name,
        });
        let sealed = vault.map(|vault| kept.seal(vault)).transpose();
        let sealed = sealed
            .map_err(|error| Fault::of("SecretError", error.to_string()))?
            .unwrap_or_default();
        Ok(Some(BrowserState {
            id: self.id.clone(),
            settings: self.settings.clone(),
            tabs: tabs.collect(),
            tab,
            kept: sealed,
            closed: false,
        }))
    }

    /// Closes the tab that a browser begins with and nobody asked for.
    fn close_first(&self) -> Result<(), Fault> {
        let targets = self
            .process
            .pipe
            .ask(None, "Target.getTargets", json!({}), AT_ONCE)?;
        let targets = targets.get("targetInfos").and_then(Value::as_array);
        for target in targets.into_iter().flatten() {
            let is =
                |name: &str, value: &str| target.get(name).and_then(Value::as_str) == Some(value);
            let is_attached = target
                .get("attached")
                .is_some_and(|attached| *attached == true);
            let has_opener = target.get("openerId").is_some();
            if is("type", "page") && is("url", "about:blank") && !is_attached && !has_opener {
                let id = target.get("targetId").and_then(Value::as_str);
                self.close(id.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn close(&self, target: &str) {
        let asked = self.process.pipe.ask(
            None,
            "Target.closeTarget",
            json!({"targetId": target}),
            AT_ONCE,
        );
        if let Err(fault) = asked {
            tracing::debug!(%fault, "a tab that is not needed any more was gone already");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
