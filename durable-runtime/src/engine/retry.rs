//! How the runtime bears with a database that is away: it waits, longer each time, and asks again.
//!
//! So does everything that the runtime does of itself: commits, claims, leases, deadlines, giving workflows up, and
//! waiting for outcomes. What a program asks for from outside (a launch, a status, a list) fails at once, and the
//! program decides.

use std::time::Duration;

use super::{Engine, Phase};
use crate::store::StoreResult;
use crate::{clock, ids};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Waits that double, from 1 s to 60 s, each made longer or shorter by up to a half so that not all processes ask at
/// one moment.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// How long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next.mul_f64(ids::fraction() + 0.5);
        self.next = (self.next * 2).min(LONGEST);
        wait
    }
}

impl Engine {
    /// Does something in the database, however long it is away. `Err` when the request itself is at fault, or the
    /// runtime stops meanwhile.
    pub(crate) async fn persist<T, F>(&self, mut request: impl FnMut() -> F) -> StoreResult<T>
    where
        F: Future<Output = StoreResult<T>>,
    {
        let mut backoff = Backoff::default();
        loop {
            match request().await {
                Err(error) if error.is_transient() && self.phase() != Phase::Stopped => {
                    tracing::warn!(%error, "the database did not answer; asking again");
                    tokio::select! {
                        () = clock::sleep(backoff.next()) => {}
                        () = self.reached(Phase::Stopped) => {}
                    }
                }
                answered => return answered,
            }
        }
    }
}

/// Asks until the database answers, or refuses. What is asked has to bear being done twice.
pub(crate) async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> StoreResult<T>
where
    F: Future<Output = StoreResult<T>>,
{
    let mut backoff = Backoff::default();
    loop {
        match ask().await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the database did not answer; asking again");
                clock::sleep(backoff.next()).await;
            }
            answered => return answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;

    /// Rules: R14
    #[test]
    fn waits_double_from_one_second_to_sixty_give_or_take_a_half() {
        let mut backoff = Backoff::default();
        for base in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
            let wait = backoff.next().as_secs_f64() / base;
            assert!((0.5..1.5).contains(&wait), "{wait} of {base} s");
        }
    }
}
