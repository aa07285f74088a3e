//! The walk through a workflow: which node is visited next, given what was recorded of the visits before.
//!
//! A walk does nothing itself. It hands out turns, is told what was recorded, and hands out the next ones. So the same
//! records always lead the same way, in whatever process: that is what makes a run durable.
//!
//! **Order.** Depth first: where control leaves a node by several ways, they are taken in the order of the file, each to
//! its end before the next. In one pass of a scope (the workflow, a pass of a loop, an attempt of a retry) a node runs
//! once, however many ways lead to it; only If and Switch are asked each time.
//!
//! **Scopes.** What follows `body` of a loop is its body: when nothing of it is left, the next pass begins with a visit of
//! the start node. The same holds for tries and retries. A failure goes to the innermost try or retry around it, and a
//! finally runs on every way out of its try.
//!
//! **Branches** of a fork run side by side in rounds: each takes one visit, and when all of these are recorded, the next.

mod branches;
mod follow;
mod frame;
mod scope;
mod unwind;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use self::frame::Phase;
use self::frame::{Body, Frame, ScopeFrame};
pub use self::scope::Scope;
use crate::catalogue::Control;
use crate::fault::Fault;
use crate::plan::{Exit, Plan};
use crate::record::{LogLine, Record};
use crate::value::Object;
use crate::visit::{Folder, Mask};

/// The strand that a run begins with.
const MAIN: usize = 0;

/// What is to be done next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A node is visited.
    Visit(Turn),
    /// Time passes, in milliseconds.
    Sleep(u64),
}

/// A visit that is due.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) strand: usize,
    /// The place of the node in the plan.
    pub(crate) place: usize,
    /// Which visit of this node it is, from 1.
    pub(crate) number: u32,
    pub(crate) phase: Phase,
}

/// One line of control, with what it knows.
#[derive(Debug)]
struct Strand {
    /// What is still to be done; the last is next.
    stack: Vec<Frame>,
    scope: Scope,
    /// How it ended.
    ended: Option<Result<(), Fault>>,
    /// The strand that forked it.
    parent: Option<usize>,
    /// The join that ends it.
    join: Option<usize>,
    /// The node it visited last.
    last: Option<usize>,
}

/// What a run has come to.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// How often each node was visited.
    pub(crate) visits: BTreeMap<usize, u32>,
    /// Visits in all.
    pub(crate) executed: u64,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) warnings: Vec<String>,
    /// Failures that nobody caught and that did not end the run, because it goes on after errors.
    pub(crate) failures: Vec<Fault>,
}

/// A walk.
#[derive(Debug)]
pub(crate) struct Walk {
    plan: Arc<Plan>,
    strands: Vec<Strand>,
    account: Account,
    folder: Folder,
    mask: Mask,
}

