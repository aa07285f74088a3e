//! Python pickles of plain data, in base64: what the DBOS Python client writes unless it is told otherwise, and calls
//! `py_pickle`.
//!
//! A pickle is a program for a small stack machine that builds Python objects. Here it builds a description of them
//! and calls nothing; what has a form in JSON comes out as JSON text, with the order of dicts and every digit of
//! ints. A pickle that someone made to do harm ends in an error: memory grows with the length of the pickle, the
//! text that comes out is limited, and depth too.

mod input;
mod object;
mod opcode;
mod read;
mod render;
#[cfg(test)]
mod tests;
mod write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::object::{Heap, Id};
use self::render::{Foreign, Text};
pub(crate) use self::write::{write_error, write_value};

/// How deep values may be nested: with the envelope of arguments around them, as deep as serde_json reads.
const MAX_DEPTH: usize = 125;

/// How long ints may be: Python refuses to turn more digits than this from text into an int or back.
const MAX_DIGITS: usize = 4300;

/// Why a pickle could not be read or written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum PickleError {
    /// The text is not base64.
    #[error("it is not a Python pickle in base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// The bytes are no pickle that Python would write.
    #[error("it is not a Python pickle: {reason} at byte {at}")]
    Malformed {
        /// Where the instruction is that cannot be followed.
        at: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It describes an object that is no plain data.
    #[error(
        "it holds {found}, and only plain data can be read from a Python pickle: None, bool, int, finite float, str, list, tuple, set, and dict with str keys; \
         pass plain data, or use the portable serialization"
    )]
    NotPlain {
        /// The object, in words.
        found: String,
    },
    /// The value is not of the shape it must have here.
    #[error("it holds {found} where {expected} must be")]
    Unexpected {
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// It nests too deep, or without end.
    #[error("it holds a value that is nested deeper than {MAX_DEPTH} levels, or inside itself")]
    TooDeep,
    /// It uses its parts so often that its text would fill the memory.
    #[error("its value would be longer than {limit} bytes as JSON")]
    TooLarge {
        /// The most that a pickle of its length may grow to.
        limit: usize,
    },
    /// A document cannot be written as a pickle.
    #[error("it cannot be written as a Python pickle: {reason}")]
    Unwritable {
        /// Why.
        reason: String,
    },
}

impl PickleError {
    fn unwritable(reason: impl ToString) -> Self {
        Self::Unwritable {
            reason: reason.to_string(),
        }
    }
}

/// The value of a pickle as compact JSON text. Tuples and sets become arrays.
///
/// Fails when it holds anything but plain data, and says what.
pub(crate) fn read_value(pickled: &str) -> Result<String, PickleError> {
    let bytes = STANDARD.decode(pickled)?;
    let (heap, value) = read::read(&bytes)?;
    let mut text = Text::new(&heap, Foreign::Refused, limit(&bytes));
    text.object(value)?;
    Ok(text.finish())
}

/// The arguments of a workflow, `{"args": (...), "kwargs": {...}}`, as the envelope of the portable format:
/// `{"positionalArgs":[...],"namedArgs":{...}}`.
///
/// Fails when it holds anything but plain data, and says what.
pub(crate) fn read_arguments(pickled: &str) -> Result<String, PickleError> {
    let bytes = STANDARD.decode(pickled)?;
    let (heap, value) = read::read(&bytes)?;
    let (Some(positional), Some(named)) =
        (heap.member(value, "args"), heap.member(value, "kwargs"))
    else {
        return Err(unexpected(
            &heap,
            value,
            "the arguments of a workflow, a dict with the keys `args` and `kwargs`,",
        ));
    };
    if heap.items(positional).is_none() {
        return Err(unexpected(&heap, positional, "the tuple `args`"));
    }
    if !heap.is_dict(named) {
        return Err(unexpected(&heap, named, "the dict `kwargs`"));
    }
    let mut text = Text::new(&heap, Foreign::Refused, limit(&bytes));
    text.push(r#"{"positionalArgs":"#)?;
    text.object(positional)?;
    text.push(r#","namedArgs":"#)?;
    text.object(named)?;
    text.push("}")?;
    Ok(text.finish())
}

/// The class and the message of a pickled Python exception. The class is without its module.
///
/// The message is the attribute `message` where the pickle carries one, else what the exception is made from: one
/// argument as `str` shows it, many with commas between them. Objects among them are shown as calls of their class.
pub(crate) fn read_error(pickled: &str) -> Result<(String, String), PickleError> {
    let bytes = STANDARD.decode(pickled)?;
    let (heap, value) = read::read(&bytes)?;
    let (Some((_, class)), Some((arguments, state))) = (heap.class(value), heap.made_from(value))
    else {
        return Err(unexpected(&heap, value, "an exception"));
    };
    // A class inside another is named by both.
    let name = class.rsplit('.').next().unwrap_or(class);
    let attribute = state.and_then(|state| heap.member(state, "message"));
    let attribute = attribute.and_then(|message| heap.text(message));
    let arguments = heap.items(arguments).unwrap_or_default();
    let mut text = Text::new(&heap, Foreign::Shown, limit(&bytes));
    match (attribute, arguments) {
        (Some(message), _) => text.push(message)?,
        (None, arguments) => {
            for (index, argument) in arguments.iter().enumerate() {
                if index > 0 {
                    text.push(", ")?;
                }
                match heap.text(*argument) {
                    Some(argument) => text.push(argument)?,
                    None => text.object(*argument)?,
                }
            }
        }
    }
    Ok((name.to_owned(), text.finish()))
}

fn unexpected(heap: &Heap<'_>, found: Id, expected: &'static str) -> PickleError {
    PickleError::Unexpected {
        found: heap.describe(found),
        expected,
    }
}

/// How long the text of a pickle may be. A list of dicts names a key by two bytes after the first time, and JSON
/// by all of its letters; no plain data grows by much more than this.
fn limit(pickle: &[u8]) -> usize {
    pickle.len().saturating_mul(32).saturating_add(16 << 20)
}
