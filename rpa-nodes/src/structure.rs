//! What can be checked of a workflow without knowing what its node types do.

mod flow;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use self::flow::Flow;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Connection, Loaded, Node, Workflow};
use crate::pointer::Pointer;

/// The node type at which a workflow starts.
const START: &str = "StartNode";
/// Cycles with more nodes are named by the first of them.
const CYCLE_SHOWN: usize = 12;

/// The nodes at which control enters a workflow, in the order in which they are started.
///
/// That is its first start node; without one, each node that control does not come to from another one. A snippet
/// says where it is entered.
pub fn entries(workflow: &Workflow) -> Vec<&Node> {
    entry_places(workflow, &Flow::new(workflow))
        .into_iter()
        .filter_map(|place| workflow.nodes.at(place))
        .collect()
}

/// Checks how the nodes of a workflow hang together. The pointers lead into the file as it was given.
pub fn check(loaded: &Loaded) -> Vec<Diagnostic> {
    let workflow = &loaded.workflow;
    let flow = Flow::new(workflow);
    let mut check = Check {
        loaded,
        said: Vec::new(),
    };
    check.connections();
    check.interface();
    check.entries(&flow);
    check.cycles(&flow);
    check.said
}

fn entry_places(workflow: &Workflow, flow: &Flow) -> Vec<usize> {
    let declared: Vec<usize> = workflow
        .interface
        .iter()
        .flat_map(|interface| &interface.entry_node_ids)
        .filter_map(|id| workflow.nodes.place(id))
        .collect();
    if !declared.is_empty() {
        return declared;
    }
    if let Some(start) = workflow.nodes.iter().position(is_start) {
        return vec![start];
    }
    (0..workflow.nodes.len())
        .filter(|&node| !flow.is_entered(node))
        .collect()
}

fn is_start(node: &Node) -> bool {
    node.node_type == START
}

/// The types that control never enters, so that none is missing: triggers fire from outside, and the ends of a
/// subflow and comments only stand there.
fn is_entered_from_outside(node: &Node) -> bool {
    node.node_type.ends_with("TriggerNode")
        || matches!(
            node.node_type.as_str(),
            "SubflowInputNode" | "SubflowOutputNode" | "CommentNode"
        )
}

struct Check<'l> {
    loaded: &'l Loaded,
    said: Vec<Diagnostic>,
}

