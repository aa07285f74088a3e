//! Where control goes from a node that did what it is for, and at the end of a body.

use std::sync::Arc;

use super::frame::{Body, Completion, Each, Frame, Phase, ScopeFrame, Stage};
use super::{Step, Turn, Walk};
use crate::catalogue::Control;
use crate::plan::Exit;
use crate::record::{Next, Record};

impl Walk {
    /// Lets control go on from a node that did not fail.
    pub(super) fn go_on(&mut self, turn: &Turn, record: Record) {
        let (strand, place) = (turn.strand, turn.place);
        let exit = record.exit.as_deref();
        let Some(control) = self.plan.control(place) else {
            let ways = match exit {
                Some("completed") => self.ways_after_loop(place),
                Some(exit) => self.ways(place, exit),
                None => self.usual_ways(place),
            };
            self.follow(strand, &ways);
            return;
        };
        match control {
            Control::End => {}
            Control::ForStart | Control::WhileStart => self.pass(turn, record),
            Control::ForEnd | Control::WhileEnd => {
                let start = self.plan.node(place).and_then(|node| node.partner);
                let is_end = |frame: &ScopeFrame| frame.is_loop() && Some(frame.owner) == start;
                if self.owner(strand, is_end).is_none() {
                    self.pass_through(turn, "it ends no loop that runs");
                }
            }
            Control::Break | Control::Continue => {
                let named = self.plan.node(place).and_then(|node| node.partner);
                let is_meant = |frame: &ScopeFrame| {
                    frame.is_loop() && named.is_none_or(|named| frame.owner == named)
                };
                match (self.owner(strand, is_meant), control) {
                    (Some(owner), Control::Break) => self.unwind(strand, Completion::Break(owner)),
                    (Some(owner), _) => self.unwind(strand, Completion::Continue(owner)),
                    (None, _) => self.pass_through(turn, "there is no loop around it"),
                }
            }
            Control::Try => {
                let body = Body::Try {
                    stage: Stage::Body,
                    had_error: false,
                    after: Completion::Normal,
                };
                self.push(strand, Frame::Scope(ScopeFrame::new(place, body)));
                let mut ways = self.ways(place, "try_body");
                if ways.is_empty() {
                    ways = self.usual_ways(place);
                }
                self.follow(strand, &ways);
            }
            Control::Catch => {
                let mut ways = self.ways(place, "catch_body");
                if !matches!(turn.phase, Phase::Caught(_)) {
                    ways = self.usual_ways(place);
                }
                self.follow(strand, &ways);
            }
            Control::Finally => {
                let mut ways = self.ways(place, "finally_body");
                if !matches!(turn.phase, Phase::Finally { .. }) {
                    ways.extend(self.usual_ways(place));
                }
                self.follow(strand, &ways);
            }
            Control::Retry => self.attempt(turn, record),
            Control::RetrySuccess => match self.owner(strand, ScopeFrame::is_retry) {
                Some(owner) => self.unwind(strand, Completion::RetryDone(owner)),
                None => self.pass_through(turn, "there is no retry around it"),
            },
            Control::Fork => {
                let fail_fast = matches!(record.next, Some(Next::FailFast(true)));
                self.fork(turn, fail_fast);
            }
            Control::Each => match record.next {
                Some(Next::Branches {
                    items,
                    size,
                    fail_fast,
                }) => {
                    let each = Each {
                        items: Arc::new(items),
                        size,
                        next: 0,
                        results: Vec::new(),
                        fault: None,
                    };
                    self.branch_out(strand, place, each, fail_fast);
                }
                _ => {
                    let ways = self.ways(place, "completed");
                    self.follow(strand, &ways);
                }
            },
            Control::If | Control::Switch => {
                let ways = self.ways(place, exit.unwrap_or_default());
                self.follow(strand, &ways);
            }
            Control::Wait => {
                let ways = self.usual_ways(place);
                self.follow(strand, &ways);
                self.sleep(strand, &record);
            }
            Control::Start | Control::Pass | Control::RetryFail | Control::Join => {
                let ways = self.usual_ways(place);
                self.follow(strand, &ways);
            }
        }
    }

    fn sleep(&mut self, strand: usize, record: &Record) {
        if let Some(Next::Sleep(milliseconds)) = record.next
            && milliseconds > 0
        {
            self.push(strand, Frame::Sleep(milliseconds));
        }
    }

    /// A node that has nothing to do where it stands: control goes through it.
    fn pass_through(&mut self, turn: &Turn, why: &str) {
        if let Some(node) = self.plan.node(turn.place) {
            let warning = format!("{}: {why}; control went through it", node.id);
            self.account.warnings.push(warning);
        }
        let ways = self.usual_ways(turn.place);
        self.follow(turn.strand, &ways);
    }

    /// A pass of a loop begins, or the loop is over.
    fn pass(&mut self, turn: &Turn, record: Record) {
        let (strand, place) = (turn.strand, turn.place);
        if record.exit.as_deref() != Some("body") {
            if !matches!(turn.phase, Phase::Enter) {
                self.pop_scope(strand);
            }
            let ways = self.ways_after_loop(place);
            self.follow(strand, &ways);
            return;
        }
        match (&turn.phase, record.next) {
            (Phase::Enter, Some(Next::Over(items))) => {
                let body = Body::For {
                    items: Arc::new(items),
                    index: 0,
                    is_left: false,
                };
                self.push(strand, Frame::Scope(ScopeFrame::new(place, body)));
            }
            (Phase::Enter, _) => {
                let body = Body::While {
                    index: 0,
                    is_left: false,
                };
                self.push(strand, Frame::Scope(ScopeFrame::new(place, body)));
            }
            (Phase::Item { index: reached, .. } | Phase::Round { index: reached }, _) => {
                if let Some(frame) = self.innermost(strand)
                    && let Body::For { index, .. } | Body::While { index, .. } = &mut frame.body
                {
                    *index = *reached;
                    frame.ran.clear();
                }
            }
            _ => {}
        }
        let ways = self.ways(place, "body");
        self.follow(strand, &ways);
    }

