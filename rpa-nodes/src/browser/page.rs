//! One tab of a browser: where it goes, and what is asked of the page in it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pipe::Pipe;
use super::tab::{Dialog, Reply, Tab};
use crate::fault::Fault;
use crate::value::{Object, read_integer, text, truth};

/// Answers questions about a page, in the page.
const ENGINE: &str = include_str!("engine.js");
/// How long the browser may take for what it does at once.
const AT_ONCE: Duration = Duration::from_secs(15);
/// How often a page is asked again whether it has what is waited for.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// A tab.
#[derive(Debug)]
pub(crate) struct Page {
    pub(super) pipe: Pipe,
    pub(super) name: String,
    /// The id of its browser.
    browser: String,
    pub(super) session: String,
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

    /// Whether it can still be used.
    pub(super) fn is_usable(&self) -> bool {
        self.tab(|tab| !tab.is_crashed).unwrap_or(false)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.tab(|tab| tab.url.clone()).unwrap_or_default()
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

    /// What an earlier browser showed in this tab.
    pub(super) fn earlier(&self) -> MutexGuard<'_, (Vec<String>, Vec<String>)> {
        self.earlier.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text in an answer; empty if it is not there.
pub(super) fn field(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
