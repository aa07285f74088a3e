//! The ways between nodes: ports, types, partners, and cycles.

use std::collections::BTreeSet;

use super::Check;
use crate::catalogue::{Control, Kind, NodeType, nearest};
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// Cycles with more nodes are named by the first of them.
const SHOWN: usize = 12;

impl Check<'_> {
    pub(super) fn connections(&mut self) {
        for (number, connection) in self.loaded.workflow.connections.iter().enumerate() {
            let at = Pointer::root().child("connections").child(number);
            let node_type = |id: &str| {
                let node = self.plan.node(self.plan.place(id)?)?;
                node.node_type.filter(|_| !node.disabled)
            };
            let source = node_type(&connection.source_node);
            let target = node_type(&connection.target_node);
            let (out, into) = (&connection.source_port, &connection.target_port);
            if connection.is_control() {
                if let Some(source) = source
                    && !source.has_exit(out)
                {
                    let exits = source.exits.iter().copied();
                    self.port(
                        &at.child("source_port"),
                        source,
                        &connection.source_node,
                        out,
                        exits,
                        "control leaves it",
                    );
                }
                continue;
            }
            let output = source.and_then(|source| source.find_output(out));
            if let Some(source) = source
                && output.is_none()
                && !source.is_open
            {
                let outputs = source.outputs.iter().map(|output| output.name);
                self.port(
                    &at.child("source_port"),
                    source,
                    &connection.source_node,
                    out,
                    outputs,
                    "it gives",
                );
            }
            let input = target.and_then(|target| target.find_input(into));
            if let Some(target) = target
                && input.is_none()
                && !target.is_open
            {
                let inputs = target.inputs.iter().map(|input| input.name);
                self.port(
                    &at.child("target_port"),
                    target,
                    &connection.target_node,
                    into,
                    inputs,
                    "it takes",
                );
            }
            if let (Some(output), Some(input)) = (output, input)
                && !output.kind.fits(input.kind)
            {
                self.mismatch(&at, (out, output.kind), (into, input.kind));
            }
        }
    }

    fn mismatch(&mut self, at: &Pointer, from: (&str, Kind), to: (&str, Kind)) {
        self.say(
            Code::TypeMismatch,
            at,
            format!(
                "`{}` gives a value of type {}, `{}` takes one of type {}",
                from.0,
                from.1.name(),
                to.0,
                to.1.name()
            ),
            "put a node between that converts it",
        );
    }

    fn port<'n>(
        &mut self,
        at: &Pointer,
        node_type: &NodeType,
        id: &str,
        port: &str,
        names: impl Iterator<Item = &'n str> + Clone,
        word: &str,
    ) {
        let all: Vec<&str> = names.clone().collect();
        let fix = match (nearest(port, names), all.is_empty()) {
            (Some(other), _) => format!("write `{other}`, if that is meant"),
            (None, true) => "remove the connection".to_owned(),
            (None, false) => format!("{word} by {}", all.join(", "))
                .replace("gives by", "gives")
                .replace("takes by", "takes"),
        };
        self.say(
            Code::UnknownPort,
            at,
            format!("{} has no port `{port}` (node `{id}`)", node_type.name),
            fix,
        );
    }

    /// Nodes that mean nothing without another one.
    pub(super) fn pairs(&mut self) {
        let inside_loops: BTreeSet<usize> = (0..self.plan.nodes().len())
            .filter(|&place| self.plan.control(place).is_some_and(Control::is_loop))
            .flat_map(|start| self.plan.body(start))
            .collect();
        let inside_retries: BTreeSet<usize> = (0..self.plan.nodes().len())
            .filter(|&place| self.plan.control(place) == Some(Control::Retry))
            .flat_map(|place| {
                self.plan
                    .reach(self.plan.ways(place, "retry_body").map(|way| way.target))
            })
            .collect();
        for (place, node) in self.plan.nodes().iter().enumerate() {
            let problem = match self.plan.control(place) {
                Some(Control::ForEnd | Control::WhileEnd) if node.partner.is_none() => Some((
                    "ends no loop",
                    "connect it to the body of a loop, or name its start in `paired_start_id`",
                )),
                Some(Control::Break | Control::Continue) if !inside_loops.contains(&place) => {
                    Some(("is in no loop", "put it into the body of a loop"))
                }
                Some(Control::Catch) if node.partner.is_none() => Some((
                    "belongs to no try",
                    "connect it to a TryNode, or name one in `paired_try_id`",
                )),
                Some(Control::Finally) if node.finally.is_none() => Some((
                    "belongs to no try",
                    "connect it to a TryNode, or name one in `paired_try_id`",
                )),
                Some(Control::RetrySuccess | Control::RetryFail)
                    if !inside_retries.contains(&place) =>
                {
                    Some(("is in no retry", "put it into the body of a RetryNode"))
                }
                Some(Control::Join) if node.partner.is_none() => Some((
                    "belongs to no fork",
                    "connect it to the branches of a ForkNode",
                )),
                _ => None,
            };
            if let Some((what, fix)) = problem {
                let at = self.at(place);
                self.say(
                    Code::Unpaired,
                    &at,
                    format!("node `{}` ({}) {what}", node.id, node.type_name),
                    fix,
                );
            }
        }
    }

    /// Cycles that no loop owns: control would come back to a node that ran, and end there.
    pub(super) fn cycles(&mut self) {
        let count = self.plan.nodes().len();
        let bodies: Vec<Option<BTreeSet<usize>>> = (0..count)
            .map(|place| {
                let is_loop = self.plan.control(place).is_some_and(Control::is_loop);
                is_loop.then(|| self.plan.body(place))
            })
            .collect();
        let next = |place: usize| -> Vec<usize> {
            let Some(node) = self.plan.node(place) else {
                return Vec::new();
            };
            let ways = node.exits.iter().filter(|way| !way.is_loop_end);
            ways.map(|way| way.target)
                // The way back to a loop from its body is its end.
                .filter(|target| !matches!(bodies.get(*target), Some(Some(body)) if body.contains(&place)))
                .collect()
        };
        // Nodes that nothing leads to are taken away until only cycles, and what follows them, are left.
        let mut entered = vec![0_usize; count];
        for target in (0..count).flat_map(&next) {
            if let Some(entered) = entered.get_mut(target) {
                *entered += 1;
            }
        }
        let mut free: Vec<usize> = (0..count)
            .filter(|place| entered.get(*place) == Some(&0))
            .collect();
        let mut left: BTreeSet<usize> = (0..count).collect();
        while let Some(place) = free.pop() {
            left.remove(&place);
            for target in next(place) {
                if let Some(entered) = entered.get_mut(target) {
                    *entered -= 1;
                    if *entered == 0 {
                        free.push(target);
                    }
                }
            }
        }
        let Some(mut place) = left.first().copied() else {
            return;
        };
        // From any node that is left, going backwards stays within what is left, and so comes into a cycle.
        let before = |place: usize| {
            left.iter()
                .copied()
                .find(|&other| next(other).contains(&place))
        };
        let mut way = Vec::new();
        while !way.contains(&place) {
            way.push(place);
            match before(place) {
                Some(other) => place = other,
                None => return,
            }
        }
        let start = way.iter().position(|&other| other == place).unwrap_or(0);
        let mut cycle: Vec<usize> = way.into_iter().skip(start).collect();
        cycle.reverse();
        let names: Vec<String> = cycle
            .iter()
            .take(SHOWN)
            .filter_map(|&place| self.plan.node(place))
            .map(|node| format!("`{}`", node.id))
            .collect();
        let more = if cycle.len() > SHOWN { " …" } else { "" };
        let at = self.at(cycle.first().copied().unwrap_or(place));
        self.say(
            Code::CycleWithoutLoop,
            &at,
            format!(
                "control comes back, and no loop owns that: {}{more}",
                names.join(" → ")
            ),
            "put what shall be repeated between the start and the end of a loop",
        );
    }
}
