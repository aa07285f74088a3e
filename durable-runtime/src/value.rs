//! The values that survive a crash: outputs of steps and workflows, arguments of workflows.
//!
//! Written as DBOS's portable JSON: compact, in the order of the fields, arguments in an envelope
//! `{"positionalArgs":[...],"namedArgs":{...}}`.

mod compact;
mod pickle;
mod token;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::error::{Error, Result};

/// The name of the format in the `serialization` columns.
pub(crate) const PORTABLE_JSON: &str = "portable_json";

/// A value that can be checkpointed: it serializes, deserializes and may move between threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be checkpointed",
    label = "this value has to survive a crash",
    note = "what a step or workflow returns, and what a workflow takes, is stored in the database and read back after a crash",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`, or return owned plain data instead"
)]
// Not with serde's traits as supertraits: the compiler would report those instead of the message above.
pub trait Value: Sized + Send + 'static {
    #[doc(hidden)]
    fn to_text(&self) -> serde_json::Result<String>;
    #[doc(hidden)]
    fn to_json(&self) -> serde_json::Result<Json>;
    #[doc(hidden)]
    fn from_text(text: &str) -> serde_json::Result<Self>;
    #[doc(hidden)]
    fn from_json(json: Json) -> serde_json::Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Value for T {
    fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn to_json(&self) -> serde_json::Result<Json> {
        serde_json::to_value(self)
    }

    fn from_text(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    fn from_json(json: Json) -> serde_json::Result<Self> {
        serde_json::from_value(json)
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

/// A value whose row does not tell its format, as portable JSON: it is JSON already, or a Python pickle of plain data.
pub(crate) fn of_unknown_format(text: &str) -> Result<String, String> {
    compact::compact(text)
        .or_else(|_| pickle::read_value(text))
        .map_err(|error| {
            format!("it is no JSON, and as a pickle of Python it cannot be read: {error}")
        })
}

/// The arguments of a workflow: a tuple of values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a workflow",
    label = "a workflow takes at most twelve arguments, each of them a `Value`",
    note = "put arguments that belong together into a struct"
)]
pub trait Arguments: Sized + Send + 'static {
    /// As `positionalArgs`.
    fn into_positional(self) -> serde_json::Result<Vec<Json>>;
    /// From `positionalArgs`, and by name from `namedArgs`.
    fn from_received(received: &mut Received<'_>) -> Result<Self>;
}

/// The arguments that a workflow was started with, before they have types.
#[derive(Debug)]
pub struct Received<'p> {
    positional: std::vec::IntoIter<Json>,
    named: Map<String, Json>,
    parameters: std::slice::Iter<'p, &'static str>,
    workflow: &'static str,
}

impl Received<'_> {
    fn next<T: Value>(&mut self) -> Result<T> {
        let name = self.parameters.next().copied().unwrap_or("argument");
        // What was not passed is null: an `Option` parameter may be left out, as in other languages' SDKs.
        let given = self.positional.next().or_else(|| self.named.remove(name));
        let missing = given.is_none();
        T::from_json(given.unwrap_or(Json::Null)).map_err(|reason| {
            let reason = if missing {
                "it was not passed".to_owned()
            } else {
                reason.to_string()
            };
            Error::Format {
                what: format!("argument `{name}` of workflow `{}`", self.workflow),
                direction: "read",
                reason,
            }
        })
    }

    fn finish(&mut self) -> Result<()> {
        let named = self.named.keys().map(|name| format!("`{name}`"));
        let surplus: Vec<_> = self
            .positional
            .by_ref()
            .map(|value| value.to_string())
            .chain(named)
            .collect();
        if surplus.is_empty() {
            return Ok(());
        }
        Err(Error::Format {
            what: format!("the arguments of workflow `{}`", self.workflow),
            direction: "read",
            reason: format!(
                "more were passed than it takes, or one twice: {}",
                surplus.join(", ")
            ),
        })
    }
}

pub(crate) fn encode_arguments<A: Arguments>(arguments: A, workflow: &str) -> Result<String> {
    let positional = arguments.into_positional().map_err(|reason| {
        Error::unwritable(format!("the arguments of workflow `{workflow}`"), &reason)
    })?;
    let mut envelope = Map::new();
    envelope.insert("positionalArgs".to_owned(), Json::Array(positional));
    envelope.insert("namedArgs".to_owned(), Json::Object(Map::new()));
    encode(&envelope, || {
        format!("the arguments of workflow `{workflow}`")
    })
}

pub(crate) fn decode_arguments<A: Arguments>(
    text: &str,
    parameters: &[&'static str],
    workflow: &'static str,
) -> Result<A> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope {
        // The second names are those that Python's serializers use for arguments of their own format.
        #[serde(alias = "args")]
        positional_args: Option<Vec<Json>>,
        #[serde(alias = "kwargs")]
        named_args: Option<Map<String, Json>>,
    }
    let envelope: Envelope = serde_json::from_str(text).map_err(|reason| {
        Error::unreadable(format!("the arguments of workflow `{workflow}`"), &reason)
    })?;
    let mut received = Received {
        positional: envelope.positional_args.unwrap_or_default().into_iter(),
        named: envelope.named_args.unwrap_or_default(),
        parameters: parameters.iter(),
        workflow,
    };
    let arguments = A::from_received(&mut received)?;
    received.finish()?;
    Ok(arguments)
}

macro_rules! arguments {
    ($($type:ident),*) => {
        impl<$($type: Value),*> Arguments for ($($type,)*) {
            #[allow(non_snake_case)]
            fn into_positional(self) -> serde_json::Result<Vec<Json>> {
                let ($($type,)*) = self;
                Ok(vec![$($type.to_json()?),*])
            }

            #[allow(unused_variables)]
            fn from_received(received: &mut Received<'_>) -> Result<Self> {
                Ok(($(received.next::<$type>()?,)*))
            }
        }
    };
}

arguments!();
arguments!(A);
arguments!(A, B);
arguments!(A, B, C);
arguments!(A, B, C, D);
arguments!(A, B, C, D, F);
arguments!(A, B, C, D, F, G);
arguments!(A, B, C, D, F, G, H);
arguments!(A, B, C, D, F, G, H, I);
arguments!(A, B, C, D, F, G, H, I, J);
arguments!(A, B, C, D, F, G, H, I, J, K);
arguments!(A, B, C, D, F, G, H, I, J, K, L);
arguments!(A, B, C, D, F, G, H, I, J, K, L, M);
