//! A workflow as it is run: nodes by their place in the file, with what they are, where control goes from them, where
//! their values come from, and which of them belong together.

mod pairs;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::catalogue::{Control, NodeType, catalogue};
use crate::document::Workflow;
use crate::structure;
use crate::value::Object;

/// A node and its place among the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanNode {
    pub(crate) id: String,
    /// What the file says that it is.
    pub(crate) type_name: String,
    /// `None` if it cannot be run.
    pub(crate) node_type: Option<&'static NodeType>,
    pub(crate) disabled: bool,
    /// The config, under the keys that the catalogue has.
    pub(crate) config: Object,
    /// Where control goes, in the order of the file.
    pub(crate) exits: Vec<Exit>,
    /// Where values come from, in the order of the file.
    pub(crate) feeds: Vec<Feed>,
    /// The other end of a loop, the catch of a try, the join of a fork, and the same backwards. Of a break or a continue
    /// it is the loop that is named in the file.
    pub(crate) partner: Option<usize>,
    /// The finally of a try, and the try of a finally.
    pub(crate) finally: Option<usize>,
}

/// A way of control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) port: String,
    pub(crate) target: usize,
    /// Whether it is the way back to a loop.
    pub(crate) is_loop_end: bool,
}

/// A way of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) source: usize,
    pub(crate) output: String,
    pub(crate) input: String,
}

/// How a run treats failures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rules {
    pub(crate) stop_on_error: bool,
    /// Seconds that one visit may take.
    pub(crate) timeout: Option<f64>,
    /// How often a node that failed is tried again.
    pub(crate) retries: u32,
    /// Whether dialogs answer themselves.
    pub(crate) answers: bool,
}

/// A workflow that can be walked.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    nodes: Vec<PlanNode>,
    places: BTreeMap<String, usize>,
    /// Where control enters, in order.
    pub(crate) entries: Vec<usize>,
    pub(crate) rules: Rules,
    /// The secrets that nodes name.
    pub(crate) secrets: BTreeSet<String>,
}

impl Plan {
    pub(crate) fn new(workflow: &Workflow) -> Self {
        let mut plan = Self {
            name: workflow.metadata.name.clone(),
            nodes: workflow.nodes.iter().map(node).collect(),
            places: BTreeMap::new(),
            entries: Vec::new(),
            rules: Rules {
                stop_on_error: workflow.settings.stop_on_error.unwrap_or(true),
                timeout: workflow.settings.timeout.filter(|seconds| *seconds > 0.0),
                retries: workflow.settings.retry_count.unwrap_or(0),
                answers: crate::headless::answers(workflow),
            },
            secrets: BTreeSet::new(),
        };
        for node in &plan.nodes {
            node.config
                .values()
                .for_each(|value| crate::secrets::names(value, &mut plan.secrets));
        }
        let places = plan.nodes.iter().enumerate();
        plan.places = places
            .map(|(place, node)| (node.id.clone(), place))
            .collect();
        plan.connect(workflow);
        pairs::find(&mut plan);
        for entry in structure::entries(workflow) {
            let Some(place) = plan.place(&entry.id) else {
                continue;
            };
            // A trigger does nothing itself: it begins where it leads to.
            let begun = match is_trigger(&entry.node_type) {
                true => plan.behind(place),
                false => vec![place],
            };
            for place in begun {
                if !plan.is_apart(place) && !plan.entries.contains(&place) {
                    plan.entries.push(place);
                }
            }
        }
        plan
    }

    /// Lets control enter behind the trigger that fired. One that leads nowhere leaves it where it was.
    pub(crate) fn begin_at(&mut self, trigger: &str) {
        let behind = self.place(trigger).map(|place| self.behind(place));
        if let Some(behind) = behind.filter(|behind| !behind.is_empty()) {
            self.entries = behind;
        }
    }

    /// Where control goes from a trigger that fires.
    pub(crate) fn behind(&self, trigger: usize) -> Vec<usize> {
        let exits = self
            .node(trigger)
            .filter(|node| !node.disabled)
            .map_or(&[][..], |node| &node.exits);
        exits.iter().map(|exit| exit.target).collect()
    }

    fn connect(&mut self, workflow: &Workflow) {
        for connection in &workflow.connections {
            let (Some(source), Some(target)) = (
                self.place(&connection.source_node),
                self.place(&connection.target_node),
            ) else {
                continue;
            };
            if connection.is_control() {
                let port = self.port_name(source, &connection.source_port);
                let exit = Exit {
                    port,
                    target,
                    is_loop_end: connection.is_loop_end(),
                };
                if let Some(node) = self.nodes.get_mut(source) {
                    node.exits.push(exit);
                }
                continue;
            }
            let output = self.port_name(source, &connection.source_port);
            if let Some(node) = self.nodes.get_mut(target) {
                let input = match node.node_type {
                    Some(node_type) => node_type.key_name(&connection.target_port).to_owned(),
                    None => connection.target_port.clone(),
                };
                node.feeds.push(Feed {
                    source,
                    output,
                    input,
                });
            }
        }
    }

