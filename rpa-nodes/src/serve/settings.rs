//! What the triggers of a workflow say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{ServeError, Served};
use crate::catalogue::catalogue;
use crate::host::Host;
use crate::secrets;
use crate::template::{self, Scope};
use crate::value::{Object, text};
use crate::visit::is_empty;

/// Nobody is asked more often than that.
const SHORTEST: Duration = Duration::from_millis(100);

/// What starts a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    Webhook,
    Schedule,
    Watch,
    /// Another workflow does, so nothing is to be waited for.
    Call,
    Errors,
    Form,
    Chat,
    Stream,
    #[cfg(feature = "feeds")]
    Feed,
    #[cfg(feature = "mail")]
    Inbox,
}

/// The properties of a trigger, with their defaults, and with the values of secrets.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) node: String,
    values: Object,
}

impl Settings {
    pub(super) fn text(&self, property: &str) -> String {
        let said = self.values.get(property).map(text).unwrap_or_default();
        said.trim().to_owned()
    }

    pub(super) fn integer(&self, property: &str) -> i64 {
        let said = self.values.get(property);
        said.and_then(crate::value::read_integer)
            .unwrap_or_default()
    }

    /// How long it is from one look to the next, in a unit of so many seconds.
    pub(super) fn interval(&self, property: &str, unit: f64) -> Result<Duration, ServeError> {
        let said = self
            .values
            .get(property)
            .and_then(crate::value::read_number);
        let seconds = said.unwrap_or_default() * unit;
        match Duration::try_from_secs_f64(seconds) {
            Ok(interval) if interval >= SHORTEST => Ok(interval),
            _ => Err(self.refuse(format!(
                "`{property}` is `{}`; write how long it waits between two looks",
                self.text(property)
            ))),
        }
    }

    pub(super) fn flag(&self, property: &str) -> bool {
        self.values.get(property).is_some_and(crate::value::truth)
    }

    /// What stands between the commas of a text, or in a list.
    pub(super) fn words(&self, property: &str) -> Vec<String> {
        let words: Vec<String> = match self.values.get(property) {
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            other => other
                .map(text)
                .unwrap_or_default()
                .split([',', ';', '\n'])
                .map(str::to_owned)
                .collect(),
        };
        let words = words.iter().map(|word| word.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect()
    }

    pub(super) fn list(&self, property: &str) -> Vec<Value> {
        let said = self.values.get(property).and_then(Value::as_array);
        said.cloned().unwrap_or_default()
    }

    pub(super) fn dict(&self, property: &str) -> Object {
        let said = self.values.get(property).and_then(Value::as_object);
        said.cloned().unwrap_or_default()
    }

    /// The trigger cannot be waited for.
    pub(super) fn refuse(&self, reason: impl Into<String>) -> ServeError {
        ServeError::Trigger {
            name: self.name.clone(),
            node: self.node.clone(),
            reason: reason.into(),
        }
    }
}

/// What placeholders in the properties of a trigger stand for: the variables of the file, and secrets.
struct Known {
    variables: Object,
    secrets: BTreeMap<String, Value>,
}

impl Scope for Known {
    fn lookup(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    fn secret(&self, name: &str) -> Option<&Value> {
        self.secrets.get(name)
    }
}

/// The triggers of a workflow that are switched on.
pub(super) fn triggers(
    served: &Served,
    host: &Host,
) -> Result<Vec<(Settings, Trigger)>, ServeError> {
    let variables = served.workflow.variables.iter();
    let variables = variables.map(|it| (it.name.clone(), it.default_value.clone()));
    let mut known = Known {
        variables: variables.collect(),
        secrets: BTreeMap::new(),
    };
    let mut found = Vec::new();
    for node in served.workflow.nodes.iter().filter(|node| !node.disabled) {
        let trigger = match node.node_type.as_str() {
            "WebhookTriggerNode" => Trigger::Webhook,
            "ScheduleTriggerNode" => Trigger::Schedule,
            "FileWatchTriggerNode" => Trigger::Watch,
            "WorkflowCallTriggerNode" => Trigger::Call,
            "ErrorTriggerNode" => Trigger::Errors,
            "FormTriggerNode" => Trigger::Form,
            "ChatTriggerNode" => Trigger::Chat,
            "SSETriggerNode" => Trigger::Stream,
            #[cfg(feature = "feeds")]
            "RSSFeedTriggerNode" => Trigger::Feed,
            #[cfg(feature = "mail")]
            "EmailTriggerNode" => Trigger::Inbox,
            _ => continue,
        };
        let Some(node_type) = catalogue().get(&node.node_type) else {
            continue;
        };
        let mut settings = Settings {
            name: served.name.clone(),
            node: node.id.clone(),
            values: Object::new(),
        };
        for input in &node_type.inputs {
            let written = node.config.get(input.name);
            let written = written.filter(|value| !is_empty(value, input.kind));
            let written = written.unwrap_or(&input.default);
            let mut names = BTreeSet::new();
            secrets::names(written, &mut names);
            for name in names {
                let value = host.vault.get(&name)?;
                known.secrets.insert(name, value.into());
            }
            let mut missing = Vec::new();
            let value = template::resolve(written, &known, &mut missing).into_owned();
            if let Some(missing) = missing.first() {
                return Err(settings.refuse(format!(
                    "nothing is known of `{{{{{missing}}}}}` in `{}` before the workflow runs; write the value, or name a secret",
                    input.name
                )));
            }
            if value.is_null() {
                continue;
            }
            let value = input
                .kind
                .coerce(value)
                .map_err(|reason| settings.refuse(format!("`{}`: {reason}", input.name)))?;
            settings.values.insert(input.name.to_owned(), value);
        }
        found.push((settings, trigger));
    }
    Ok(found)
}
