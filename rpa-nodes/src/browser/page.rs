//! One tab of a browser: where it goes, and what is asked of the page in it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::kept::{KeptTab, shown};
use super::pipe::{Heard, Pipe};
use super::tab::{Dialog, Reply, Tab};
use crate::fault::Fault;
use crate::value::{Object, read_integer, text, truth};

/// Answers questions about a page, in the page.
const ENGINE: &str = include_str!("engine.js");
/// How long the browser may take for what it does at once.
const AT_ONCE: Duration = Duration::from_secs(15);
/// How long it may take after a click until it shows that the page goes elsewhere.
const REACTION: Duration = Duration::from_millis(50);
/// How often a page is asked again whether it has what is waited for.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// What a page stores is kept up to this size, in bytes.
const MOST_KEPT: usize = 256 * 1024;

/// A tab.
#[derive(Debug)]
pub(crate) struct Page {
    pub(super) pipe: Pipe,
    pub(super) name: String,
    /// The id of its browser.
    browser: String,
    session: String,
    target: String,
    /// What an earlier browser showed in this tab: before it, and after it.
    earlier: Mutex<(Vec<String>, Vec<String>)>,
}

impl Page {
    /// Opens a tab with the settings of its browser.
    pub(super) fn open(
        pipe: &Pipe,
        browser: &str,
        name: &str,
        settings: &Object,
    ) -> Result<Self, Fault> {
        let made = pipe.ask(
            None,
            "Target.createTarget",
            json!({"url": "about:blank"}),
            AT_ONCE,
        )?;
        let target = field(&made, "targetId");
        let how = json!({"targetId": target, "flatten": true});
        let session = field(
            &pipe.ask(None, "Target.attachToTarget", how, AT_ONCE)?,
            "sessionId",
        );
        let tab = Tab::new(target.clone());
        pipe.heard().tabs.insert(session.clone(), tab);
        let page = Self {
            pipe: pipe.clone(),
            name: name.to_owned(),
            browser: browser.to_owned(),
            session,
            target,
            earlier: Mutex::default(),
        };
        page.call("Page.enable", json!({}))?;
        page.call("Page.setLifecycleEventsEnabled", json!({"enabled": true}))?;
        page.set_up(settings)?;
        Ok(page)
    }

