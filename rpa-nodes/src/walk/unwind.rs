//! How bodies are left before their end: by failures, breaks, continues, and retries that are done.

use serde_json::Value;

use super::frame::{Body, Completion, Frame, Phase, ScopeFrame, Stage};
use super::{Turn, Walk};
use crate::fault::Fault;
use crate::value::Object;

impl Walk {
    /// A node failed.
    pub(super) fn fail(&mut self, turn: &Turn, fault: Fault) {
        let goes_on = !self.plan.rules.stop_on_error && !self.is_handled(turn.strand);
        if goes_on {
            if let Some(frame) = self.innermost(turn.strand) {
                frame.ran.insert(turn.place);
            }
            self.account.failures.push(fault);
            self.give_nothing(turn);
            let ways = self.usual_ways(turn.place);
            self.follow(turn.strand, &ways);
            return;
        }
        self.unwind(turn.strand, Completion::Failed(fault));
    }

    /// What comes behind a node that failed finds that its outputs are null.
    fn give_nothing(&mut self, turn: &Turn) {
        let Some(node) = self.plan.node(turn.place) else {
            return;
        };
        let outputs = node.node_type.iter().flat_map(|known| &known.outputs);
        let nothing: Object = outputs
            .map(|output| (output.name.to_owned(), Value::Null))
            .collect();
        if let (Some(strand), false) = (self.strands.get_mut(turn.strand), nothing.is_empty()) {
            strand.scope.give(&node.id, nothing);
        }
    }

    /// Whether a failure of a strand goes to a catch or a retry.
    fn is_handled(&self, strand: usize) -> bool {
        let Some(found) = self.strands.get(strand) else {
            return false;
        };
        let handles = |frame: &ScopeFrame| match &frame.body {
            Body::Retry { .. } => true,
            Body::Try {
                stage: Stage::Body, ..
            } => self.catch(frame.owner).is_some(),
            _ => false,
        };
        self.owner(strand, handles).is_some()
            || found.parent.is_some_and(|parent| self.is_handled(parent))
    }

    fn catch(&self, owner: usize) -> Option<usize> {
        self.plan.node(owner)?.partner
    }

    /// Leaves bodies, from the innermost outwards, up to the one that takes it.
    pub(super) fn unwind(&mut self, strand: usize, how: Completion) {
        loop {
            let Some(frames) = self.strands.get_mut(strand) else {
                return;
            };
            let Some(frame) = frames.stack.pop() else {
                frames.ended = Some(match how {
                    Completion::Failed(fault) => Err(fault),
                    _ => Ok(()),
                });
                return;
            };
            if let Frame::Scope(frame) = frame
                && self.takes(strand, frame, &how)
            {
                return;
            }
        }
    }

    /// Whether a scope is where it ends; then its frame is back in its place. Else the scope is gone.
    fn takes(&mut self, strand: usize, mut frame: ScopeFrame, how: &Completion) -> bool {
        let owner = frame.owner;
        match (&mut frame.body, how) {
            (
                Body::For { is_left, .. } | Body::While { is_left, .. },
                Completion::Break(wanted),
            ) if *wanted == owner => {
                *is_left = true;
            }
            (Body::For { .. } | Body::While { .. }, Completion::Continue(wanted))
                if *wanted == owner => {}
            (Body::Retry { .. }, Completion::RetryDone(wanted)) if *wanted == owner => {}
            (Body::Retry { failed, .. }, Completion::Failed(fault)) => {
                *failed = Some(fault.clone());
            }
            (Body::Try { .. }, _) => return self.leaves_try(strand, frame, how),
            (Body::Fork { branches, .. }, _) => {
                // Only from outside can a fork be left that waits: its branches end with it.
                let branches: Vec<usize> = branches.iter().map(|(_, branch)| *branch).collect();
                self.abandon(&branches);
                return false;
            }
            _ => return false,
        }
        self.push(strand, Frame::Scope(frame));
        true
    }

    fn leaves_try(&mut self, strand: usize, mut frame: ScopeFrame, how: &Completion) -> bool {
        let catch = self.catch(frame.owner);
        let finally = self.plan.node(frame.owner).and_then(|node| node.finally);
        let Body::Try {
            stage,
            had_error,
            after,
        } = &mut frame.body
        else {
            return false;
        };
        if let (Stage::Body, Completion::Failed(fault), Some(catch)) = (*stage, how, catch) {
            *stage = Stage::Catch;
            *had_error = true;
            let phase = Phase::Caught(fault.clone());
            self.push(strand, Frame::Scope(frame));
            self.push(strand, Frame::Go(catch, phase));
            return true;
        }
        if let (Stage::Body | Stage::Catch, Some(finally)) = (*stage, finally) {
            *stage = Stage::Finally;
            *had_error |= matches!(how, Completion::Failed(_));
            *after = how.clone();
            let phase = Phase::Finally {
                had_error: *had_error,
            };
            self.push(strand, Frame::Scope(frame));
            self.push(strand, Frame::Go(finally, phase));
            return true;
        }
        false
    }
}
