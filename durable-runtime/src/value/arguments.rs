//! The arguments of a workflow, from types to text and back.

use serde_json::value::RawValue;

use super::compact::compact;
use super::{Passed, Value};
use crate::error::{Error, Result};

/// The arguments of a workflow: a tuple of values, or, of a raw workflow, [`Passed`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a workflow",
    label = "a workflow takes at most twelve arguments, each of them a `Value`",
    note = "put arguments that belong together into a struct",
    note = "the one parameter of a `#[workflow(raw)]` is a `durable_runtime::Passed`"
)]
pub trait Arguments: Sized + Send + 'static {
    /// As they are written.
    fn into_passed(self) -> serde_json::Result<Passed>;
    /// From what was passed by position, and by name.
    fn from_received(received: &mut Received<'_>) -> Result<Self>;
}

/// The arguments that a workflow was started with, before they have types.
#[derive(Debug)]
pub struct Received<'p> {
    positional: std::vec::IntoIter<Box<RawValue>>,
    named: Vec<(String, Box<RawValue>)>,
    parameters: std::slice::Iter<'p, &'static str>,
    workflow: &'static str,
}

impl Received<'_> {
    fn next<T: Value>(&mut self) -> Result<T> {
        let name = self.parameters.next().copied().unwrap_or("argument");
        // What was not passed is null: an `Option` parameter may be left out, as in other languages' SDKs.
        let given = self.positional.next().or_else(|| self.take_named(name));
        let text = given.as_deref().map_or("null", RawValue::get);
        T::from_text(text).map_err(|reason| {
            let reason = match given {
                Some(_) => reason.to_string(),
                None => "it was not passed".to_owned(),
            };
            Error::Format {
                what: format!("argument `{name}` of workflow `{}`", self.workflow),
                direction: "read",
                reason,
            }
        })
    }

    fn take_named(&mut self, name: &str) -> Option<Box<RawValue>> {
        let index = self.named.iter().position(|(given, _)| given == name)?;
        Some(self.named.remove(index).1)
    }

    fn finish(&mut self) -> Result<()> {
        let named = self.named.iter().map(|(name, _)| format!("`{name}`"));
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
    arguments
        .into_passed()
        .and_then(|passed| serde_json::to_string(&passed))
        .map_err(|reason| {
            Error::unwritable(format!("the arguments of workflow `{workflow}`"), &reason)
        })
}

pub(crate) fn decode_arguments<A: Arguments>(
    text: &str,
    parameters: &[&'static str],
    workflow: &'static str,
) -> Result<A> {
    let passed = Passed::read(text).map_err(|reason| {
        Error::unreadable(format!("the arguments of workflow `{workflow}`"), &reason)
    })?;
    let mut received = Received {
        positional: passed.positional.into_iter(),
        named: passed.named,
        parameters: parameters.iter(),
        workflow,
    };
    let arguments = A::from_received(&mut received)?;
    received.finish()?;
    Ok(arguments)
}

impl Arguments for Passed {
    fn into_passed(self) -> serde_json::Result<Passed> {
        Ok(self)
    }

    fn from_received(received: &mut Received<'_>) -> Result<Self> {
        let compacted = |value: Box<RawValue>| {
            let text = compact(value.get()).and_then(RawValue::from_string);
            text.map_err(|reason| {
                let what = format!("the arguments of workflow `{}`", received.workflow);
                Error::unreadable(what, &reason)
            })
        };
        let positional = received.positional.by_ref().map(compacted);
        let positional = positional.collect::<Result<_>>()?;
        let named = std::mem::take(&mut received.named).into_iter();
        let named = named.map(|(name, value)| Ok((name, compacted(value)?)));
        Ok(Self {
            positional,
            named: named.collect::<Result<_>>()?,
        })
    }
}

macro_rules! arguments {
    ($($type:ident),*) => {
        impl<$($type: Value),*> Arguments for ($($type,)*) {
            #[allow(non_snake_case)]
            fn into_passed(self) -> serde_json::Result<Passed> {
                let ($($type,)*) = self;
                Ok(Passed::new(vec![$($type.to_raw()?),*], []))
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
