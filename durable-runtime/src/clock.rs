//! The one place that reads a clock or waits for one, so that a simulation can take time over.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Waits. Not durable: only for waits that a crash may forget.
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits until a time, in milliseconds since the Unix epoch. The wall clock decides: it is looked at again when it was
/// set, or the machine slept.
pub(crate) async fn sleep_until(time_ms: i64) {
    const LOOK: Duration = Duration::from_secs(60);
    loop {
        let left = u64::try_from(time_ms.saturating_sub(now_ms())).unwrap_or(0);
        if left == 0 {
            return;
        }
        sleep(Duration::from_millis(left).min(LOOK)).await;
    }
}

/// Runs `future` for at most `limit`; `None` when the time ran out.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
