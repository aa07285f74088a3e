use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What happened in a tab, as its events tell.
#[derive(Debug, Default)]
pub(super) struct Tab {
    /// The frame that the tab itself is.
    pub(super) frame: String,
    /// The document that is shown.
    pub(super) loader: String,
    /// Where it is.
    pub(super) url: String,
    /// What became of documents: `DOMContentLoaded`, `load`, `networkIdle`.
    stages: BTreeMap<String, BTreeSet<String>>,
    /// How often the page went somewhere, within itself included.
    pub(super) moves: u64,
    /// Whether it is on its way somewhere.
    pub(super) is_leaving: bool,
    /// Whether something of it is still loaded.
    pub(super) is_loading: bool,
    /// Dialogs that were opened, and how they were answered.
    pub(super) dialogs: Vec<Dialog>,
    /// How the next dialog is answered.
    pub(super) reply: Option<Reply>,
    /// The address that could not be opened, where a message of the browser stands for a page.
    pub(super) unreachable: Option<String>,
    /// Whether its process ended.
    pub(super) is_crashed: bool,
}

/// How a dialog is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) accepts: bool,
    /// What a prompt asks for.
    pub(crate) text: Option<String>,
}

/// A dialog that a page opened.
#[derive(Debug, Clone)]
pub(crate) struct Dialog {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) accepted: bool,
}

impl Tab {
    pub(super) fn new(frame: String) -> Self {
        Self {
            frame,
            ..Self::default()
        }
    }

    /// Whether the document that is shown, or that one, came as far as a stage.
    pub(super) fn has_reached(&self, loader: &str, stage: &str) -> bool {
        let loader = if loader.is_empty() {
            &self.loader
        } else {
            loader
        };
        stage == "commit" && self.loader == loader
            || self
                .stages
                .get(loader)
                .is_some_and(|stages| stages.contains(stage))
    }

    /// Takes note of an event. Gives how a dialog is to be answered.
    pub(super) fn hear(&mut self, event: &str, parameters: &Value) -> Option<Reply> {
        let text = |name: &str| {
            let found = parameters.get(name).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let is_own = text("frameId") == self.frame;
        match event {
            "Page.frameNavigated" => {
                let frame = parameters.get("frame")?;
                let of = |name: &str| frame.get(name).and_then(Value::as_str).unwrap_or_default();
                if of("id") == self.frame {
                    of("loaderId").clone_into(&mut self.loader);
                    self.url = [of("url"), of("urlFragment")].concat();
                    let unreachable = of("unreachableUrl");
                    self.unreachable = (!unreachable.is_empty()).then(|| unreachable.to_owned());
                    self.moves += 1;
                    self.is_leaving = false;
                    // Documents that were left tell nothing any more.
                    let loader = self.loader.clone();
                    self.stages.retain(|known, _| *known == loader);
                    if text("type") == "BackForwardCacheRestore" {
                        // It was kept as it was, and nothing of it is loaded again.
                        let all = ["DOMContentLoaded", "load", "networkIdle"];
                        self.stages
                            .entry(loader)
                            .or_default()
                            .extend(all.map(str::to_owned));
                    }
                }
            }
            "Page.navigatedWithinDocument" if is_own => {
                self.url = text("url");
                self.moves += 1;
                self.is_leaving = false;
            }
            "Page.lifecycleEvent" if is_own => {
                let stages = self.stages.entry(text("loaderId")).or_default();
                stages.insert(text("name"));
            }
            "Page.frameRequestedNavigation" if is_own && text("disposition") == "currentTab" => {
                self.is_leaving = true;
            }
            "Page.frameStartedNavigating" if is_own => self.is_leaving = true,
            "Page.frameStartedLoading" if is_own => self.is_loading = true,
            "Page.frameStoppedLoading" if is_own => {
                self.is_loading = false;
                self.is_leaving = false;
            }
            "Page.javascriptDialogOpening" => {
                let kind = text("type");
                // A question that nobody is there to answer is answered with no.
                let usual = Reply {
                    accepts: matches!(kind.as_str(), "alert" | "beforeunload"),
                    text: None,
                };
                let reply = self.reply.take().unwrap_or(usual);
                self.dialogs.push(Dialog {
                    kind,
                    message: text("message"),
                    accepted: reply.accepts,
                });
                return Some(reply);
            }
            "Inspector.targetCrashed" => self.is_crashed = true,
            _ => {}
        }
        None
    }
}