impl Walk {
    /// A walk that has not begun. Relative paths of its nodes begin at `folder`.
    pub(crate) fn new(plan: Arc<Plan>, variables: Object, folder: &str) -> Self {
        let secrets = plan.sensitive.iter();
        let mask = Mask::new(secrets.filter_map(|name| variables.get(name).cloned()));
        let mut walk = Self {
            strands: Vec::new(),
            account: Account::default(),
            folder: folder.into(),
            mask,
            plan: Arc::clone(&plan),
        };
        let stack = vec![Frame::Scope(ScopeFrame::new(usize::MAX, Body::Root))];
        walk.strands.push(Strand {
            stack,
            scope: Scope::new(variables, &plan),
            ended: None,
            parent: None,
            join: None,
            last: None,
        });
        for &entry in plan.entries.iter().rev() {
            walk.push(MAIN, Frame::Go(entry, Phase::Enter));
        }
        walk
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn mask(&self) -> &Mask {
        &self.mask
    }

    pub(crate) fn folder(&self) -> Folder {
        Arc::clone(&self.folder)
    }

    /// What a strand knows.
    pub(crate) fn scope(&self, strand: usize) -> &Scope {
        static NOTHING: std::sync::LazyLock<Scope> = std::sync::LazyLock::new(Scope::default);
        self.strands
            .get(strand)
            .map_or(&NOTHING, |strand| &strand.scope)
    }

    /// What the run knows at its end.
    pub(crate) fn final_scope(&self) -> &Scope {
        self.scope(MAIN)
    }

    /// The failure that ended the run.
    pub(crate) fn failure(&self) -> Option<&Fault> {
        self.strands.get(MAIN)?.ended.as_ref()?.as_ref().err()
    }

    /// The name under which a visit is recorded.
    pub(crate) fn visit_name(&self, turn: &Turn) -> String {
        let id = self
            .plan
            .node(turn.place)
            .map_or("?", |node| node.id.as_str());
        format!("node:{id}#{}", turn.number)
    }

    /// What is to be done next, side by side: one step for each strand, in the order in which they began, each with the
    /// number of its strand. Nothing, when the run has ended.
    pub(crate) fn round(&mut self) -> Vec<(usize, Step)> {
        let mut steps = Vec::new();
        let mut strand = 0;
        // A branch that ends may be what an earlier strand waits for.
        while strand < self.strands.len() {
            match self.advance(strand) {
                Some(step) => steps.push((strand, step)),
                None if steps.is_empty() && self.has_work_before(strand) => {
                    strand = MAIN;
                    continue;
                }
                None => {}
            }
            strand += 1;
        }
        steps
    }

    /// Whether a strand up to this one waits for branches that have all ended.
    fn has_work_before(&self, strand: usize) -> bool {
        (0..=strand).any(|strand| self.branches_ended(strand))
    }

    /// The next step of a strand, if it has one.
    fn advance(&mut self, strand: usize) -> Option<Step> {
        loop {
            let frames = self.strands.get_mut(strand)?;
            if frames.ended.is_some() {
                return None;
            }
            let Some(frame) = frames.stack.pop() else {
                frames.ended = Some(Ok(()));
                return None;
            };
            match frame {
                Frame::Sleep(milliseconds) => return Some(Step::Sleep(milliseconds)),
                Frame::Go(place, phase) => {
                    if matches!(phase, Phase::Enter) && self.is_skipped(strand, place) {
                        continue;
                    }
                    return Some(self.turn(strand, place, phase));
                }
                Frame::Scope(frame) => {
                    let waits = matches!(&frame.body, Body::Fork { .. });
                    if let Some(step) = self.exhausted(strand, frame) {
                        return Some(step);
                    }
                    if waits && !self.branches_ended(strand) && self.waits(strand) {
                        return None;
                    }
                }
            }
        }
    }

    fn turn(&mut self, strand: usize, place: usize, phase: Phase) -> Step {
        let number = self.account.visits.entry(place).or_default();
        *number += 1;
        Step::Visit(Turn {
            strand,
            place,
            number: *number,
            phase,
        })
    }

    /// Whether control that comes to a node along a link ends there: it ran already, or it is the end of a body.
    fn is_skipped(&self, strand: usize, place: usize) -> bool {
        let Some(strand) = self.strands.get(strand) else {
            return true;
        };
        let control = self.plan.control(place);
        if control == Some(Control::Join) && strand.join == Some(place) {
            return true;
        }
        let partner = self.plan.node(place).and_then(|node| node.partner);
        let finally = self.plan.node(place).and_then(|node| node.finally);
        let mut may_have_run = true;
        for frame in strand.stack.iter().rev() {
            let Frame::Scope(frame) = frame else { continue };
            let ends = match control {
                Some(control) if control.is_loop() => frame.owner == place,
                Some(Control::Catch) => frame.is_try() && Some(frame.owner) == partner,
                Some(Control::Finally) => frame.is_try() && Some(frame.owner) == finally,
                _ => false,
            };
            if ends {
                return true;
            }
            if may_have_run && frame.ran.contains(&place) {
                return !matches!(control, Some(Control::If | Control::Switch));
            }
            // What ran around a loop does not count in its passes.
            may_have_run &= !frame.is_pass();
        }
        false
    }

    fn push(&mut self, strand: usize, frame: Frame) {
        if let Some(strand) = self.strands.get_mut(strand) {
            strand.stack.push(frame);
        }
    }

    /// Lets control go on along ways, the first of them first.
    fn follow(&mut self, strand: usize, ways: &[Exit]) {
        for way in ways.iter().rev().filter(|way| !way.is_loop_end) {
            self.push(strand, Frame::Go(way.target, Phase::Enter));
        }
    }

    fn ways(&self, place: usize, port: &str) -> Vec<Exit> {
        self.plan.ways(place, port).cloned().collect()
    }

    /// The ways by which control leaves a node that does not choose.
    fn usual_ways(&self, place: usize) -> Vec<Exit> {
        let exits = self
            .plan
            .node(place)
            .map_or(&[][..], |node| node.exits.as_slice());
        exits
            .iter()
            .filter(|exit| exit.port.contains("exec") && exit.port != "exec_error")
            .cloned()
            .collect()
    }

    /// Takes note of what a visit brought.
    pub(crate) fn settle(&mut self, turn: &Turn, record: Record) {
        let Some(id) = self.plan.node(turn.place).map(|node| node.id.clone()) else {
            return;
        };
        self.account.executed += 1;
        self.account.logs.extend(record.logs.iter().cloned());
        let warnings = record
            .warnings
            .iter()
            .map(|warning| format!("{id}: {warning}"));
        self.account.warnings.extend(warnings);
        if let Some(strand) = self.strands.get_mut(turn.strand) {
            strand.last = Some(turn.place);
            for (name, value) in &record.set {
                strand.scope.set(name, value.clone());
            }
            match &record.error {
                None => strand.scope.give(&id, record.outputs.clone()),
                Some(_) => strand.scope.forget(&id),
            }
        }
        if let Some(fault) = record.error {
            self.fail(turn, fault);
            return;
        }
        if let Some(frame) = self.innermost(turn.strand) {
            frame.ran.insert(turn.place);
        }
        self.go_on(turn, record);
    }

    /// The innermost scope of a strand.
    fn innermost(&mut self, strand: usize) -> Option<&mut ScopeFrame> {
        let frames = self.strands.get_mut(strand)?.stack.iter_mut().rev();
        frames
            .filter_map(|frame| match frame {
                Frame::Scope(frame) => Some(frame),
                _ => None,
            })
            .next()
    }

    /// The owner of the innermost scope of a kind.
    fn owner(&self, strand: usize, is_it: impl Fn(&ScopeFrame) -> bool) -> Option<usize> {
        self.strands
            .get(strand)?
            .stack
            .iter()
            .rev()
            .find_map(|frame| match frame {
                Frame::Scope(frame) if is_it(frame) => Some(frame.owner),
                _ => None,
            })
    }

    /// Nodes that no visit came to, by id.
    pub(crate) fn unreached(&self) -> Vec<String> {
        let nodes = self.plan.nodes().iter().enumerate();
        nodes
            .filter(|(place, node)| {
                !self.account.visits.contains_key(place)
                    && node.type_name != "CommentNode"
                    && !node.type_name.ends_with("TriggerNode")
            })
            .map(|(_, node)| node.id.clone())
            .collect()
    }
}
