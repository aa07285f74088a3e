//! What is recorded of one visit of a node.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::browser::{BrowserState, PageNote};
use crate::database::Statement;
use crate::doubt::Question;
use crate::fault::Fault;
use crate::ftp::FtpPlace;
use crate::value::Object;

/// How a visit ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VisitStatus {
    /// The node did what it is for.
    #[default]
    Success,
    /// It could not.
    Failed,
    /// It is switched off; control and values went through it.
    Disabled,
    /// A crash interrupted it, and a person has to say whether it is to be done again.
    Uncertain,
    /// A crash interrupted it, and it was not done again.
    Skipped,
}

impl VisitStatus {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
            Self::Uncertain => "uncertain",
            Self::Skipped => "skipped",
        }
    }
}

/// A line that a node logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warning`, `error` or `critical`.
    pub level: String,
    /// What it says.
    pub text: String,
}

/// One visit of a node: all that the rest of the run needs to know of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// How it ended.
    pub status: VisitStatus,
    /// What the node took, with placeholders filled in.
    pub inputs: Object,
    /// What it gave.
    pub outputs: Object,
    /// The port by which control left, if the node chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// The variables that it set.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub set: Object,
    /// What it logged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// What is not as its author may think.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// What a person has to decide before the run goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What it left to be seen in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageNote>,
    /// What the walk needs beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// What a visit tells the walk beside the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// A loop goes over these.
    Over(Items),
    /// So many milliseconds pass before control goes on.
    Sleep(u64),
    /// Branches begin; the first that fails ends the others.
    FailFast(bool),
    /// A branch begins for each of these, so many at once.
    Branches {
        /// What they are for.
        items: Vec<Value>,
        /// How many run side by side.
        size: usize,
        /// Whether the first that fails ends the others.
        fail_fast: bool,
    },
    /// A transaction of the workflow goes on.
    Transaction {
        /// Whose it is.
        connection: String,
        /// How.
        what: Transact,
    },
    /// Browsers are now like this.
    Browsers(Vec<BrowserState>),
    /// The branch is connected to this FTP server now, or to none.
    Ftp(Option<FtpPlace>),
}

/// How a transaction of the workflow goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transact {
    /// It begins.
    Begin,
    /// These are part of it.
    Add(Vec<Statement>),
    /// It is over.
    End,
}

impl Next {
    /// The same with other values.
    pub(crate) fn each_value(mut self, change: &mut impl FnMut(&mut Value)) -> Self {
        match &mut self {
            Self::Browsers(states) => {
                for state in states {
                    state.settings.values_mut().for_each(&mut *change);
                    for tab in &mut state.tabs {
                        let mut url = Value::String(std::mem::take(&mut tab.url));
                        change(&mut url);
                        if let Value::String(url) = url {
                            tab.url = url;
                        }
                    }
                }
            }
            Self::Ftp(Some(place)) => place.settings.values_mut().for_each(change),
            Self::Over(Items::Values { values, .. }) | Self::Branches { items: values, .. } => {
                values.iter_mut().for_each(change);
            }
            Self::Transaction {
                what: Transact::Add(statements),
                ..
            } => {
                for statement in statements {
                    change(&mut statement.parameters);
                    let mut sql = Value::String(std::mem::take(&mut statement.sql));
                    change(&mut sql);
                    if let Value::String(sql) = sql {
                        statement.sql = sql;
                    }
                }
            }
            _ => {}
        }
        self
    }
}

/// What a for loop goes over. It is recorded once, when the loop begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Items {
    /// Values, and their keys if they come from a dict.
    Values {
        /// The values.
        values: Vec<Value>,
        /// Their keys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys: Option<Vec<String>>,
    },
    /// Numbers.
    Range {
        /// The first.
        start: i64,
        /// From one to the next.
        step: i64,
        /// How many.
        count: u64,
    },
}

impl Items {
    /// How many there are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Values { values, .. } => values.len() as u64,
            Self::Range { count, .. } => *count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them and its key, from 0.
    pub fn get(&self, index: u64) -> Option<(Value, Value)> {
        if index >= self.len() {
            return None;
        }
        match self {
            Self::Values { values, keys } => {
                let place = usize::try_from(index).ok()?;
                let key = keys.as_ref().and_then(|keys| keys.get(place));
                let key = key.map_or(Value::Null, |key| key.clone().into());
                Some((values.get(place)?.clone(), key))
            }
            Self::Range { start, step, .. } => {
                let item = start.checked_add(step.checked_mul(i64::try_from(index).ok()?)?)?;
                Some((item.into(), Value::Null))
            }
        }
    }
}
