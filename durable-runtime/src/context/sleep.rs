use std::future::Future;
use std::time::Duration;

use super::WorkflowContext;
use crate::call::{Operation, SLEEP, Wait, wake_time};

impl WorkflowContext {
    /// Waits. The time to wake up is recorded: after a crash only what is left of it is waited for. A sleep of zero
    /// returns at once and is not recorded.
    ///
    /// # Cancel safety
    /// Dropped before its end, it stays recorded.
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        // Not in a closure: that would be the caller.
        let operation = match duration.is_zero() {
            true => None,
            false => Some(Operation::claim(self, SLEEP)),
        };
        async move {
            if let Some(operation) = operation {
                let watched = operation.watched();
                let sleep = async {
                    let end = wake_time(&operation, duration, Wait::Sleep).await;
                    operation.sleep_until(end).await;
                };
                watched.around(sleep).await;
            }
        }
    }
}
