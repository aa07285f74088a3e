//! The ways that control can take through a workflow.

use std::collections::{HashMap, VecDeque};

use crate::document::Workflow;

/// Nodes by their place in the file, and where control passes from one to another. Connections to nodes that do
/// not exist lead nowhere.
pub(super) struct Flow {
    successors: Vec<Vec<usize>>,
    entered: Vec<bool>,
}

impl Flow {
    pub(super) fn new(workflow: &Workflow) -> Self {
        let mut successors = vec![Vec::new(); workflow.nodes.len()];
        let mut entered = vec![false; workflow.nodes.len()];
        for connection in &workflow.connections {
            if !connection.is_control() {
                continue;
            }
            let source = workflow.nodes.place(&connection.source_node);
            let target = workflow.nodes.place(&connection.target_node);
            let (Some(source), Some(target)) = (source, target) else {
                continue;
            };
            if let Some(list) = successors.get_mut(source) {
                list.push(target);
            }
            // The way back to a loop is no way into it.
            if source != target
                && !connection.is_loop_end()
                && let Some(entered) = entered.get_mut(target)
            {
                *entered = true;
            }
        }
        Self {
            successors,
            entered,
        }
    }

    /// Whether control comes to a node from another one.
    pub(super) fn is_entered(&self, node: usize) -> bool {
        self.entered.get(node).copied().unwrap_or_default()
    }

    fn successors(&self, node: usize) -> &[usize] {
        self.successors.get(node).map_or(&[], Vec::as_slice)
    }

    /// Which nodes control comes to from `entries`.
    pub(super) fn reached(&self, entries: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.successors.len()];
        let mut waiting = entries.to_vec();
        while let Some(node) = waiting.pop() {
            if let Some(reached) = reached.get_mut(node)
                && !*reached
            {
                *reached = true;
                waiting.extend(self.successors(node));
            }
        }
        reached
    }

    /// One cycle for each set of nodes that can all come back to each other: the shortest through the first of
    /// them, which is its first and only there.
    pub(super) fn cycles(&self) -> Vec<Vec<usize>> {
        let components = Components::of(self);
        let mut cycles = Vec::new();
        let mut seen = vec![false; self.successors.len()];
        for node in 0..self.successors.len() {
            if let Some(number) = components.number(node)
                && seen.get(number) == Some(&false)
            {
                set(&mut seen, number, true);
                cycles.extend(self.shortest_cycle(node, &components));
            }
        }
        cycles
    }

    /// The shortest way from a node back to itself. It does not leave the node's component, so that all searches
    /// together look at each connection at most once.
    fn shortest_cycle(&self, start: usize, components: &Components) -> Option<Vec<usize>> {
        let mut before = HashMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(node) = waiting.pop_front() {
            for &next in self.successors(node) {
                if next == start {
                    let mut cycle = vec![node];
                    let mut place = node;
                    while place != start {
                        place = *before.get(&place)?;
                        cycle.push(place);
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if components.number(next) == components.number(start)
                    && !before.contains_key(&next)
                {
                    before.insert(next, node);
                    waiting.push_back(next);
                }
            }
        }
        None
    }
}

/// The sets of nodes that can all come back to each other, by Tarjan's algorithm. It keeps its own stack: a
/// workflow may be one chain of any length.
struct Components {
    numbers: Vec<Option<usize>>,
}

impl Components {
    fn of(flow: &Flow) -> Self {
        let count = flow.successors.len();
        let mut order: Vec<Option<usize>> = vec![None; count];
        let mut lowest = vec![usize::MAX; count];
        let mut numbers = vec![None; count];
        let mut open = Vec::new();
        let (mut visited, mut found) = (0, 0);
        for root in 0..count {
            if order.get(root) != Some(&None) {
                continue;
            }
            // A node and how many of its successors have been looked at.
            let mut path = vec![(root, 0)];
            while let Some((node, looked_at)) = path.pop() {
                if looked_at == 0 {
                    set(&mut order, node, Some(visited));
                    set(&mut lowest, node, visited);
                    visited += 1;
                    open.push(node);
                }
                if let Some(&next) = flow.successors(node).get(looked_at) {
                    path.push((node, looked_at + 1));
                    match order.get(next).copied().flatten() {
                        None => path.push((next, 0)),
                        Some(at) if numbers.get(next) == Some(&None) => {
                            lower(&mut lowest, node, at)
                        }
                        Some(_) => {}
                    }
                    continue;
                }
                let low = lowest.get(node).copied().unwrap_or(usize::MAX);
                if order.get(node).copied().flatten() == Some(low) {
                    while let Some(member) = open.pop() {
                        set(&mut numbers, member, Some(found));
                        if member == node {
                            break;
                        }
                    }
                    found += 1;
                }
                if let Some((parent, _)) = path.last() {
                    lower(&mut lowest, *parent, low);
                }
            }
        }
        Self { numbers }
    }

    fn number(&self, node: usize) -> Option<usize> {
        self.numbers.get(node).copied().flatten()
    }
}

fn set<T>(list: &mut [T], place: usize, value: T) {
    if let Some(entry) = list.get_mut(place) {
        *entry = value;
    }
}

fn lower(list: &mut [usize], place: usize, value: usize) {
    if let Some(entry) = list.get_mut(place) {
        *entry = value.min(*entry);
    }
}