    /// Where control goes behind a loop: from its start, and from its end.
    fn ways_after_loop(&self, start: usize) -> Vec<Exit> {
        let mut ways = self.ways(start, "completed");
        if let Some(end) = self.plan.node(start).and_then(|node| node.partner) {
            ways.extend(self.usual_ways(end));
        }
        ways
    }

    /// An attempt of a retry begins, or the retry is over.
    fn attempt(&mut self, turn: &Turn, record: Record) {
        let (strand, place) = (turn.strand, turn.place);
        match (record.exit.as_deref(), &turn.phase) {
            (Some("retry_body"), phase) => {
                let attempt = match phase {
                    Phase::Attempt { number, .. } => *number,
                    _ => 1,
                };
                if !matches!(phase, Phase::Enter) {
                    self.pop_scope(strand);
                }
                let body = Body::Retry {
                    attempt,
                    failed: None,
                };
                self.push(strand, Frame::Scope(ScopeFrame::new(place, body)));
                let ways = self.ways(place, "retry_body");
                self.follow(strand, &ways);
                self.sleep(strand, &record);
            }
            (Some("failed"), Phase::Attempt { last, .. }) => {
                let last = last.clone();
                self.pop_scope(strand);
                let ways = self.ways(place, "failed");
                if ways.is_empty() {
                    self.unwind(strand, Completion::Failed(last));
                } else {
                    self.follow(strand, &ways);
                }
            }
            _ => {
                self.pop_scope(strand);
                let mut ways = self.ways(place, "success");
                ways.extend(self.usual_ways(place));
                self.follow(strand, &ways);
            }
        }
    }

    /// Removes the innermost scope, of which nothing is left to do.
    pub(super) fn pop_scope(&mut self, strand: usize) {
        if let Some(strand) = self.strands.get_mut(strand)
            && let Some(Frame::Scope(_)) = strand.stack.last()
        {
            strand.stack.pop();
        }
    }

    /// Nothing is left of a body: what its owner does then.
    pub(super) fn exhausted(&mut self, strand: usize, mut frame: ScopeFrame) -> Option<Step> {
        let owner = frame.owner;
        let phase = match &mut frame.body {
            Body::Root => {
                if let Some(strand) = self.strands.get_mut(strand) {
                    strand.ended = Some(Ok(()));
                }
                return None;
            }
            Body::For { is_left: true, .. } | Body::While { is_left: true, .. } => Phase::Leave,
            Body::For { items, index, .. } => Phase::Item {
                items: Arc::clone(items),
                index: *index + 1,
            },
            Body::While { index, .. } => Phase::Round { index: *index + 1 },
            Body::Retry { attempt, failed } => match failed.take() {
                Some(last) => Phase::Attempt {
                    number: *attempt + 1,
                    last,
                },
                None => Phase::Succeeded { attempt: *attempt },
            },
            Body::Try { .. } => {
                self.end_of_try(strand, frame);
                return None;
            }
            Body::Fork { .. } => {
                self.end_of_fork(strand, frame);
                return None;
            }
        };
        self.push(strand, Frame::Scope(frame));
        Some(self.turn(strand, owner, phase))
    }

    /// A stage of a try is over.
    fn end_of_try(&mut self, strand: usize, mut frame: ScopeFrame) {
        let owner = frame.owner;
        let finally = self.plan.node(owner).and_then(|node| node.finally);
        let Body::Try {
            stage,
            had_error,
            after,
        } = &mut frame.body
        else {
            return;
        };
        if *stage != Stage::Finally
            && let Some(finally) = finally
        {
            *stage = Stage::Finally;
            let phase = Phase::Finally {
                had_error: *had_error,
            };
            self.push(strand, Frame::Scope(frame));
            self.push(strand, Frame::Go(finally, phase));
            return;
        }
        match std::mem::replace(after, Completion::Normal) {
            Completion::Normal => self.after_try(strand, frame),
            leaving => self.unwind(strand, leaving),
        }
    }

    /// Control goes on behind a try.
    fn after_try(&mut self, strand: usize, frame: ScopeFrame) {
        let owner = frame.owner;
        let node = self.plan.node(owner);
        let (catch, finally) = (
            node.and_then(|node| node.partner),
            node.and_then(|node| node.finally),
        );
        // A body without a port of its own was the way behind the try already.
        let mut ways = match self.plan.has_way(owner, "try_body") {
            true => self.usual_ways(owner),
            false => Vec::new(),
        };
        for place in [catch, finally].into_iter().flatten() {
            ways.extend(self.usual_ways(place));
        }
        ways.retain(|way| Some(way.target) != catch && Some(way.target) != finally);
        // What ran in the try ran: a common way behind it is not taken twice.
        if let Some(around) = self.innermost(strand) {
            around.ran.extend(frame.ran);
        }
        self.follow(strand, &ways);
    }
}