impl<'l> Check<'l> {
    fn workflow(&self) -> &'l Workflow {
        &self.loaded.workflow
    }

    fn say(
        &mut self,
        code: Code,
        normal: &Pointer,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let at = self.loaded.origins.locate(normal);
        self.said.push(Diagnostic::new(code, at, message, fix));
    }

    fn connections(&mut self) {
        let mut known = HashSet::new();
        for (place, connection) in self.workflow().connections.iter().enumerate() {
            let at = Pointer::root().child("connections").child(place);
            self.ends(connection, &at);
            // The body of a loop of one node may be empty.
            if connection.source_node == connection.target_node && !connection.is_loop_end() {
                self.say(
                    Code::SelfConnection,
                    &at,
                    format!(
                        "`{}` of node `{}` is connected to its own `{}`",
                        connection.source_port, connection.source_node, connection.target_port
                    ),
                    "remove the connection; to repeat a node, put it between the start and the end of a loop",
                );
            }
            let ports = (
                &connection.source_node,
                &connection.source_port,
                &connection.target_node,
                &connection.target_port,
            );
            if !known.insert(ports) {
                self.say(
                    Code::DuplicateConnection,
                    &at,
                    format!(
                        "`{}` of node `{}` is connected to `{}` of node `{}` a second time",
                        ports.1, ports.0, ports.3, ports.2
                    ),
                    "remove one of the connections",
                );
            }
        }
    }

    fn ends(&mut self, connection: &Connection, at: &Pointer) {
        for (key, id, word) in [
            ("source_node", &connection.source_node, "comes from"),
            ("target_node", &connection.target_node, "leads to"),
        ] {
            if !self.workflow().nodes.contains(id) {
                self.say(
                    Code::OrphanedConnection,
                    &at.child(key),
                    format!("the connection {word} node `{id}`, which does not exist"),
                    self.advice(id),
                );
            }
        }
    }

    /// What to do about an id that nobody has.
    fn advice(&self, id: &str) -> String {
        let other =
            |node: &&Node| node.id.eq_ignore_ascii_case(id) || node.name.as_deref() == Some(id);
        match self.workflow().nodes.iter().find(other) {
            Some(node) => format!("write `{}`, if that is the node that is meant", node.id),
            None => "correct the id, or remove what refers to it".to_owned(),
        }
    }

    fn interface(&mut self) {
        let Some(interface) = &self.workflow().interface else {
            return;
        };
        let mut references = Vec::new();
        for (key, ports) in [
            ("inputs", &interface.inputs),
            ("outputs", &interface.outputs),
        ] {
            for (place, port) in ports.iter().flatten().enumerate() {
                references.push((key, place, port.internal_node_id.as_deref()));
            }
        }
        for (place, parameter) in interface.parameters.iter().flatten().enumerate() {
            references.push(("parameters", place, parameter.internal_node_id.as_deref()));
        }
        for (key, ids) in [
            ("entry_node_ids", &interface.entry_node_ids),
            ("exit_node_ids", &interface.exit_node_ids),
        ] {
            for (place, id) in ids.iter().enumerate() {
                references.push((key, place, Some(id.as_str())));
            }
        }
        for (key, place, id) in references {
            if let Some(id) = id
                && !self.workflow().nodes.contains(id)
            {
                self.say(
                    Code::OrphanedReference,
                    &Pointer::root().child(key).child(place),
                    format!("an element of `{key}` refers to node `{id}`, which does not exist"),
                    self.advice(id),
                );
            }
        }
    }

    fn entries(&mut self, flow: &Flow) {
        let workflow = self.workflow();
        let nodes = Pointer::root().child("nodes");
        if workflow.nodes.is_empty() {
            // There may be no `nodes` to point at.
            self.say(
                Code::EmptyWorkflow,
                &Pointer::root(),
                "the workflow has no nodes",
                "add a `StartNode` and what shall follow it",
            );
            return;
        }
        let entries = entry_places(workflow, flow);
        if entries.is_empty() {
            self.say(
                Code::NothingStarts,
                &nodes,
                "no node would ever run: there is no `StartNode`, and each node waits for another one",
                "add a `StartNode` and connect it to the first node",
            );
            return;
        }
        let starts: Vec<&Node> = workflow
            .nodes
            .iter()
            .filter(|node| is_start(node))
            .collect();
        if let [first, others @ ..] = starts.as_slice() {
            for other in others {
                self.say(
                    Code::MultipleEntryPoints,
                    &nodes.child(&other.id),
                    format!(
                        "there are several start nodes; the workflow starts at `{}`, not here",
                        first.id
                    ),
                    "keep one start node, and connect what shall run to it",
                );
            }
        } else if workflow.interface.is_none() {
            self.no_start(&entries, &nodes);
        }
        let reached = flow.reached(&entries);
        for (node, reached) in workflow.nodes.iter().zip(reached) {
            // Further start nodes were told already.
            if !reached && !is_start(node) && !is_entered_from_outside(node) {
                self.say(
                    Code::UnreachableNode,
                    &nodes.child(&node.id),
                    format!(
                        "control never comes to node `{}` ({})",
                        node.id, node.node_type
                    ),
                    "connect its `exec_in` to a node that runs, or remove it",
                );
            }
        }
    }

    fn no_start(&mut self, entries: &[usize], nodes: &Pointer) {
        let named: Vec<String> = entries
            .iter()
            .filter_map(|&place| self.workflow().nodes.at(place))
            .take(CYCLE_SHOWN)
            .map(|node| format!("`{}`", node.id))
            .collect();
        let more = if entries.len() > named.len() {
            " …"
        } else {
            ""
        };
        self.say(
            Code::NoEntryPoint,
            nodes,
            format!(
                "there is no `StartNode`; what no control comes to is started, one after another: {}{more}",
                named.join(", ")
            ),
            "add a `StartNode` and connect it to the first node",
        );
    }

    fn cycles(&mut self, flow: &Flow) {
        let workflow = self.workflow();
        for cycle in flow.cycles() {
            let ids: Vec<&str> = cycle
                .iter()
                .filter_map(|&place| workflow.nodes.at(place))
                .map(|node| node.id.as_str())
                .collect();
            let Some(first) = ids.first() else { continue };
            let mut shown: Vec<String> = ids
                .iter()
                .take(CYCLE_SHOWN)
                .map(|id| format!("`{id}`"))
                .collect();
            if ids.len() > CYCLE_SHOWN {
                shown.push("…".to_owned());
            }
            shown.push(format!("`{first}`"));
            self.say(
                Code::Cycle,
                &Pointer::root().child("nodes").child(first),
                format!("control can come back: {}", shown.join(" → ")),
                "see to it that a loop node ends it; it is right if it is the body of one",
            );
        }
    }
}
