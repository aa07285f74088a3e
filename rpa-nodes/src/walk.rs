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

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

pub(crate) use self::frame::Phase;
use self::frame::{Body, Frame, ScopeFrame};
pub use self::scope::Scope;
use crate::browser::BrowserState;
use crate::catalogue::Control;
use crate::database::Statement;
use crate::document::Workflow;
use crate::fault::Fault;
use crate::plan::{Exit, Plan};
use crate::progress::Round;
use crate::record::{LogLine, Next, Record, Transact};
use crate::run::Request;
use crate::secrets::{SecretError, Vault};
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

impl Step {
    /// The visit, if it is one.
    pub(crate) fn turn(&self) -> Option<&Turn> {
        match self {
            Self::Visit(turn) => Some(turn),
            Self::Sleep(_) => None,
        }
    }
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
    /// Transactions that the workflow began and did not end yet, by connection.
    transactions: BTreeMap<String, Vec<Statement>>,
    /// Browsers that the run launched and did not close yet, in this order.
    browsers: Vec<BrowserState>,
    /// The secrets that the workflow names, and the variables that it began with: sealed values are among these.
    secrets: (BTreeSet<String>, Object),
    mask: OnceLock<Mask>,
    /// Visits that were looked at in this process, by node and number. Not of a visit that an earlier process looked at.
    looked: Mutex<BTreeSet<(usize, u32)>>,
}

impl Walk {
    /// A walk that has not begun. Relative paths of its nodes begin at `folder`.
    pub(crate) fn new(plan: Arc<Plan>, variables: Object, folder: &str) -> Self {
        let mut secrets = plan.secrets.clone();
        variables
            .values()
            .for_each(|value| crate::secrets::names(value, &mut secrets));
        let mut walk = Self {
            strands: Vec::new(),
            account: Account::default(),
            folder: folder.into(),
            transactions: BTreeMap::new(),
            browsers: Vec::new(),
            secrets: (secrets, variables.clone()),
            mask: OnceLock::new(),
            looked: Mutex::default(),
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

    /// A walk through the workflow of a request, which may be what a trigger asks for.
    pub(crate) fn of(request: &Request, workflow: &Workflow) -> Self {
        let mut plan = Plan::new(workflow);
        if let Some(fired) = &request.fired {
            plan.begin_at(&fired.node);
        }
        let mut walk = Self::new(Arc::new(plan), request.variables.clone(), &request.folder);
        walk.browse(request.browsers.clone());
        if let Some(main) = walk.strands.first_mut() {
            if let Some(place) = &request.ftp {
                // The marks in it are of secrets that this workflow does not name itself.
                let (names, sealed) = &mut walk.secrets;
                let settings = place.settings.values();
                settings.for_each(|value| crate::secrets::names(value, names));
                let settings = Value::Object(place.settings.clone());
                sealed.insert(format!("FTP {}", place.id), settings);
                main.scope.connect_ftp(Some(place.clone()));
            }
            if let Some(fired) = &request.fired {
                main.scope.give(&fired.node, fired.outputs.clone());
            }
        }
        walk
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The secrets of the run, which the vault is asked for once.
    pub(crate) fn mask(&self, vault: &Vault) -> Result<&Mask, SecretError> {
        if let Some(mask) = self.mask.get() {
            return Ok(mask);
        }
        let (names, variables) = &self.secrets;
        let mask = Mask::new(names, variables, vault)?;
        Ok(self.mask.get_or_init(|| mask))
    }

    /// Takes note that a visit is looked at now.
    pub(crate) fn looked(&self, turn: &Turn) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.insert((turn.place, turn.number));
    }

    /// Whether a visit was looked at by this process, so that no other one can have begun it.
    pub(crate) fn is_fresh(&self, turn: &Turn) -> bool {
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.contains(&(turn.place, turn.number))
    }

    /// What is part of a transaction that the workflow began, if it began one.
    pub(crate) fn transaction(&self, connection: &str) -> Option<&[Statement]> {
        self.transactions.get(connection).map(Vec::as_slice)
    }

    fn transact(&mut self, connection: String, what: Transact) {
        match what {
            Transact::Begin => drop(self.transactions.insert(connection, Vec::new())),
            Transact::Add(statements) => {
                self.transactions
                    .entry(connection)
                    .or_default()
                    .extend(statements);
            }
            Transact::End => drop(self.transactions.remove(&connection)),
        }
    }

    /// The browsers that are open, the one last that was launched last.
    pub(crate) fn browsers(&self) -> &[BrowserState] {
        &self.browsers
    }

    /// Takes note of how browsers are now.
    pub(crate) fn browse(&mut self, states: Vec<BrowserState>) {
        for state in states {
            let known = self.browsers.iter().position(|known| known.id == state.id);
            match known.and_then(|place| self.browsers.get_mut(place)) {
                Some(known) if !state.closed => *known = state,
                Some(_) => self.browsers.retain(|known| known.id != state.id),
                None if state.closed => {}
                None => self.browsers.push(state),
            }
        }
    }

    /// The loops around a visit, the outermost first.
    pub(crate) fn rounds(&self, turn: &Turn) -> Vec<Round> {
        let mut rounds = Vec::new();
        let frames = self
            .strands
            .get(turn.strand)
            .map_or(&[][..], |strand| &strand.stack);
        for frame in frames {
            let Frame::Scope(ScopeFrame { owner, body, .. }) = frame else {
                continue;
            };
            let (number, of) = match body {
                Body::For { items, index, .. } => (*index, Some(items.len())),
                Body::While { index, .. } => (*index, None),
                _ => continue,
            };
            // The pass that a visit of the loop itself begins counts already.
            let number = match &turn.phase {
                Phase::Item { index, .. } | Phase::Round { index } if *owner == turn.place => {
                    *index
                }
                _ => number,
            };
            rounds.push(Round {
                node: self
                    .plan
                    .node(*owner)
                    .map(|node| node.id.clone())
                    .unwrap_or_default(),
                number: number + 1,
                of,
            });
        }
        rounds
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
    pub(crate) fn settle(&mut self, turn: &Turn, mut record: Record) {
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
        // Also a node that failed may have moved a page.
        if let Some(Next::Browsers(states)) = record
            .next
            .take_if(|next| matches!(next, Next::Browsers(_)))
        {
            self.browse(states);
        }
        if let Some(fault) = record.error {
            self.fail(turn, fault);
            return;
        }
        if let Some(Next::Transaction { connection, what }) = record.next {
            self.transact(connection, what);
            record.next = None;
        }
        if let Some(Next::Ftp(place)) = record.next.take_if(|next| matches!(next, Next::Ftp(_)))
            && let Some(strand) = self.strands.get_mut(turn.strand)
        {
            strand.scope.connect_ftp(place);
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
                    && !crate::plan::is_outside(&node.type_name)
            })
            .map(|(_, node)| node.id.clone())
            .collect()
    }
}
