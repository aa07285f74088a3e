//! The one place that reads a clock or waits for one, so that a simulation can take time over.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time of this process, which no change of the system's clock moves.
pub(crate) use tokio::time::Instant;

/// Now, for measuring how long something takes.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch: the unit of every time column of the database.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

/// How long it is until a time, given in milliseconds since the Unix epoch; nothing when it has passed.
pub(crate) fn until(time: i64) -> Duration {
    let left = time.saturating_sub(now_ms());
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// Waits. Not durable: only for waits that a crash may forget.
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits until a time, in milliseconds since the Unix epoch. The wall clock decides: it is looked at again when it was
/// set, or the machine slept.
pub(crate) async fn sleep_until(time_ms: i64) {
    const LOOK: Duration = Duration::from_secs(60);
    loop {
        let left = until(time_ms);
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOK)).await;
    }
}

/// Runs `future` for at most `limit`; `None` when the time ran out.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
