//! What a call puts beside its checkpoint: a value under a name.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::store::Payload;
use crate::value::PORTABLE_JSON;

/// A value as it is written. `what` is for the message of an error.
pub(crate) fn payload<V: Serialize + ?Sized>(
    value: &V,
    what: impl FnOnce() -> String,
) -> Result<Payload> {
    let text = serde_json::to_string(value).map_err(|reason| Error::unwritable(what(), &reason))?;
    Ok(Payload {
        text,
        format: PORTABLE_JSON.into(),
    })
}

/// A key, topic or id, which both databases can hold.
pub(crate) fn plain(what: &str, text: &str) -> Result<String> {
    if text.contains('\0') {
        let text = text.escape_default();
        return Err(Error::Misuse(format!(
            "{what} `{text}` holds a NUL character, which PostgreSQL cannot store"
        )));
    }
    Ok(text.to_owned())
}
