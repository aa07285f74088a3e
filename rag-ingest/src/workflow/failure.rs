//! Why a step failed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::embed::EmbedError;
use crate::loader::LoadError;
use crate::status::FileStatus;

/// The first wait before a step that met a passing trouble is made again; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that nobody asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest wait that a service is given. One that asks for more is not asked again in this run.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Why a step failed.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum IngestError {
    /// The file cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its chunks cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// It is not the file any more that was discovered.
    #[error(
        "{path} was changed between discovery and {step}; run ingest again to take the new version"
    )]
    Changed {
        /// The file.
        path: String,
        /// The step that noticed.
        step: String,
    },
    /// It is gone.
    #[error(
        "{path} disappeared between discovery and {step}; put it back, or run ingest again without it"
    )]
    Vanished {
        /// The file.
        path: String,
        /// The step that noticed.
        step: String,
    },
    /// The run was begun with another model or other settings.
    #[error(
        "the run was begun with other settings (a different embedder or program); run ingest again to \
         use those of now"
    )]
    OtherSettings,
    /// What the command may spend is spent.
    #[error(
        "the budget of {budget} is spent (so far {spent}); the same command with a higher --budget, or without it, \
         goes on"
    )]
    BudgetSpent {
        /// What may be spent, as an amount.
        budget: String,
        /// What was spent.
        spent: String,
    },
    /// The database refused something that may succeed the next time.
    #[error("the database is busy: {message}; run ingest again")]
    Busy {
        /// What it said.
        message: String,
    },
    /// The roots or the collection cannot be used, or a parser ended abnormally.
    #[error("{message}")]
    Failed {
        /// Why.
        message: String,
    },
    /// The runtime reports something.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
}

impl From<sqlx::Error> for IngestError {
    fn from(error: sqlx::Error) -> Self {
        let message = error.to_string();
        let passes = match &error {
            // Deadlocks and serialization failures of PostgreSQL; busy and locked of SQLite.
            sqlx::Error::Database(refused) => refused.code().is_some_and(|code| {
                matches!(
                    &*code,
                    "40001" | "40P01" | "23503" | "5" | "6" | "261" | "517"
                )
            }),
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
            _ => false,
        };
        if passes {
            Self::Busy { message }
        } else {
            Self::Failed {
                message: format!("the database failed: {message}; check it, and run ingest again"),
            }
        }
    }
}

impl IngestError {
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self::Failed {
            message: error.to_string(),
        }
    }

    /// Whether the same call may succeed a moment later.
    pub(crate) fn passes(&self) -> bool {
        self.wait(0).is_some()
    }

    /// How long to wait before the same call is made for the `tries`th time again, if that may help: what a service
    /// asks for, else twice as long each time.
    pub(crate) fn wait(&self, tries: u32) -> Option<Duration> {
        let asked = match self {
            Self::Embed(error) if error.is_transient() => error.retry_after(),
            Self::Busy { .. } => None,
            _ => return None,
        };
        let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(tries.min(16)));
        match asked {
            Some(asked) => (asked <= LONGEST_PAUSE).then_some(asked),
            None => Some(doubled.min(LONGEST_WAIT)),
        }
    }

    /// How long everybody leaves the service alone, since it asks for that.
    pub(crate) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Embed(error) => error.retry_after().filter(|asked| *asked <= LONGEST_PAUSE),
            _ => None,
        }
    }

    /// The state of a document whose ingestion ended with this, and a word for the reason.
    pub(crate) fn status(&self) -> (FileStatus, &'static str) {
        match self {
            Self::Load(error) => {
                let reason = error.reason();
                (FileStatus::of_load_failure(reason), reason)
            }
            Self::Changed { .. } => (FileStatus::Superseded, "changed"),
            Self::Vanished { .. } => (FileStatus::Vanished, "vanished"),
            Self::Embed(_) => (FileStatus::Failed, "embed"),
            Self::OtherSettings => (FileStatus::Failed, "other_settings"),
            Self::BudgetSpent { .. } => (FileStatus::Queued, "budget"),
            Self::Busy { .. } => (FileStatus::Failed, "busy"),
            Self::Failed { .. } => (FileStatus::Failed, "failed"),
            Self::Durable(_) => (FileStatus::Failed, "runtime"),
        }
    }
}

/// A wait, a little longer: by up to a quarter, and differently for each workflow, so that those who were refused
/// together do not come back together. The same for the same workflow, also when it is replayed.
pub(super) fn spread(wait: Duration, workflow: &str, tries: u32) -> Duration {
    let hash = blake3::hash(format!("{workflow}\0{tries}").as_bytes());
    let share = hash.as_bytes().first().map_or(0, |byte| u32::from(*byte));
    wait.saturating_add(wait.saturating_mul(share) / 1024)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{IngestError, spread};
    use crate::embed::EmbedError;

    fn unavailable(retry_after_ms: Option<u64>) -> IngestError {
        EmbedError::Unavailable {
            model: "m".to_owned(),
            why: "429".to_owned(),
            retry_after_ms,
        }
        .into()
    }

    #[test]
    fn a_service_is_given_the_time_it_asks_for_within_reason() {
        let wait = unavailable(Some(7_000)).wait(0);
        assert_eq!(wait, Some(Duration::from_secs(7)));
        let wait = unavailable(Some(600_000)).wait(5);
        assert_eq!(wait, Some(Duration::from_secs(600)));
        let wait = unavailable(Some(86_400_000)).wait(0);
        assert_eq!(wait, None);
    }

    #[test]
    fn those_who_wait_together_do_not_come_back_together() {
        let second = Duration::from_secs(1);
        let waits: std::collections::BTreeSet<_> = (0..50)
            .map(|number| spread(second, &number.to_string(), 0))
            .collect();
        assert!(waits.len() > 30, "{waits:?}");
        assert!(
            waits
                .iter()
                .all(|wait| *wait >= second && *wait < second * 5 / 4)
        );
        assert_eq!(spread(second, "a", 1), spread(second, "a", 1));
    }

    #[test]
    fn without_a_wish_the_wait_doubles() {
        let waits: Vec<_> = (0..4).map(|tries| unavailable(None).wait(tries)).collect();
        let seconds = [1, 2, 4, 8].map(|seconds| Some(Duration::from_secs(seconds)));
        assert_eq!(waits, seconds);
    }

    #[test]
    fn what_will_fail_again_is_not_waited_for() {
        let permanent = EmbedError::Model {
            model: "m".to_owned(),
            texts: 1,
            why: "400".to_owned(),
        };
        assert_eq!(IngestError::from(permanent).wait(0), None);
        assert_eq!(IngestError::OtherSettings.wait(0), None);
    }
}
