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
        let operation = (!duration.is_zero()).then(|| Operation::claim(self, SLEEP));
        async move {
            if let Some(operation) = operation {
                let end = wake_time(&operation, duration, Wait::Sleep).await;
                operation.sleep_until(end).await;
            }
        }
    }
}
