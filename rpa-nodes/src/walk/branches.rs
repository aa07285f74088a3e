//! Branches of forks: strands of their own, with what their parent knew when they began.

use std::sync::Arc;

use serde_json::Value;

use super::frame::{Body, Completion, Each, Frame, Phase, ScopeFrame};
use super::{Scope, Strand, Turn, Walk};
use crate::plan::Exit;
use crate::value::{Object, equal};

impl Walk {
    /// Begins a branch for each port that has a way, in the order of the file.
    pub(super) fn fork(&mut self, turn: &Turn, fail_fast: bool) {
        let Some(parent) = self.strands.get(turn.strand) else {
            return;
        };
        let scope = parent.scope.clone();
        let join = self.plan.node(turn.place).and_then(|node| node.partner);
        let exits: Vec<Exit> = self
            .plan
            .node(turn.place)
            .map(|node| node.exits.clone())
            .unwrap_or_default();
        let mut branches: Vec<(String, usize)> = Vec::new();
        for exit in exits.iter().filter(|exit| exit.port.starts_with("branch_")) {
            if branches.iter().any(|(port, _)| *port == exit.port) {
                continue;
            }
            let branch = self.branch(turn.strand, scope.clone(), join);
            let ways = self.ways(turn.place, &exit.port);
            self.follow(branch, &ways);
            branches.push((exit.port.clone(), branch));
        }
        let body = Body::Fork {
            branches,
            fail_fast,
            each: None,
        };
        self.push(turn.strand, Frame::Scope(ScopeFrame::new(turn.place, body)));
    }

    /// A strand that begins with what is known.
    fn branch(&mut self, parent: usize, scope: Scope, join: Option<usize>) -> usize {
        self.strands.push(Strand {
            stack: vec![Frame::Scope(ScopeFrame::new(usize::MAX, Body::Root))],
            scope,
            ended: None,
            parent: Some(parent),
            join,
            last: None,
        });
        self.strands.len() - 1
    }

    /// Begins branches for the next items of a list.
    pub(super) fn branch_out(
        &mut self,
        strand: usize,
        place: usize,
        mut each: Each,
        fail_fast: bool,
    ) {
        let Some(id) = self.plan.node(place).map(|node| node.id.clone()) else {
            return;
        };
        let ways = self.ways(place, "body");
        let mut branches = Vec::new();
        let items = Arc::clone(&each.items);
        for (index, item) in items.iter().enumerate().skip(each.next).take(each.size) {
            let mut scope = self.scope(strand).clone();
            scope.set("item", item.clone());
            scope.set("item_index", index.into());
            let mut outputs = Object::new();
            outputs.insert("current_item".to_owned(), item.clone());
            outputs.insert("current_index".to_owned(), index.into());
            scope.give(&id, outputs);
            let branch = self.branch(strand, scope, None);
            self.follow(branch, &ways);
            branches.push((index.to_string(), branch));
        }
        each.next += branches.len();
        let body = Body::Fork {
            branches,
            fail_fast,
            each: Some(each),
        };
        self.push(strand, Frame::Scope(ScopeFrame::new(place, body)));
    }

    /// The branches of some items have ended: those of the next begin, or control comes back to the node.
    fn end_of_batch(
        &mut self,
        strand: usize,
        place: usize,
        branches: &[(String, usize)],
        mut each: Each,
        fail_fast: bool,
    ) {
        for (_, branch) in branches {
            let Some(ended) = self.strands.get_mut(*branch) else {
                continue;
            };
            if let Some(Err(fault)) = &ended.ended {
                each.fault.get_or_insert(fault.clone());
            }
            let scope = std::mem::take(&mut ended.scope);
            let last = ended.last.and_then(|place| self.plan.node(place));
            let last = last.and_then(|node| scope.outputs().get(&node.id)).cloned();
            each.results.push(last.unwrap_or_default());
        }
        let places: Vec<usize> = branches.iter().map(|(_, branch)| *branch).collect();
        self.abandon(&places);
        let is_over = each.next >= each.items.len() || (fail_fast && each.fault.is_some());
        match each.fault.take() {
            Some(fault) if is_over => self.unwind(strand, Completion::Failed(fault)),
            None if is_over => {
                let mut results = Object::new();
                results.insert("results".to_owned(), Value::Array(each.results));
                self.push(strand, Frame::Go(place, Phase::Joined { results }));
            }
            fault => {
                each.fault = fault;
                self.branch_out(strand, place, each, fail_fast);
            }
        }
    }