    fn set_up(&self, settings: &Object) -> Result<(), Fault> {
        let said = |name: &str| settings.get(name).map(text).filter(|text| !text.is_empty());
        let number = |name: &str, usual| settings.get(name).and_then(read_integer).unwrap_or(usual);
        let size = json!({
            "width": number("viewport_width", 1280), "height": number("viewport_height", 720),
            "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", size)?;
        if let Some(agent) = said("user_agent") {
            self.call(
                "Emulation.setUserAgentOverride",
                json!({"userAgent": agent}),
            )?;
        }
        if let Some(locale) = said("locale") {
            self.call("Emulation.setLocaleOverride", json!({"locale": locale}))?;
        }
        if let Some(zone) = said("timezone_id") {
            self.call("Emulation.setTimezoneOverride", json!({"timezoneId": zone}))?;
        }
        if let Some(scheme) = said("color_scheme") {
            let feature = json!({"name": "prefers-color-scheme", "value": scheme});
            self.call("Emulation.setEmulatedMedia", json!({"features": [feature]}))?;
        }
        if settings.get("ignore_https_errors").is_some_and(truth) {
            self.ignore_certificates()?;
        }
        Ok(())
    }

    /// What stands for it in the outputs of nodes.
    pub(crate) fn handle(&self) -> Value {
        json!({"browser": self.browser, "page": self.name})
    }

    /// Lets it show pages of servers that nobody vouches for.
    pub(crate) fn ignore_certificates(&self) -> Result<(), Fault> {
        self.call(
            "Security.setIgnoreCertificateErrors",
            json!({"ignore": true}),
        )?;
        Ok(())
    }

    /// Asks the tab for what it does at once.
    pub(crate) fn call(&self, method: &str, parameters: Value) -> Result<Value, Fault> {
        self.pipe
            .ask(Some(&self.session), method, parameters, AT_ONCE)
    }

    /// What was heard of the tab.
    pub(super) fn tab<T>(&self, look: impl FnOnce(&mut Tab) -> T) -> Option<T> {
        self.pipe.heard().tabs.get_mut(&self.session).map(look)
    }

    /// Waits until something happened in the tab.
    fn until(&self, end: Instant, look: impl Fn(&Tab) -> bool) -> Result<bool, Fault> {
        let look = |heard: &mut Heard| match heard.tabs.get(&self.session) {
            None => Some(Err("the tab was closed")),
            Some(tab) if tab.is_crashed => Some(Err("the page crashed")),
            Some(tab) => look(tab).then_some(Ok(())),
        };
        match self.pipe.until(end, look)? {
            Some(Ok(())) => Ok(true),
            Some(Err(reason)) => Err(Fault::of(super::pipe::GONE, reason)),
            None => Ok(false),
        }
    }

    /// Whether it can still be used.
    pub(super) fn is_usable(&self) -> bool {
        self.tab(|tab| !tab.is_crashed).unwrap_or(false)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.tab(|tab| tab.url.clone()).unwrap_or_default()
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

    fn load(&self, url: &str, referer: &str, stage: &str, limit: Duration) -> Result<(), Fault> {
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

    /// The value of an expression in the page; promises are waited for.
    pub(crate) fn evaluate(&self, expression: &str, limit: Duration) -> Result<Value, Fault> {
        let how = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let mut answer = self
            .pipe
            .ask(Some(&self.session), "Runtime.evaluate", how, limit)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let description = thrown
                .pointer("/exception/description")
                .and_then(Value::as_str);
            let said = description
                .map(str::to_owned)
                .or_else(|| thrown.pointer("/exception/value").map(text));
            let said = said.unwrap_or_else(|| field(thrown, "text"));
            // What follows is where in the script it was.
            let first = said.split("\n    at ").next().unwrap_or_default();
            return Err(Fault::of("JavaScriptError", first.trim()));
        }
        Ok(answer
            .pointer_mut("/result/value")
            .map(Value::take)
            .unwrap_or_default())
    }

    /// Asks the engine in the page. What only reads is asked again if the page goes elsewhere meanwhile.
    pub(crate) fn ask(&self, question: &str, given: &Value) -> Result<Value, Fault> {
        let only_reads = !matches!(question, "fill" | "choose" | "enter" | "submit" | "refill");
        let expression = format!("({ENGINE})({}, {given})", Value::from(question));
        let mut left = if only_reads { 3 } else { 0 };
        loop {
            match self.evaluate(&expression, AT_ONCE) {
                Err(fault) if fault.error_type == "BrowserError" && left > 0 => {
                    left -= 1;
                    std::thread::sleep(LOOK);
                }
                answer => return answer,
            }
        }
    }

    /// Why a script cannot be read; nothing if it can.
    pub(crate) fn compile(&self, script: &str) -> Result<Option<String>, Fault> {
        let how = json!({"expression": script, "sourceURL": "", "persistScript": false});
        self.call("Runtime.enable", json!({}))?;
        let answer = self.call("Runtime.compileScript", how);
        self.call("Runtime.disable", json!({}))?;
        let answer = answer?;
        let thrown = answer.get("exceptionDetails");
        Ok(thrown.map(|thrown| {
            let description = thrown
                .pointer("/exception/description")
                .and_then(Value::as_str);
            description.map_or_else(|| field(thrown, "text"), str::to_owned)
        }))
    }

    /// Says how the next dialog is answered.
    pub(crate) fn reply(&self, reply: Option<Reply>) {
        self.tab(|tab| tab.reply = reply);
    }

    /// Waits for a dialog, and takes note that somebody knows of it.
    pub(crate) fn dialog(&self, end: Instant) -> Result<Option<Dialog>, Fault> {
        self.until(end, |tab| !tab.dialogs.is_empty())?;
        Ok(self
            .tab(|tab| (!tab.dialogs.is_empty()).then(|| tab.dialogs.remove(0)))
            .flatten())
    }

    /// The dialogs that were opened since this was asked last, and how they were answered.
    pub(crate) fn answered(&self) -> Vec<String> {
        let dialogs = self
            .tab(|tab| std::mem::take(&mut tab.dialogs))
            .unwrap_or_default();
        let told = dialogs.into_iter().map(|dialog: Dialog| {
            let how = if dialog.accepted {
                "accepted"
            } else {
                "dismissed"
            };
            format!(
                "the page opened a dialog ({}): {:?}; it was {how}",
                dialog.kind, dialog.message
            )
        });
        told.collect()
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    fn earlier(&self) -> MutexGuard<'_, (Vec<String>, Vec<String>)> {
        self.earlier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is in its history, and what that consists of.
    fn entries(&self) -> Result<(i64, Vec<(i64, String)>), Fault> {
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

fn field(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The origin of an address, as pages see it.
fn origin(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let rest = url.get(start..)?;
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..start + host)
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
