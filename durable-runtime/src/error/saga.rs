use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Error, ErrorRecord};
use crate::failure::DurableError;

/// The name under which the outcome of a child is recorded.
const GET_RESULT: &str = "DBOS.getResult";

/// A saga failed: what it failed with, what was undone, and what could not be undone.
///
/// Its text tells about the undoing; its [`source`](StdError::source) is what the saga failed with, so that
/// `anyhow` prints both with `{:#}`.
#[derive(Clone)]
#[non_exhaustive]
pub struct SagaError<E> {
    /// What the body of the saga failed with.
    pub cause: E,
    /// The undos that succeeded, in the order in which they ran: the newest first.
    pub undone: Vec<Undo>,
    /// The undos that failed, in the order in which they ran. What they should have undone is still there.
    pub not_undone: Vec<NotUndone>,
    view: fn(&E) -> &(dyn StdError + 'static),
}

/// One undo of a saga that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Undo {
    /// The names of the durable calls that it made, in order.
    pub calls: Vec<String>,
    /// The number of the first of these calls within the workflow. A fork from here runs it again, and the undos
    /// after it.
    pub position: Option<u32>,
    /// Where it was given to the saga: `file:line:column`.
    pub location: String,
}

/// One undo of a saga that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotUndone {
    /// Which one it is.
    pub undo: Undo,
    /// What it failed with.
    pub error: ErrorRecord,
}

impl Undo {
    pub(crate) fn new(calls: Vec<(i32, String)>, location: String) -> Self {
        let first = calls.first().map(|(position, _)| *position);
        let names = calls.into_iter().map(|(_, name)| name);
        Self {
            position: first.and_then(|position| u32::try_from(position).ok()),
            // The wait for a child is part of its call.
            calls: names.filter(|name| name != GET_RESULT).collect(),
            location,
        }
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls.as_slice() {
            [] => write!(f, "the undo at {}", self.location),
            [first, rest @ ..] => {
                write!(f, "`{first}`")?;
                rest.iter().try_for_each(|call| write!(f, " + `{call}`"))
            }
        }
    }
}

impl fmt::Display for NotUndone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { undo, error } = self;
        write!(f, "{undo} failed with: {error}")?;
        match undo.position {
            Some(position) => write!(f, " (position {position}, {})", undo.location),
            None if undo.calls.is_empty() => Ok(()),
            None => write!(f, " ({})", undo.location),
        }
    }
}

impl<E> fmt::Display for SagaError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undone = listed(&self.undone, ", ");
        match (self.not_undone.as_slice(), self.undone.as_slice()) {
            ([], []) => f.write_str("a saga failed before there was anything to undo"),
            ([], _) => write!(f, "a saga failed and was undone ({undone})"),
            (failed, undone_too) => {
                let failed = listed(failed, "; ");
                write!(f, "a saga failed and could not be undone: {failed}")?;
                if !undone_too.is_empty() {
                    write!(f, "; undone: {undone}")?;
                }
                Ok(())
            }
        }
    }
}

fn listed(items: &[impl fmt::Display], separator: &str) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(separator)
}

impl<E: fmt::Debug> fmt::Debug for SagaError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaError")
            .field("cause", &self.cause)
            .field("undone", &self.undone)
            .field("not_undone", &self.not_undone)
            .finish_non_exhaustive()
    }
}

impl<E: fmt::Debug> StdError for SagaError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some((self.view)(&self.cause))
    }
}

impl<E> SagaError<E> {
    pub(crate) fn new<Kind>(cause: E, undone: Vec<Undo>, not_undone: Vec<NotUndone>) -> Self
    where
        E: DurableError<Kind>,
    {
        Self {
            cause,
            undone,
            not_undone,
            view: E::as_error,
        }
    }

    /// As an error of the body's own type: the cause itself when everything was undone; otherwise what
    /// [`Error::NotUndone`] is in that type, with the cause in it.
    pub fn into_own<Kind>(self) -> E
    where
        E: DurableError<Kind>,
    {
        if self.not_undone.is_empty() {
            return self.cause;
        }
        E::from_runtime(Error::NotUndone(Box::new(SagaError::recorded(
            self.cause.into_record(),
            self.undone,
            self.not_undone,
        ))))
    }
}

impl SagaError<ErrorRecord> {
    fn recorded(cause: ErrorRecord, undone: Vec<Undo>, not_undone: Vec<NotUndone>) -> Self {
        Self {
            cause,
            undone,
            not_undone,
            view: |cause| cause,
        }
    }

    /// What is written of it beside its text.
    pub(super) fn to_data(&self) -> serde_json::Value {
        serde_json::json!({
            "cause": self.cause,
            "undone": self.undone,
            "not_undone": self.not_undone,
        })
    }

    pub(super) fn from_data(data: &serde_json::Value) -> Option<Self> {
        Some(Self::recorded(
            Deserialize::deserialize(data.get("cause")?).ok()?,
            Deserialize::deserialize(data.get("undone")?).ok()?,
            Deserialize::deserialize(data.get("not_undone")?).ok()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo(position: i32, name: &str) -> Undo {
        Undo::new(vec![(position, name.to_owned())], "trip.rs:9:22".to_owned())
    }

    fn failed(undo: Undo) -> NotUndone {
        let error = ErrorRecord::new("Error", "no answer");
        NotUndone { undo, error }
    }

    fn error(undone: Vec<Undo>, not_undone: Vec<NotUndone>) -> SagaError<ErrorRecord> {
        SagaError::recorded(ErrorRecord::new("Error", "declined"), undone, not_undone)
    }

    #[test]
    fn the_text_says_what_was_undone_and_what_was_not() {
        let nothing = error(vec![], vec![]);
        let all = error(vec![undo(4, "b"), undo(5, "a")], vec![]);
        let some = error(vec![undo(5, "a")], vec![failed(undo(4, "b"))]);
        let none = error(
            vec![],
            vec![failed(Undo::new(vec![], "trip.rs:9:22".into()))],
        );
        let texts = [nothing, all, some, none].map(|error| error.to_string());
        assert_eq!(
            texts,
            [
                "a saga failed before there was anything to undo",
                "a saga failed and was undone (`b`, `a`)",
                "a saga failed and could not be undone: `b` failed with: no answer \
                 (position 4, trip.rs:9:22); undone: `a`",
                "a saga failed and could not be undone: the undo at trip.rs:9:22 failed with: \
                 no answer",
            ]
        );
    }

    #[test]
    fn the_cause_is_the_source() {
        let error = anyhow::Error::new(error(vec![undo(4, "b")], vec![]));
        assert_eq!(
            format!("{error:#}"),
            "a saga failed and was undone (`b`): declined"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let error = error(vec![undo(5, "a")], vec![failed(undo(4, "b"))]);
        let error = Error::NotUndone(Box::new(error));
        let read = Error::from_record(error.to_record());
        assert!(matches!(read, Error::NotUndone(_)), "{read:?}");
        assert_eq!(read.to_record(), error.to_record());
    }

    #[test]
    fn all_undone_it_is_the_cause_and_otherwise_it_tells_what_is_left() {
        let whole = |not_undone| {
            SagaError::new(Error::Misuse("declined".into()), vec![], not_undone).into_own()
        };
        assert!(matches!(whole(vec![]), Error::Misuse(_)));
        let error = whole(vec![failed(undo(4, "b"))]);
        assert_eq!(
            error.to_string(),
            "a saga failed and could not be undone: `b` failed with: no answer \
             (position 4, trip.rs:9:22); the saga itself had failed with: declined"
        );
    }
}