    fn port_name(&self, node: usize, port: &str) -> String {
        match self.node(node).and_then(|node| node.node_type) {
            Some(node_type) => node_type.port_name(port).to_owned(),
            None => port.to_owned(),
        }
    }

    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    pub(crate) fn node(&self, place: usize) -> Option<&PlanNode> {
        self.nodes.get(place)
    }

    pub(crate) fn nodes(&self) -> &[PlanNode] {
        &self.nodes
    }

    /// The program that a node names as its browser, if one does so in so many words.
    pub(crate) fn browser(&self) -> Option<&str> {
        let nodes = self.nodes.iter().filter(|node| !node.disabled);
        let mut named = nodes.filter_map(|node| {
            node.node_type.filter(|known| known.in_browser)?;
            node.config.get("executable_path")?.as_str()
        });
        named.find(|name| !name.trim().is_empty() && !name.contains("{{"))
    }

    fn node_mut(&mut self, place: usize) -> Option<&mut PlanNode> {
        self.nodes.get_mut(place)
    }

    /// The control of a node that is switched on.
    pub(crate) fn control(&self, place: usize) -> Option<Control> {
        let node = self.node(place)?;
        if node.disabled {
            return None;
        }
        node.node_type?.as_control()
    }

    /// Whether a node only stands in the file: control never starts there by itself.
    fn is_apart(&self, place: usize) -> bool {
        self.node(place).is_some_and(|node| {
            is_outside(&node.type_name)
                || (node.type_name == "CommentNode" && node.exits.is_empty())
                // A failure or the end of a try leads to these, no link has to.
                || (self.control(place) == Some(Control::Catch) && node.partner.is_some())
                || (self.control(place) == Some(Control::Finally) && node.finally.is_some())
        })
    }

    /// Where control goes by a port.
    pub(crate) fn ways<'p>(
        &'p self,
        place: usize,
        port: &'p str,
    ) -> impl Iterator<Item = &'p Exit> + 'p {
        let exits = self
            .node(place)
            .map_or(&[][..], |node| node.exits.as_slice());
        exits.iter().filter(move |exit| exit.port == port)
    }

    pub(crate) fn has_way(&self, place: usize, port: &str) -> bool {
        self.ways(place, port).next().is_some()
    }

    /// Every node that control can come to from these, over all ways but those back to a loop.
    pub(crate) fn reach(&self, from: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<usize> = from.into_iter().collect();
        while let Some(place) = waiting.pop() {
            if !reached.insert(place) {
                continue;
            }
            if let Some(node) = self.node(place) {
                let exits = node.exits.iter().filter(|exit| !exit.is_loop_end);
                waiting.extend(exits.map(|exit| exit.target));
            }
        }
        reached
    }

    /// The body of a loop: what control comes to from its start before it comes to its end.
    pub(crate) fn body(&self, start: usize) -> BTreeSet<usize> {
        let mut body = BTreeSet::new();
        let mut waiting: Vec<usize> = self
            .ways(start, "body")
            .filter(|exit| !exit.is_loop_end)
            .map(|exit| exit.target)
            .collect();
        let end = self.node(start).and_then(|node| node.partner);
        while let Some(place) = waiting.pop() {
            if place == start || !body.insert(place) || Some(place) == end {
                continue;
            }
            if let Some(node) = self.node(place) {
                let exits = node.exits.iter().filter(|exit| !exit.is_loop_end);
                waiting.extend(exits.map(|exit| exit.target));
            }
        }
        body
    }
}

/// Whether nodes of a type start their workflow from outside.
pub(crate) fn is_trigger(type_name: &str) -> bool {
    type_name.ends_with("TriggerNode")
}

/// Whether control never comes to nodes of a type: triggers fire from outside, ports of subflows only pass values.
pub(crate) fn is_outside(type_name: &str) -> bool {
    is_trigger(type_name) || matches!(type_name, "SubflowInputNode" | "SubflowOutputNode")
}

fn node(node: &crate::document::Node) -> PlanNode {
    let node_type = catalogue().get(&node.node_type);
    let mut config = Object::new();
    for (key, value) in &node.config {
        let name = node_type.map_or(key.as_str(), |node_type| node_type.key_name(key));
        // The proper spelling counts, wherever it stands.
        if name == key || !node.config.contains_key(name) {
            config.insert(name.to_owned(), spelled(&node.node_type, key, value));
        }
    }
    PlanNode {
        id: node.id.clone(),
        type_name: node.node_type.clone(),
        node_type,
        disabled: node.disabled,
        config,
        ..PlanNode::default()
    }
}

/// The one spelling that changes more than the key: a wait in milliseconds.
fn spelled(type_name: &str, key: &str, value: &Value) -> Value {
    if type_name == "WaitNode"
        && key == "duration_ms"
        && let Some(milliseconds) = crate::value::read_number(value)
    {
        return (milliseconds / 1000.0).into();
    }
    value.clone()
}
