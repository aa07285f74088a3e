//! Each node by itself: its type, its properties, and what it needs.

use serde_json::Value;

use super::Check;
use crate::browser::missing;
use crate::catalogue::{Input, Kind, NodeType, catalogue, foreign, nearest};
use crate::diagnostic::Code;
use crate::expression::Expression;
use crate::headless;
use crate::plan::PlanNode;
use crate::template::is_template;
use crate::visit::is_empty;

/// Keys that the editor writes and no node type has.
const EDITOR: [&str; 4] = ["comment", "color", "text", "label"];

impl Check<'_> {
    pub(super) fn nodes(&mut self) {
        for (place, node) in self.plan.nodes().iter().enumerate() {
            match node.node_type {
                Some(node_type) => self.node(place, node, node_type),
                // It does nothing: control goes through it whatever it is.
                None if node.disabled || node.type_name.is_empty() => {}
                None => self.unknown_type(place, node),
            }
        }
    }

    fn unknown_type(&mut self, place: usize, node: &PlanNode) {
        let at = self.at(place).child("node_type");
        let name = &node.type_name;
        if let Some(foreign) = foreign(name) {
            let why = match foreign.is_for_desktops() {
                true => "it needs a desktop that somebody sits at",
                false => "this program cannot run it",
            };
            self.say(
                Code::NodeNotRunnable,
                &at,
                format!("node `{}` is a {name} ({}): {why}", node.id, foreign.family),
                "replace it, or switch it off; `rpa nodes` lists what can be run",
            );
            return;
        }
        let fix = match catalogue().nearest(name) {
            Some(other) => format!("write `{other}`, if that is meant; `rpa nodes` lists all"),
            None => "correct the type; `rpa nodes` lists all".to_owned(),
        };
        self.say(
            Code::UnknownNodeType,
            &at,
            format!("there is no node type `{name}` (node `{}`)", node.id),
            fix,
        );
    }

    fn node(&mut self, place: usize, node: &PlanNode, node_type: &NodeType) {
        if node.disabled {
            return;
        }
        if node_type.in_browser {
            self.browser(place, node);
        }
        if node_type.answer.is_some() && !headless::answers(&self.loaded.workflow) {
            self.say(
                Code::NodeNotRunnable,
                &self.at(place).child("node_type"),
                format!(
                    "node `{}` is a {}: it needs a desktop that somebody sits at",
                    node.id, node.type_name
                ),
                "let it answer itself with --headless-policy answer, replace it, or switch it off",
            );
        }
        let config = self.at(place).child("config");
        for input in &node_type.inputs {
            let is_fed = node.feeds.iter().any(|feed| feed.input == input.name);
            let written = node
                .config
                .get(input.name)
                .filter(|value| !is_empty(value, input.kind));
            match written {
                Some(value) => self.value(
                    node,
                    input,
                    value,
                    &config.child(self.spelling(place, input.name)),
                ),
                None if input.required && !is_fed && input.default.is_null() => self.say(
                    Code::MissingInput,
                    &self.at(place),
                    format!(
                        "node `{}` ({}) needs `{}`, and nothing gives it",
                        node.id, node.type_name, input.name
                    ),
                    format!(
                        "connect its port `{0}`, or set `{0}` in its config",
                        input.name
                    ),
                ),
                None => {}
            }
        }
        let Some(file) = self.loaded.workflow.nodes.get(&node.id) else {
            return;
        };
        for key in file.config.keys() {
            if node_type.find_input(key).is_some()
                || node_type.is_open
                || key.starts_with('_')
                || EDITOR.contains(&key.as_str())
            {
                continue;
            }
            let names = node_type.inputs.iter().map(|input| input.name);
            let fix = match nearest(key, names) {
                Some(other) => format!("write `{other}`, if that is meant"),
                None => format!(
                    "remove it; `rpa nodes {}` lists what there is",
                    node_type.name
                ),
            };
            self.say(
                Code::UnknownProperty,
                &config.child(key),
                format!(
                    "{} has no property `{key}` (node `{}`)",
                    node_type.name, node.id
                ),
                fix,
            );
        }
    }

    /// A node that needs a browser where there is none.
    fn browser(&mut self, place: usize, node: &PlanNode) {
        if let Some(why) = missing(self.plan.browser()) {
            self.say(
                Code::NodeNotRunnable,
                &self.at(place).child("node_type"),
                format!(
                    "node `{}` is a {} and needs a browser: {why}",
                    node.id, node.type_name
                ),
                "give this host a browser, or switch the node off",
            );
        }
    }

    /// The key under which the file has a property.
    fn spelling(&self, place: usize, name: &str) -> String {
        let node = self.plan.node(place);
        let file = node.and_then(|node| self.loaded.workflow.nodes.get(&node.id));
        let node_type = node.and_then(|node| node.node_type);
        let keys = file.iter().flat_map(|file| file.config.keys());
        let mut meant = keys.filter(|key| node_type.is_some_and(|it| it.key_name(key) == name));
        match file {
            Some(file) if !file.config.contains_key(name) => {
                meant.next().map_or(name, |key| key).to_owned()
            }
            _ => name.to_owned(),
        }
    }

    fn value(
        &mut self,
        node: &PlanNode,
        input: &Input,
        value: &Value,
        at: &crate::pointer::Pointer,
    ) {
        if input.kind == Kind::Expression {
            if let Value::String(text) = value
                && let Err(error) = Expression::parse(text)
            {
                let place = error.position.map(|place| {
                    format!(
                        " (at character {})",
                        text.get(..place).map_or(place, |it| it.chars().count()) + 1
                    )
                });
                self.say(
                    Code::InvalidExpression,
                    at,
                    format!(
                        "`{}` of node `{}` cannot be read{}: {}",
                        input.name,
                        node.id,
                        place.unwrap_or_default(),
                        error.message
                    ),
                    "write it as in Python, with `{{name}}` or `name` for variables",
                );
            }
            return;
        }
        if is_template(value) {
            return;
        }
        if input.kind.coerce(value.clone()).is_err() {
            let wanted = match input.kind {
                Kind::Choice(choices) => format!("one of {}", choices.join(", ")),
                kind => format!("of type {}", kind.name()),
            };
            self.say(
                Code::InvalidValue,
                at,
                format!("`{}` of node `{}` has to be {wanted}", input.name, node.id),
                format!(
                    "correct the value; `rpa nodes {}` says more",
                    node.type_name
                ),
            );
        }
    }
}
