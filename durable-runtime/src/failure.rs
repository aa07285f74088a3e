//! Which error types steps and workflows may return, and how each is checkpointed.

use std::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::error::{Error, ErrorRecord, StoreError};

/// An error that can be checkpointed: `anyhow::Error`, `Box<dyn Error + Send + Sync>`, [`Error`], or a type of your
/// own that is an error, serializes both ways and can hold an [`Error`].
///
/// `Kind` only keeps the implementations apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a step, transaction or workflow",
    label = "this error cannot be checkpointed",
    note = "use `anyhow::Error`, `durable_runtime::Error`, or a type of your own that implements `std::error::Error`, `serde::Serialize` and \
            `serde::Deserialize`",
    note = "a type of your own also holds what the runtime reports: add the variant `#[error(transparent)] Durable(#[from] durable_runtime::Error)`"
)]
pub trait DurableError<Kind>: Sized + Send + 'static {
    /// What is written.
    fn into_record(self) -> ErrorRecord;
    /// What a written error is read as.
    fn from_record(record: ErrorRecord) -> Self;
    /// What an error of the runtime is returned as.
    fn from_runtime(error: Error) -> Self;
    /// True when it tells that the database broke a transaction off in favour of another: run again, it may succeed.
    fn is_broken_off(&self) -> bool;
    /// The error itself, its type forgotten.
    fn as_error(&self) -> &(dyn std::error::Error + 'static);
}

/// Error types with fields of their own.
#[derive(Debug)]
pub enum Typed {}
/// `anyhow::Error`.
#[derive(Debug)]
pub enum Anyhow {}
/// `Box<dyn std::error::Error + Send + Sync>`.
#[derive(Debug)]
pub enum Boxed {}

#[diagnostic::do_not_recommend]
impl<E> DurableError<Typed> for E
where
    E: std::error::Error + Serialize + DeserializeOwned + From<Error> + Send + 'static,
{
    fn into_record(self) -> ErrorRecord {
        if let Some(error) = (&self as &dyn Any).downcast_ref::<Error>() {
            return error.to_record();
        }
        let data = serde_json::to_value(&self).unwrap_or(Json::Null);
        ErrorRecord::new(short_type_name::<E>(), self.to_string()).data(data)
    }

    fn from_record(record: ErrorRecord) -> Self {
        // The name tells whose data it is: that of another error may happen to fit this type.
        if record.name == short_type_name::<E>()
            && let Ok(error) = serde_json::from_value(record.data.clone())
        {
            return error;
        }
        Self::from(Error::from_record(record))
    }

    fn from_runtime(error: Error) -> Self {
        Self::from(error)
    }

    fn is_broken_off(&self) -> bool {
        broken_off_in_chain(chain(self))
    }

    fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        self
    }
}

#[diagnostic::do_not_recommend]
impl DurableError<Anyhow> for anyhow::Error {
    fn into_record(self) -> ErrorRecord {
        let message = format!("{self:#}");
        record_in_chain(self.chain(), message)
    }

    fn from_record(record: ErrorRecord) -> Self {
        Self::from_runtime(Error::from_record(record))
    }

    fn from_runtime(error: Error) -> Self {
        match error {
            Error::Failed(record) => anyhow::Error::new(record),
            error => anyhow::Error::new(error),
        }
    }

    fn is_broken_off(&self) -> bool {
        broken_off_in_chain(self.chain())
    }

    fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        self.as_ref()
    }
}

#[diagnostic::do_not_recommend]
impl DurableError<Boxed> for Box<dyn std::error::Error + Send + Sync> {
    fn into_record(self) -> ErrorRecord {
        let message = self.to_string();
        record_in_chain(chain(self.as_ref()), message)
    }

    fn from_record(record: ErrorRecord) -> Self {
        Self::from_runtime(Error::from_record(record))
    }

    fn from_runtime(error: Error) -> Self {
        match error {
            Error::Failed(record) => Box::new(record),
            error => Box::new(error),
        }
    }

    fn is_broken_off(&self) -> bool {
        broken_off_in_chain(chain(self.as_ref()))
    }

    fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        self.as_ref()
    }
}

/// An error and what it wraps, outermost first.
fn chain<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// True when one of them is the driver's report of a transaction that the database broke off.
fn broken_off_in_chain<'e>(
    mut chain: impl Iterator<Item = &'e (dyn std::error::Error + 'static)>,
) -> bool {
    chain.any(|error| {
        error
            .downcast_ref::<sqlx::Error>()
            .is_some_and(StoreError::breaks_off)
    })
}

/// The record of an untyped error: name, code and data of the record or runtime error it wraps, if it wraps one, so
/// that an error raised again is written again as what it was; `message` otherwise.
fn record_in_chain<'e>(
    chain: impl Iterator<Item = &'e (dyn std::error::Error + 'static)>,
    message: String,
) -> ErrorRecord {
    for error in chain {
        let known = error
            .downcast_ref::<ErrorRecord>()
            .cloned()
            .or_else(|| error.downcast_ref::<Error>().map(Error::to_record));
        if let Some(record) = known {
            return ErrorRecord { message, ..record };
        }
    }
    ErrorRecord::new("Error", message)
}

fn short_type_name<T>() -> &'static str {
    let full = std::any::type_name::<T>();
    let head = full.split('<').next().unwrap_or(full);
    head.rsplit("::").next().unwrap_or(head)
}

/// What is known about one error type, with its kind forgotten.
#[derive(Debug)]
pub struct ErrorCodec<E> {
    pub(crate) into_record: fn(E) -> ErrorRecord,
    pub(crate) from_record: fn(ErrorRecord) -> E,
    pub(crate) from_runtime: fn(Error) -> E,
    pub(crate) is_broken_off: fn(&E) -> bool,
}

impl<E> Clone for ErrorCodec<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorCodec<E> {}

/// The conversions of `E`.
#[must_use]
pub fn error_codec<E: DurableError<Kind>, Kind>() -> ErrorCodec<E> {
    ErrorCodec {
        into_record: E::into_record,
        from_record: E::from_record,
        from_runtime: E::from_runtime,
        is_broken_off: E::is_broken_off,
    }
}
