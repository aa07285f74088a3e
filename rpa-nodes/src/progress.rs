//! How far a run is, told while it runs.

use std::fmt;
use std::sync::Arc;

/// A visit that has just ended, and where in the workflow that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The node.
    pub node: String,
    /// Which visit of it, from 1.
    pub visit: u32,
    /// The loops around it, the outermost first.
    pub loops: Vec<Round>,
    /// Visits so far.
    pub visits: u64,
    /// Nodes that were visited.
    pub reached: usize,
    /// Nodes in the file.
    pub nodes: usize,
}

/// A pass of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The node that begins it.
    pub node: String,
    /// Which pass, from 1.
    pub number: u64,
    /// How many there will be, where that is known.
    pub of: Option<u64>,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{} nodes, visit {}: {}#{}",
            self.reached, self.nodes, self.visits, self.node, self.visit
        )?;
        for round in &self.loops {
            write!(f, ", {} {round}", round.node)?;
        }
        Ok(())
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Some(of) => write!(f, "row {} of {of}", self.number),
            None => write!(f, "pass {}", self.number),
        }
    }
}

/// Is told of each visit.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&Moment) + Send + Sync>);

impl Progress {
    /// Calls a function for each visit that ends in this process.
    pub fn new(tell: impl Fn(&Moment) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, moment: &Moment) {
        (self.0)(moment);
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
