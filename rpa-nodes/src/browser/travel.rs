//! Where a tab goes, and how far the page there is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::kept::shown;
use super::page::{Page, field};
use super::pipe::{GONE, Heard};
use super::tab::Tab;
use crate::fault::Fault;

/// How long it may take after a click until it shows that the page goes elsewhere.
const REACTION: Duration = Duration::from_millis(50);

impl Page {
    /// Waits until something happened in the tab.
    pub(super) fn until(&self, end: Instant, look: impl Fn(&Tab) -> bool) -> Result<bool, Fault> {
        let look = |heard: &mut Heard| match heard.tabs.get(&self.session) {
            None => Some(Err("the tab was closed")),
            Some(tab) if tab.is_crashed => Some(Err("the page crashed")),
            Some(tab) => look(tab).then_some(Ok(())),
        };
        match self.pipe.until(end, look)? {
            Some(Ok(())) => Ok(true),
            Some(Err(reason)) => Err(Fault::of(GONE, reason)),
            None => Ok(false),
        }
    }

    /// Goes to an address, and waits until the page is there as far as it is wanted.
    pub(crate) fn go(
        &self,
        url: &str,
        referer: &str,
        stage: &str,
        limit: Duration,
    ) -> Result<(), Fault> {
        // From here on another way leads forward.
        self.earlier().1.clear();
        self.load(url, referer, stage, limit)
    }

    pub(super) fn load(
        &self,
        url: &str,
        referer: &str,
        stage: &str,
        limit: Duration,
    ) -> Result<(), Fault> {
        let end = Instant::now() + limit;
        let mut how = json!({"url": url});
        if let (false, Value::Object(map)) = (referer.is_empty(), &mut how) {
            map.insert("referrer".to_owned(), referer.into());
        }
        let gone = self
            .pipe
            .ask(Some(&self.session), "Page.navigate", how, limit);
        let gone = gone.map_err(|fault| match fault.error_type == "TimeoutError" {
            true => late(url, "answered", limit),
            false => fault,
        })?;
        let error = field(&gone, "errorText");
        if !error.is_empty() {
            return Err(Fault::of(
                "ConnectionError",
                format!("{} cannot be opened: {error}", shown(url)),
            ));
        }
        let loader = field(&gone, "loaderId");
        if loader.is_empty() {
            // Only the fragment is another one.
            return Ok(());
        }
        self.reach(&loader, stage, end, url, limit)
    }

    /// Waits until a document came as far as it is wanted.
    fn reach(
        &self,
        loader: &str,
        stage: &str,
        end: Instant,
        url: &str,
        limit: Duration,
    ) -> Result<(), Fault> {
        let wanted = lifecycle(stage);
        match self.until(end, |tab| tab.has_reached(loader, wanted))? {
            true => Ok(()),
            false => Err(late(url, stage, limit)),
        }
    }

    /// Goes back or forward; gives false if there is nothing there.
    pub(crate) fn turn(&self, by: i64, stage: &str, limit: Duration) -> Result<bool, Fault> {
        let end = Instant::now() + limit;
        let (at, entries) = self.entries()?;
        let moves = self.tab(|tab| tab.moves).unwrap_or_default();
        let wanted = at + by;
        let entry = usize::try_from(wanted)
            .ok()
            .and_then(|place| entries.get(place));
        match entry.filter(|(_, url)| wanted > 0 || url != "about:blank") {
            Some((id, _)) => {
                self.call("Page.navigateToHistoryEntry", json!({"entryId": id}))?;
            }
            None => {
                // What an earlier browser showed can be opened again.
                let here = self.url();
                let mut earlier = self.earlier();
                let (back, forward) = &mut *earlier;
                let (from, to) = if by < 0 {
                    (back, forward)
                } else {
                    (forward, back)
                };
                if from.is_empty() {
                    return Ok(false);
                }
                let url = from.remove(0);
                to.insert(0, here);
                drop(earlier);
                self.load(&url, "", stage, limit)?;
                self.call("Page.resetNavigationHistory", json!({}))?;
                return Ok(true);
            }
        }
        let wanted = lifecycle(stage);
        match self.until(end, |tab| {
            tab.moves > moves && !tab.is_leaving && tab.has_reached("", wanted)
        })? {
            true => self.is_there().map(|()| true),
            false => Err(late(&self.url(), stage, limit)),
        }
    }

    /// Loads the page again.
    pub(crate) fn reload(&self, stage: &str, limit: Duration) -> Result<(), Fault> {
        let end = Instant::now() + limit;
        let before = self.tab(|tab| tab.loader.clone()).unwrap_or_default();
        self.call("Page.reload", json!({}))?;
        let wanted = lifecycle(stage);
        match self.until(end, |tab| {
            tab.loader != before && tab.has_reached("", wanted)
        })? {
            true => self.is_there(),
            false => Err(late(&self.url(), stage, limit)),
        }
    }

    /// Waits until the page that it is on its way to, or on, is there as far as it is wanted.
    pub(crate) fn arrive(&self, stage: &str, limit: Duration) -> Result<(), Fault> {
        let wanted = lifecycle(stage);
        let end = Instant::now() + limit;
        self.react();
        match self.until(end, |tab| !tab.is_leaving && tab.has_reached("", wanted))? {
            true => self.is_there(),
            false => Err(late(&self.url(), stage, limit)),
        }
    }

    /// Whether it shows a page, and not a message of the browser in its place.
    pub(crate) fn is_there(&self) -> Result<(), Fault> {
        match self.tab(|tab| tab.unreachable.clone()).flatten() {
            None => Ok(()),
            Some(url) => Err(Fault::of(
                "ConnectionError",
                format!("{} cannot be opened: the browser shows why", shown(&url)),
            )),
        }
    }

    /// After a click or a key: if the page goes elsewhere by it, waits until it is there. Gives false if that takes longer.
    pub(crate) fn settle(&self, limit: Duration) -> Result<bool, Fault> {
        let end = Instant::now() + limit;
        self.react();
        self.until(end, |tab| {
            !tab.is_leaving && (!tab.is_loading || tab.has_reached("", "DOMContentLoaded"))
        })
    }

    /// Gives the page the time to do what it does at a click.
    fn react(&self) {
        let wait = format!(
            "new Promise(done => setTimeout(done, {}))",
            REACTION.as_millis()
        );
        // A page that goes elsewhere meanwhile does not answer, and need not.
        if let Err(fault) = self.evaluate(&wait, REACTION * 10) {
            tracing::trace!(%fault, "the page left while it was waited for");
        }
    }

    /// Where it is in its history, and what that consists of.
    pub(super) fn entries(&self) -> Result<(i64, Vec<(i64, String)>), Fault> {
        let history = self.call("Page.getNavigationHistory", json!({}))?;
        let at = history
            .get("currentIndex")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let entries = history.get("entries").and_then(Value::as_array);
        let entries = entries.into_iter().flatten().map(|entry| {
            let id = entry.get("id").and_then(Value::as_i64).unwrap_or_default();
            (id, field(entry, "url"))
        });
        Ok((at, entries.collect()))
    }
}

/// What the browser calls a stage of a page.
fn lifecycle(stage: &str) -> &'static str {
    match stage {
        "domcontentloaded" => "DOMContentLoaded",
        "networkidle" => "networkIdle",
        "commit" => "commit",
        _ => "load",
    }
}

fn late(url: &str, stage: &str, limit: Duration) -> Fault {
    Fault::of(
        "TimeoutError",
        format!(
            "{} did not come to `{stage}` within {} ms; raise `timeout`, or wait for less with `wait_until`",
            shown(url),
            limit.as_millis()
        ),
    )
}
