//! Workflows with errors, made so that they can be run all the same.
//!
//! What is meant is found by other names: of node types, ports and outputs. What cannot be had is left out or switched
//! off. Each of these is told as a warning at the place of the error. An error that nothing can be made of stays one.

mod aliases;
mod ports;

#[cfg(test)]
mod tests;

use serde_json::Value;

use self::aliases::meant;
use crate::catalogue::{Kind, catalogue, foreign};
use crate::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::document::Loaded;
use crate::headless;
use crate::pointer::Pointer;
use crate::template::is_template;
use crate::visit::is_empty;

/// Repairs what a check would refuse, as far as that can be done, and checks what there is then. Gives what is said: the
/// repairs as warnings, and what the check finds. With an error among these, the workflow does not start.
///
/// What the loader had to leave out is a warning in [`Loaded::diagnostics`] afterwards.
pub fn mend(loaded: &mut Loaded) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for left_out in &mut loaded.diagnostics {
        demote(left_out);
    }
    let mut mender = Mender {
        loaded,
        said: &mut said,
    };
    mender.types();
    mender.connections();
    mender.values();
    mender.references();
    let mut found = check::check(loaded);
    found.iter_mut().for_each(demote);
    said.extend(found);
    said
}

/// What was repaired, or is run although it is an error, as sentences.
pub fn repairs<'d>(said: impl IntoIterator<Item = &'d Diagnostic>) -> Vec<String> {
    let repaired = |said: &&Diagnostic| {
        said.severity == Severity::Warning && said.code.severity() == Severity::Error
    };
    let repaired = said.into_iter().filter(repaired);
    repaired.map(ToString::to_string).collect()
}

/// Makes a warning of an error that a run can live with, and tells how.
fn demote(said: &mut Diagnostic) {
    let outcome = match said.code {
        Code::MissingInput => {
            "when control comes to the node, it fails if nothing gives it by then"
        }
        Code::UnknownReference | Code::ReferenceTooEarly => {
            "where nothing is known by that name, it stays as it is written"
        }
        Code::Unpaired => "control goes through it",
        Code::InvalidType | Code::MissingRequiredField | Code::DuplicateNodeId => "it was left out",
        Code::OrphanedReference => "it was left out of account",
        Code::NameTooLong | Code::BlankName => "it runs under this name",
        _ => return,
    };
    if said.is_error() {
        said.severity = Severity::Warning;
        said.fix = outcome.to_owned();
    }
}

/// Whether nodes of a type can be run: they are known, and dialogs only where they answer themselves.
fn can_run(type_name: &str, answers: bool) -> bool {
    let known = catalogue().get(type_name);
    known.is_some_and(|node_type| answers || node_type.answer.is_none())
}

struct Mender<'l> {
    loaded: &'l mut Loaded,
    said: &'l mut Vec<Diagnostic>,
}

impl Mender<'_> {
    fn say(&mut self, code: Code, normal: &Pointer, message: String, done: String) {
        let at = self.loaded.origins.locate(normal);
        let mut said = Diagnostic::new(code, at, message, done);
        said.severity = Severity::Warning;
        self.said.push(said);
    }

    /// Types that nobody has are read as those that are meant, or their nodes are switched off.
    fn types(&mut self) {
        let answers = headless::answers(&self.loaded.workflow);
        let nodes: Vec<(String, String)> = self
            .loaded
            .workflow
            .nodes
            .iter()
            .filter(|node| !node.disabled && !can_run(&node.node_type, answers))
            .map(|node| (node.id.clone(), node.node_type.clone()))
            .collect();
        for (id, name) in nodes {
            let at = Pointer::root().child("nodes").child(&id).child("node_type");
            let (code, message) = match foreign(&name) {
                Some(foreign) => (
                    Code::NodeNotRunnable,
                    format!(
                        "node `{id}` is a {name} ({}), which this program cannot run",
                        foreign.family
                    ),
                ),
                None if name.is_empty() => (
                    Code::UnknownNodeType,
                    format!("node `{id}` does not say of what type it is"),
                ),
                None => (
                    Code::UnknownNodeType,
                    format!("there is no node type `{name}` (node `{id}`)"),
                ),
            };
            let meant = match code {
                Code::UnknownNodeType => meant(&name),
                _ => None,
            };
            let Some(node) = self.loaded.workflow.nodes.get_mut(&id) else {
                continue;
            };
            let done = match meant {
                Some(meant) => {
                    meant.clone_into(&mut node.node_type);
                    format!("it was read as `{meant}`")
                }
                None => {
                    node.disabled = true;
                    "the node was switched off: control goes through it, and it gives nothing"
                        .to_owned()
                }
            };
            self.say(code, &at, message, done);
        }
    }

    /// Properties whose values mean nothing have their defaults.
    fn values(&mut self) {
        let mut wrong: Vec<(String, String)> = Vec::new();
        for node in &self.loaded.workflow.nodes {
            let Some(node_type) = catalogue().get(&node.node_type).filter(|_| !node.disabled)
            else {
                continue;
            };
            for (key, value) in &node.config {
                let Some(input) = node_type.find_input(key) else {
                    continue;
                };
                let is_wrong = input.kind != Kind::Expression
                    && !is_empty(value, input.kind)
                    && !is_template(value)
                    && input.kind.coerce(value.clone()).is_err();
                if is_wrong {
                    wrong.push((node.id.clone(), key.clone()));
                }
            }
        }
        for (id, key) in wrong {
            let Some(node) = self.loaded.workflow.nodes.get_mut(&id) else {
                continue;
            };
            node.config.shift_remove(&key);
            let input = catalogue()
                .get(&node.node_type)
                .and_then(|node_type| node_type.find_input(&key));
            let default = input.map_or(&Value::Null, |input| &input.default);
            let done = match default {
                Value::Null => "it was left out".to_owned(),
                default => format!("its default counts, {default}"),
            };
            let at = Pointer::root()
                .child("nodes")
                .child(&id)
                .child("config")
                .child(&key);
            let message = format!("`{key}` of node `{id}` has a value that it cannot have");
            self.say(Code::InvalidValue, &at, message, done);
        }
    }
}
