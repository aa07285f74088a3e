//! How much a model takes at once, and how often its service may be asked.

use std::time::Duration;

/// What one call of a model gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// A vector of length one for each text, in the texts' order.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens the model says it has read, which is what a bill counts.
    pub tokens: Option<u64>,
}

/// How much goes into one call. A durable step makes one call, so this is also what a crash repeats at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// Texts.
    pub texts: usize,
    /// Word pieces of all texts together. A text that has more goes alone.
    pub tokens: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self {
            texts: 128,
            tokens: usize::MAX,
        }
    }
}

/// The most that may be sent to a service in any stretch of time of the length of `period`, by all workers of a
/// database together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub requests: Option<u32>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// The length of the stretch.
    pub period: Duration,
}

impl Rate {
    /// Whether anything is limited.
    pub fn is_limited(&self) -> bool {
        self.requests.is_some() || self.tokens.is_some()
    }
}

impl Default for Rate {
    /// No limit; those that are set later hold for a minute.
    fn default() -> Self {
        Self {
            requests: None,
            tokens: None,
            period: Duration::from_secs(60),
        }
    }
}

/// How a service is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How often.
    pub rate: Rate,
    /// The longest that a call takes before it is given up.
    pub timeout: Duration,
}
