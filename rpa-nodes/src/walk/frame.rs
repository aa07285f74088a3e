use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::fault::Fault;
use crate::record::Items;
use crate::value::Object;

/// Something that a strand still has to do.
#[derive(Debug)]
pub(super) enum Frame {
    /// Control comes to a node.
    Go(usize, Phase),
    /// Time passes, in milliseconds.
    Sleep(u64),
    /// A body ends when this is next.
    Scope(ScopeFrame),
}

/// Why control comes to a node.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// Along a link.
    Enter,
    /// The next pass of a for loop.
    Item {
        items: Arc<Items>,
        /// From 0.
        index: u64,
    },
    /// The next pass of a while loop, from 0.
    Round { index: u64 },
    /// A loop was left by a break.
    Leave,
    /// The body of a retry failed; the next attempt, from 2.
    Attempt { number: u32, last: Fault },
    /// The body of a retry did what it should.
    Succeeded { attempt: u32 },
    /// The body of a try failed.
    Caught(Fault),
    /// A try is over.
    Finally { had_error: bool },
    /// All branches of a fork have ended.
    Joined {
        /// What the last node of each gave.
        results: Object,
    },
}

/// A scope: a body and who it belongs to.
#[derive(Debug)]
pub(super) struct ScopeFrame {
    /// The node that began it.
    pub(super) owner: usize,
    /// The nodes that ran in this pass of it.
    pub(super) ran: BTreeSet<usize>,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// The workflow, or a branch of a fork.
    Root,
    For {
        items: Arc<Items>,
        index: u64,
        is_left: bool,
    },
    While {
        index: u64,
        is_left: bool,
    },
    Try {
        stage: Stage,
        /// Whether its body failed.
        had_error: bool,
        /// What happens when its finally is done.
        after: Completion,
    },
    Retry {
        attempt: u32,
        /// Why its body failed, if it did.
        failed: Option<Fault>,
    },
    /// Waits for branches: their ports and strands.
    Fork {
        branches: Vec<(String, usize)>,
        fail_fast: bool,
        /// What is left, if there is a branch for each item of a list.
        each: Option<Each>,
    },
}

/// A branch for each item, some at once.
#[derive(Debug, Clone)]
pub(super) struct Each {
    pub(super) items: Arc<Vec<Value>>,
    pub(super) size: usize,
    /// The first item that has no branch yet.
    pub(super) next: usize,
    /// What the last node of each branch gave.
    pub(super) results: Vec<Value>,
    /// Why the first branch failed that did.
    pub(super) fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Body,
    Catch,
    Finally,
}

/// How a body is left.
#[derive(Debug, Clone)]
pub(super) enum Completion {
    /// At its end.
    Normal,
    /// The loop of this node is left.
    Break(usize),
    /// The loop of this node begins its next pass.
    Continue(usize),
    /// The retry of this node is done.
    RetryDone(usize),
    /// A node failed.
    Failed(Fault),
}

impl ScopeFrame {
    pub(super) fn new(owner: usize, body: Body) -> Self {
        Self {
            owner,
            ran: BTreeSet::new(),
            body,
        }
    }

    pub(super) fn is_loop(&self) -> bool {
        matches!(self.body, Body::For { .. } | Body::While { .. })
    }

    pub(super) fn is_try(&self) -> bool {
        matches!(self.body, Body::Try { .. })
    }

    pub(super) fn is_retry(&self) -> bool {
        matches!(self.body, Body::Retry { .. })
    }

    /// Whether it begins anew with nothing that ran.
    pub(super) fn is_pass(&self) -> bool {
        self.is_loop() || self.is_retry()
    }
}
