//! The formats that values stand in the database in. This crate writes portable JSON; where a row came in Python's
//! format, it is answered in kind.

use serde_json::value::RawValue;

use super::compact::compact;
use super::pickle;
use crate::error::ErrorRecord;

/// The name of the format in the `serialization` columns.
pub(crate) const PORTABLE_JSON: &str = "portable_json";
const PY_PICKLE: &str = "py_pickle";

/// A format that this crate can write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    PortableJson,
    /// Base64 of a pickle, as Python's SDK writes unless it is told otherwise.
    PyPickle,
}

/// A value stands in a format, or in a form, that cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

impl Format {
    /// The format of a text. Without a name it is that of whoever wrote it, and shows by itself.
    fn of(serialization: Option<&str>, text: &str) -> Result<Self, Unreadable> {
        match serialization {
            Some(PORTABLE_JSON) => Ok(Self::PortableJson),
            Some(PY_PICKLE) => Ok(Self::PyPickle),
            None if looks_pickled(text) => Ok(Self::PyPickle),
            None => Ok(Self::PortableJson),
            Some(other) => Err(Unreadable(format!(
                "it is in the format `{other}`; only `{PORTABLE_JSON}` and plain data in `{PY_PICKLE}` can be read"
            ))),
        }
    }

    /// The format to answer in.
    pub(crate) fn of_answer(serialization: Option<&str>, input: Option<&str>) -> Self {
        Self::of(serialization, input.unwrap_or_default()).unwrap_or_default()
    }

    /// An output, from portable JSON.
    pub(crate) fn write_value(self, json: &str) -> Result<String, Unreadable> {
        match self {
            Self::PortableJson => Ok(json.to_owned()),
            Self::PyPickle => {
                pickle::write_value(json).map_err(|error| Unreadable(error.to_string()))
            }
        }
    }

    /// An error, from its record.
    pub(crate) fn write_error(self, record: &str) -> String {
        match self {
            Self::PortableJson => record.to_owned(),
            Self::PyPickle => pickle::write_error(&ErrorRecord::from_json(record).message),
        }
    }
}

/// Every pickle of protocol 2 and later begins with the same byte, which makes `gA` in base64; JSON never does.
fn looks_pickled(text: &str) -> bool {
    text.starts_with("gA")
}

/// A value, as portable JSON.
pub(crate) fn read_value(serialization: Option<&str>, text: &str) -> Result<String, Unreadable> {
    match Format::of(serialization, text)? {
        Format::PortableJson => tidy(text),
        Format::PyPickle => pickle::read_value(text).map_err(|error| Unreadable(error.to_string())),
    }
}

/// An error, as the text of its record.
pub(crate) fn read_error_text(
    serialization: Option<&str>,
    text: &str,
) -> Result<String, Unreadable> {
    match Format::of(serialization, text)? {
        Format::PortableJson => Ok(text.to_owned()),
        Format::PyPickle => match pickle::read_error(text) {
            Ok((name, message)) => Ok(ErrorRecord::new(name, message).to_json()),
            Err(error) => Err(Unreadable(error.to_string())),
        },
    }
}

/// An error, as the record of it. One that cannot be read is told as it stands.
pub(crate) fn read_error(serialization: Option<&str>, text: &str) -> ErrorRecord {
    let json = read_error_text(serialization, text);
    ErrorRecord::from_json(json.as_deref().unwrap_or(text))
}

/// The arguments of a workflow, as the envelope of portable JSON.
pub(crate) fn read_arguments(
    serialization: Option<&str>,
    text: &str,
) -> Result<String, Unreadable> {
    match Format::of(serialization, text)? {
        Format::PyPickle => {
            pickle::read_arguments(text).map_err(|error| Unreadable(error.to_string()))
        }
        Format::PortableJson if serialization.is_some() => tidy(text),
        Format::PortableJson => tidy(from_schedule(text).as_deref().unwrap_or(text)),
    }
}

/// The same JSON without the spaces and escapes that some writers put: what is kept as text is written on without.
fn tidy(text: &str) -> Result<String, Unreadable> {
    if text.contains([' ', '\n', '\t', '\r', '\\']) {
        return compact(text).map_err(|error| Unreadable(error.to_string()));
    }
    Ok(text.to_owned())
}

/// Schedules write the arguments of their runs in another envelope, `{"args":[...],"kwargs":{...}}`.
fn from_schedule(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Scheduled<'t> {
        #[serde(borrow)]
        args: &'t RawValue,
        #[serde(borrow)]
        kwargs: Option<&'t RawValue>,
    }
    let scheduled: Scheduled<'_> = serde_json::from_str(text).ok()?;
    let named = scheduled.kwargs.map_or("{}", RawValue::get);
    let positional = scheduled.args.get();
    Some(format!(
        r#"{{"positionalArgs":{positional},"namedArgs":{named}}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::{Format, read_arguments, read_error, read_value};

    #[test]
    fn arguments_are_read_from_every_envelope() {
        let portable = r#"{"positionalArgs":[1],"namedArgs":{}}"#;
        assert_eq!(
            read_arguments(Some("portable_json"), portable).unwrap(),
            portable
        );
        assert_eq!(
            read_arguments(None, r#"{"args":[1],"kwargs":{}}"#).unwrap(),
            portable
        );
        let pickled = "gASVGwAAAAAAAAB9lCiMBGFyZ3OUSwGFlIwGa3dhcmdzlH2UdS4=";
        assert_eq!(
            read_arguments(Some("py_pickle"), pickled).unwrap(),
            portable
        );
        assert_eq!(read_arguments(None, pickled).unwrap(), portable);
    }

    #[test]
    fn an_unknown_format_is_named() {
        let error = read_value(Some("js_superjson"), "1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("`js_superjson`"), "{error}");
    }

    #[test]
    fn a_pickled_row_is_answered_in_kind() {
        let format = Format::of_answer(Some("py_pickle"), None);
        let output = format.write_value("[1,\"x\"]").unwrap();
        assert_eq!(read_value(Some("py_pickle"), &output).unwrap(), "[1,\"x\"]");
        let error = format.write_error(r#"{"name":"MyErr","message":"boom","code":null}"#);
        assert_eq!(read_error(Some("py_pickle"), &error).message, "boom");
    }
}
