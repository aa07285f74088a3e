use serde_json::Value;

use crate::fault::Fault;
use crate::visit::{Call, Work};

/// Looks at the world before a node changes it. What it finds is recorded.
pub type Look = fn(&Work) -> Result<Value, Fault>;

/// What happens when a node is visited.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    /// The walk itself does it: the node decides which way control takes.
    Control(Control),
    /// A computation on inputs and variables, done in an instant.
    Compute(fn(&mut Call<'_>) -> Result<(), Fault>),
    /// Work on the world that may take time: files.
    Work {
        /// Looks at the world before anything is changed. What it finds is durable before `perform` begins, and is
        /// the same when `perform` runs again after a crash: that is how it knows what it did already.
        intend: Option<Look>,
        /// Does it.
        perform: fn(&mut Work) -> Result<(), Fault>,
    },
    /// Work on a database.
    Database(DatabaseAct),
    /// Another workflow is run.
    Child,
}

/// What is done with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseAct {
    /// A connection is tried.
    Connect,
    /// Rows are read.
    Query,
    /// Rows are changed.
    Execute,
    /// Several statements are done.
    Batch,
    /// A transaction begins.
    Begin,
    /// A transaction is committed.
    Commit,
    /// A transaction is given up.
    Rollback,
    /// A connection is not needed any more.
    Close,
    /// Whether there is a table.
    TableExists,
    /// What columns a table has.
    Columns,
    /// What `action` says.
    Any,
}

impl DatabaseAct {
    /// Whether it changes what others see.
    pub fn writes(self) -> bool {
        matches!(self, Self::Execute | Self::Batch | Self::Commit | Self::Any)
    }
}

/// The nodes that decide which way control takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Control {
    /// Where a workflow begins.
    Start,
    /// Where a branch ends.
    End,
    /// Control goes through.
    Pass,
    /// One of two ways.
    If,
    /// One of many ways.
    Switch,
    /// Once for each item.
    ForStart,
    /// The end of the body of a for loop.
    ForEnd,
    /// As long as a condition holds.
    WhileStart,
    /// The end of the body of a while loop.
    WhileEnd,
    /// Leaves a loop.
    Break,
    /// Begins the next pass of a loop.
    Continue,
    /// Watches over a body.
    Try,
    /// Takes a failure of a body.
    Catch,
    /// Runs after a body, however it ended.
    Finally,
    /// Runs a body again when it fails.
    Retry,
    /// The body of a retry is done.
    RetrySuccess,
    /// The body of a retry failed.
    RetryFail,
    /// Several branches at once.
    Fork,
    /// Where branches come together.
    Join,
    /// A branch for each item.
    Each,
    /// Some time passes.
    Wait,
}

impl Control {
    /// Whether control comes back to the node from the body it begins.
    pub fn is_loop(self) -> bool {
        matches!(self, Self::ForStart | Self::WhileStart)
    }
}
