use std::future::Future;
use std::time::Duration;

use super::WorkflowContext;
use crate::call::Operation;
use crate::clock;

impl WorkflowContext {
    /// Waits. The time to wake up is recorded: after a crash only what is left of it is waited for. A sleep of zero
    /// returns at once and is not recorded.
    ///
    /// # Cancel safety
    /// Dropped before its end, it stays recorded.
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        let operation = (!duration.is_zero()).then(|| Operation::claim(self, "DBOS.sleep"));
        async move {
            let Some(operation) = operation else {
                return;
            };
            let wake = match operation.recorded().await {
                Some(row) => operation.replayed::<Wake>(row).await.map_or(0, Wake::at_ms),
                None => {
                    let started_at = clock::now_ms();
                    let wake = started_at.saturating_add(crate::engine::milliseconds(duration));
                    let mut step = operation.step(started_at);
                    step.output = Some(Wake::text(wake));
                    step.completed_at = wake;
                    operation.record(step);
                    wake
                }
            };
            clock::sleep_until(wake).await;
        }
    }
}

/// When a sleep ends, as it is recorded: seconds since the Unix epoch. SDKs other than Python's record milliseconds.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
struct Wake(f64);

impl Wake {
    /// Later than any time in seconds, earlier than any in milliseconds that matters.
    const MILLISECONDS: f64 = 1e11;

    fn at_ms(self) -> i64 {
        let ms = if self.0 < Self::MILLISECONDS {
            self.0 * 1000.0
        } else {
            self.0
        };
        ms.round() as i64
    }

    fn text(ms: i64) -> String {
        // A float even when it is whole, as Python writes it.
        format!("{:?}", ms as f64 / 1000.0)
    }
}
