//! The arguments of a raw workflow.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// All arguments of a workflow as they were passed: what a `#[workflow(raw)]` takes instead of parameters with types.
///
/// Each is the JSON text that the caller wrote, without the spaces between its parts, so that no digit of a number and
/// no order of keys is lost. Serialized it is the envelope that the database holds,
/// `{"positionalArgs":[...],"namedArgs":{...}}`.
///
/// ```
/// use durable_runtime::{Passed, prelude::*};
/// use serde_json::value::{RawValue, to_raw_value};
///
/// #[workflow(raw)]
/// async fn first(_ctx: WorkflowContext, arguments: Passed) -> anyhow::Result<Option<Box<RawValue>>> {
///     Ok(arguments.positional.into_iter().next())
/// }
///
/// # async fn outside(durable: Durable) -> anyhow::Result<()> {
/// let arguments = Passed::new([to_raw_value("a")?], [("depth".to_owned(), to_raw_value(&3)?)]);
/// let first = first(&durable, arguments).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, Serialize)]
pub struct Passed {
    /// Those passed by position.
    #[serde(rename = "positionalArgs")]
    pub positional: Vec<Box<RawValue>>,
    /// Those passed by name, in the order in which they came. Of a name that came twice only the last value is read.
    #[serde(rename = "namedArgs", serialize_with = "in_order")]
    pub named: Vec<(String, Box<RawValue>)>,
}

impl Passed {
    /// Arguments by position and by name.
    pub fn new(
        positional: impl IntoIterator<Item = Box<RawValue>>,
        named: impl IntoIterator<Item = (String, Box<RawValue>)>,
    ) -> Self {
        Self {
            positional: positional.into_iter().collect(),
            named: named.into_iter().collect(),
        }
    }

    /// Reads the envelope. Either part may be missing or null; what else is in it is not looked at.
    pub(super) fn read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(|Envelope(passed)| passed)
    }
}

fn in_order<S: Serializer>(
    named: &[(String, Box<RawValue>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(named.iter().map(|(name, value)| (name, value)))
}

/// Not `Deserialize` of `Passed` itself: that would make it a value, and a workflow that forgot to be `raw` would wait
/// for an envelope inside the envelope.
struct Envelope(Passed);

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Envelope;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"`{"positionalArgs":[...],"namedArgs":{...}}`"#)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
                let mut passed = Passed::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "positionalArgs" => {
                            passed.positional = map.next_value::<Option<_>>()?.unwrap_or_default();
                        }
                        "namedArgs" => {
                            let named: Option<Named> = map.next_value()?;
                            passed.named = named.unwrap_or_default().0;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Envelope(passed))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// The entries of an object in their order; one that comes again gets the last value, in the first one's place.
#[derive(Default)]
struct Named(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of arguments by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut named: Vec<(String, Box<RawValue>)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    let place = *places.entry(name.clone()).or_insert(named.len());
                    match named.get_mut(place) {
                        Some(entry) => entry.1 = value,
                        None => named.push((name, value)),
                    }
                }
                Ok(Named(named))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