    fn fork_of(&self, strand: usize) -> Option<(&[(String, usize)], bool)> {
        match self.strands.get(strand)?.stack.last()? {
            Frame::Scope(ScopeFrame {
                body:
                    Body::Fork {
                        branches,
                        fail_fast,
                        ..
                    },
                ..
            }) => Some((branches, *fail_fast)),
            _ => None,
        }
    }

    /// Whether a strand is at a fork.
    pub(super) fn waits(&self, strand: usize) -> bool {
        self.fork_of(strand).is_some()
    }

    /// Whether a strand is at a fork whose branches have ended, or need not go on.
    pub(super) fn branches_ended(&self, strand: usize) -> bool {
        let Some((branches, fail_fast)) = self.fork_of(strand) else {
            return false;
        };
        let mut ends = branches.iter().map(|(_, branch)| {
            self.strands
                .get(*branch)
                .and_then(|branch| branch.ended.as_ref())
        });
        ends.clone().all(|end| end.is_some())
            || (fail_fast && ends.any(|end| matches!(end, Some(Err(_)))))
    }

    /// Ends branches where they are, and those that they forked.
    pub(super) fn abandon(&mut self, branches: &[usize]) {
        for &branch in branches {
            let inner: Vec<usize> = (0..self.strands.len())
                .filter(|&strand| {
                    self.strands
                        .get(strand)
                        .is_some_and(|it| it.parent == Some(branch))
                })
                .collect();
            if let Some(strand) = self.strands.get_mut(branch)
                && strand.ended.is_none()
            {
                strand.ended = Some(Ok(()));
                strand.stack.clear();
                self.abandon(&inner);
            }
        }
    }

    /// Goes on behind a fork, if its branches have ended; else the fork waits on.
    pub(super) fn end_of_fork(&mut self, strand: usize, frame: ScopeFrame) {
        let place = frame.owner;
        let Body::Fork {
            branches,
            each,
            fail_fast,
        } = &frame.body
        else {
            return;
        };
        let (branches, each, fail_fast) = (branches.clone(), each.clone(), *fail_fast);
        self.push(strand, Frame::Scope(frame));
        if !self.branches_ended(strand) {
            return;
        }
        self.pop_scope(strand);
        if let Some(each) = each {
            self.end_of_batch(strand, place, &branches, each, fail_fast);
            return;
        }
        let places: Vec<usize> = branches.iter().map(|(_, branch)| *branch).collect();
        let fault = places.iter().find_map(|branch| {
            let ended = self.strands.get(*branch)?.ended.as_ref()?;
            ended.as_ref().err().cloned()
        });
        self.abandon(&places);
        if let Some(fault) = fault {
            self.unwind(strand, Completion::Failed(fault));
            return;
        }
        let results = self.merge(strand, &branches);
        match self.plan.node(place).and_then(|node| node.partner) {
            Some(join) => self.push(strand, Frame::Go(join, Phase::Joined { results })),
            None => {
                let ways = self.usual_ways(place);
                self.follow(strand, &ways);
            }
        }
    }

    /// Takes over what branches know: `<branch>_<name>` for each variable that one set, and the variable itself where
    /// no two of them disagree. Gives what the last node of each gave.
    fn merge(&mut self, parent: usize, branches: &[(String, usize)]) -> Object {
        let mut results = Object::new();
        let mut set: Vec<(String, Option<Value>)> = Vec::new();
        let before = self.scope(parent).variables().clone();
        for (port, branch) in branches {
            let Some(strand) = self.strands.get_mut(*branch) else {
                continue;
            };
            let scope = std::mem::take(&mut strand.scope);
            let last = strand.last.and_then(|place| self.plan.node(place));
            let last = last.and_then(|node| scope.outputs().get(&node.id)).cloned();
            results.insert(port.clone(), last.unwrap_or(Value::Object(Object::new())));
            let mut own = Vec::new();
            for (name, value) in scope.variables() {
                if before.get(name).is_some_and(|before| equal(before, value)) {
                    continue;
                }
                own.push((format!("{port}_{name}"), value.clone()));
                match set.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => {
                        if known.as_ref().is_some_and(|known| !equal(known, value)) {
                            *known = None;
                        }
                    }
                    None => set.push((name.clone(), Some(value.clone()))),
                }
            }
            if let Some(parent) = self.strands.get_mut(parent) {
                for (name, value) in own {
                    parent.scope.set(&name, value);
                }
                parent.scope.adopt(scope);
            }
        }
        if let Some(parent) = self.strands.get_mut(parent) {
            for (name, value) in set {
                if let Some(value) = value {
                    parent.scope.set(&name, value);
                }
            }
        }
        results
    }
}
