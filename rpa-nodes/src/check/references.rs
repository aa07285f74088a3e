//! What templates and expressions refer to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Check;
use crate::catalogue::{Control, nearest};
use crate::diagnostic::Code;
use crate::plan::is_trigger;
use crate::pointer::Pointer;
use crate::template::{is_special, placeholders};
use crate::value::{Path, Segment, text};

/// Properties that name a variable which the node sets.
const SETS: [&str; 3] = ["variable_name", "item_var", "output_var"];

impl Check<'_> {
    pub(super) fn references(&mut self) {
        let names = self.variables();
        let again = self.again();
        let reached: Vec<BTreeSet<usize>> = (0..self.plan.nodes().len())
            .map(|place| self.after(place, &again))
            .collect();
        let runs = self.runs();
        for (place, node) in self.plan.nodes().iter().enumerate() {
            // What never runs refers to nothing.
            if node.disabled || !runs.contains(&place) {
                continue;
            }
            for (key, value) in &node.config {
                let at = self.at(place).child("config").child(key);
                for name in named(value) {
                    self.reference(place, &name, &at, &names, &reached);
                }
            }
        }
    }

    /// The variables that a run may know.
    fn variables(&self) -> BTreeSet<String> {
        let declared = self.loaded.workflow.variables.iter();
        let mut names: BTreeSet<String> = declared.map(|variable| variable.name.clone()).collect();
        let interface = self.loaded.workflow.interface.iter();
        let inputs = interface.flat_map(|interface| interface.inputs.iter().flatten());
        names.extend(inputs.map(|port| port.name.clone()));
        for node in self.plan.nodes() {
            if node.type_name == "SubflowInputNode" {
                names.insert(
                    node.config
                        .get("port_name")
                        .map_or_else(|| "input".to_owned(), text),
                );
            }
            for key in SETS {
                if let Some(name) = node.config.get(key) {
                    names.insert(text(name).trim().to_owned());
                }
            }
            let control = node.node_type.and_then(|it| it.as_control());
            if matches!(control, Some(Control::ForStart | Control::Each)) {
                let name = node
                    .config
                    .get("item_var")
                    .map_or_else(|| "item".to_owned(), text);
                names.insert(format!("{name}_index"));
                names.insert(format!("{name}_key"));
                names.insert(name);
            }
        }
        names
    }

    /// The nodes that can run at all.
    pub(super) fn runs(&self) -> BTreeSet<usize> {
        let again = self.again();
        let entries = self.plan.entries.iter().copied();
        // Who fires a trigger begins behind it, also where there is a start node.
        let triggers = self.plan.nodes().iter().enumerate();
        let triggers = triggers.filter(|(_, node)| is_trigger(&node.type_name));
        let behind = triggers.flat_map(|(place, _)| self.plan.behind(place));
        entries
            .chain(behind)
            .flat_map(|entry| self.after(entry, &again).into_iter().chain([entry]))
            .collect()
    }

    /// Nodes that control comes back to, with the bodies that it comes back from.
    fn again(&self) -> Vec<(usize, BTreeSet<usize>)> {
        let nodes = 0..self.plan.nodes().len();
        nodes
            .filter_map(|place| match self.plan.control(place)? {
                control if control.is_loop() => Some((place, self.plan.body(place))),
                Control::Retry => {
                    let body = self.plan.ways(place, "retry_body").map(|way| way.target);
                    Some((place, self.plan.reach(body)))
                }
                _ => None,
            })
            .collect()
    }

    /// What can run after a node: over all ways, those of loops and failures included.
    fn after(&self, place: usize, again: &[(usize, BTreeSet<usize>)]) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![place];
        while let Some(place) = waiting.pop() {
            let Some(node) = self.plan.node(place) else {
                continue;
            };
            let ways = node.exits.iter().map(|way| way.target);
            let owners = again.iter().filter(|(_, body)| body.contains(&place));
            let owners = owners.map(|(owner, _)| *owner);
            for next in ways.chain(node.partner).chain(node.finally).chain(owners) {
                if reached.insert(next) {
                    waiting.push(next);
                }
            }
        }
        reached
    }

    fn reference(
        &mut self,
        place: usize,
        name: &str,
        at: &Pointer,
        names: &BTreeSet<String>,
        reached: &[BTreeSet<usize>],
    ) {
        if name.starts_with('$') {
            if !is_special(name) {
                self.say(
                    Code::UnknownReference,
                    at,
                    format!("`{{{{{name}}}}}` is not known here"),
                    "use a variable that is declared sensitive, and give it a value when you run the workflow",
                );
            }
            return;
        }
        let Some(path) = Path::parse(name) else {
            self.say(
                Code::UnknownVariable,
                at,
                format!("`{{{{{name}}}}}` is no name; it stays as it is written"),
                "write a name, or a way into a value as `a.b[0].c`",
            );
            return;
        };
        // What a join brings is called after the branch that set it.
        let is_of_branch = path.root.starts_with("branch_");
        if names.contains(&path.root) || names.contains(name) || is_of_branch {
            return;
        }
        let Some(other) = self.plan.place(&path.root) else {
            let known = names.iter().map(String::as_str);
            let fix = match nearest(&path.root, known) {
                Some(other) => format!("write `{other}`, if that is meant"),
                None => {
                    "declare it, set it before, or give it when you run the workflow".to_owned()
                }
            };
            self.say(
                Code::UnknownVariable,
                at,
                format!("nothing sets a variable `{}`", path.root),
                fix,
            );
            return;
        };
        let Some(node) = self.plan.node(other) else {
            return;
        };
        let node_id = node.id.clone();
        if let (Some(node_type), Some(Segment::Key(output))) = (node.node_type, path.rest.first())
            && node_type.find_output(output).is_none()
            && !node_type.is_open
        {
            let outputs: Vec<&str> = node_type.outputs.iter().map(|output| output.name).collect();
            let fix = match (nearest(output, outputs.iter().copied()), outputs.is_empty()) {
                (Some(other), _) => format!("write `{other}`, if that is meant"),
                (None, true) => "use another node; this one gives nothing".to_owned(),
                (None, false) => format!("it gives {}", outputs.join(", ")),
            };
            self.say(
                Code::UnknownReference,
                at,
                format!("node `{node_id}` ({}) gives no `{output}`", node_type.name),
                fix,
            );
        }
        // A trigger fires before all else, wherever it leads.
        if is_trigger(&node.type_name) {
            return;
        }
        if !reached
            .get(other)
            .is_some_and(|after| after.contains(&place))
        {
            self.say(
                Code::ReferenceTooEarly,
                at,
                format!("node `{node_id}` cannot have run before this node"),
                "connect the nodes so that it runs before, or refer to another one",
            );
        }
    }
}

/// The placeholders anywhere in a value.
fn named(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            let found = placeholders(text).into_iter();
            let sure = found.filter(|placeholder| !placeholder.is_doubtful);
            sure.map(|placeholder| placeholder.inner.to_owned())
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(named).collect(),
        Value::Object(map) => map.values().flat_map(named).collect(),
        _ => Vec::new(),
    }
}
