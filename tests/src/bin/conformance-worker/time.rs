//! Times as DBOS writes them.

use anyhow::Context;

/// The same time in UTC, with milliseconds.
pub fn in_milliseconds(time: &str) -> anyhow::Result<String> {
    let time = time.parse::<jiff::Timestamp>();
    let time = time.with_context(|| "this is not a time with its offset from UTC")?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
