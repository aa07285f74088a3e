//! Waits that survive a crash: when they end is recorded before they begin.

use std::time::Duration;

use super::Operation;
use crate::clock;
use crate::engine::milliseconds;

/// The name under which the end of a wait is recorded.
pub(crate) const SLEEP: &str = "DBOS.sleep";

/// What a wait is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For the time to pass. Its record counts as completed when it ends.
    Sleep,
    /// At most, for something to be written. Its record is complete at once.
    Timeout,
}

/// When a wait ends, in milliseconds since the Unix epoch: as recorded, on a replay; else `duration` from now, which is
/// handed over to be recorded.
pub(crate) async fn wake_time(operation: &Operation, duration: Duration, wait: Wait) -> i64 {
    if let Some(row) = operation.recorded().await {
        let time = row.output.as_deref().and_then(read);
        // A record without a time was not written by a wait: then it is over.
        return time.unwrap_or_else(clock::now_ms);
    }
    let now = clock::now_ms();
    let end = now.saturating_add(milliseconds(duration));
    let mut step = operation.step(now);
    step.output = Some(write(end));
    if wait == Wait::Sleep {
        step.completed_at = end;
    }
    operation.record(step);
    end
}

/// As DBOS writes it: seconds, with a fraction.
fn write(milliseconds: i64) -> String {
    serde_json::Value::from(milliseconds as f64 / 1000.0).to_string()
}

/// Python writes seconds; other SDKs write milliseconds, which would be seconds of a year far away.
fn read(text: &str) -> Option<i64> {
    const LATEST_SECOND: f64 = 1e11;
    let time: f64 = serde_json::from_str(text).ok()?;
    let milliseconds = match time < LATEST_SECOND {
        true => time * 1000.0,
        false => time,
    };
    Some(milliseconds.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn a_wake_time_is_written_in_seconds_and_read_back() {
        assert_eq!(write(1_795_292_001_933), "1795292001.933");
        assert_eq!(write(1_795_292_001_000), "1795292001.0");
        assert_eq!(read("1795292001.933"), Some(1_795_292_001_933));
        assert_eq!(read("1795292001.9336476"), Some(1_795_292_001_934));
    }

    #[test]
    fn a_wake_time_in_milliseconds_is_understood() {
        assert_eq!(read("1795292001933"), Some(1_795_292_001_933));
    }
}
