//! Asking a database again that is away for a while.

use std::future::Future;
use std::time::Duration;

use crate::clock;
use crate::store::StoreResult;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);

/// Asks until the database answers, or refuses. What is asked has to bear being done twice.
pub(crate) async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> StoreResult<T>
where
    F: Future<Output = StoreResult<T>>,
{
    let mut wait = FIRST;
    loop {
        match ask().await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the database does not answer; asking again");
                clock::sleep(wait).await;
                wait = (wait * 2).min(LONGEST);
            }
            answered => return answered,
        }
    }
}
