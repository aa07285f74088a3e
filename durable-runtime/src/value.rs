//! The values that survive a crash: outputs of steps and workflows, arguments of workflows.
//!
//! Written as DBOS's portable JSON: compact, in the order of the fields, arguments in an envelope
//! `{"positionalArgs":[...],"namedArgs":{...}}`. Between a type and the database there is only text: a JSON tree in
//! between would round integers that fit neither an `i64` nor a `u64`.

mod arguments;
mod passed;

mod compact;
pub(crate) mod format;
mod pickle;
mod shown;
mod stored;
mod token;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use self::arguments::{Arguments, decode_arguments, encode_arguments};
pub use self::passed::Passed;
use crate::error::{Error, Result};
pub(crate) use format::{Format, PORTABLE_JSON};
pub(crate) use shown::{shown, shown_arguments, shown_error};
pub(crate) use stored::Stored;

/// A value that can be checkpointed: it serializes, deserializes and may move between threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be checkpointed",
    label = "this value has to survive a crash",
    note = "what a step or workflow returns, and what a workflow takes, is stored in the database and read back after a crash",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]`, both of them, to `{Self}` or to the type of yours that is in it; or return owned \
            plain data instead"
)]
// Not with serde's traits as supertraits: the compiler would report those instead of the message above.
pub trait Value: Sized + Send + 'static {
    #[doc(hidden)]
    fn to_text(&self) -> serde_json::Result<String>;
    #[doc(hidden)]
    fn to_raw(&self) -> serde_json::Result<Box<RawValue>>;
    #[doc(hidden)]
    fn from_text(text: &str) -> serde_json::Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Value for T {
    fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn to_raw(&self) -> serde_json::Result<Box<RawValue>> {
        to_raw_value(self)
    }

    fn from_text(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

/// A step, transaction or workflow returns a `Result`.
#[diagnostic::on_unimplemented(
    message = "a step, transaction or workflow must return `Result<T, E>`, not `{Self}`",
    label = "this is not a `Result`",
    note = "what can fail and be retried is an error: write `-> anyhow::Result<{Self}>` and end the body with `Ok(...)`"
)]
pub trait StepResult {
    /// The `T` of `Result<T, E>`.
    type Value;
    /// The `E` of `Result<T, E>`.
    type Error;
}

#[diagnostic::do_not_recommend]
impl<T, E> StepResult for std::result::Result<T, E> {
    type Value = T;
    type Error = E;
}

pub(crate) fn encode<T: Value>(value: &T, what: impl FnOnce() -> String) -> Result<String> {
    value
        .to_text()
        .map_err(|reason| Error::unwritable(what(), &reason))
}

pub(crate) fn decode<T: Value>(text: &str, what: impl FnOnce() -> String) -> Result<T> {
    T::from_text(text).map_err(|reason| Error::unreadable(what(), &reason))
}

#[cfg(test)]
mod tests;
