//! The statements that this process sends to its database, and the transactions that the server counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::meter::Cost;
use crate::run::{Run, StoreKind};

/// What the driver says of each statement that it ran.
const TARGET: &str = "sqlx::query";

static COUNTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

fn counts() -> MutexGuard<'static, BTreeMap<String, u64>> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts each statement by its first words.
struct Counter;

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Summary);
    }
}

struct Summary;

impl Visit for Summary {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            let mut counts = counts();
            *counts.entry(value.to_owned()).or_default() += 1;
            // The driver is silent about the BEGIN that was there before.
            if matches!(value, "COMMIT" | "ROLLBACK") {
                *counts.entry("BEGIN".to_owned()).or_default() += 1;
            }
        }
    }
}

/// Begins to count. It costs a little for each statement: not for works that measure many.
pub(crate) fn count() -> Result<(), TryInitError> {
    let only = Targets::new().with_target(TARGET, LevelFilter::TRACE);
    tracing_subscriber::registry()
        .with(Counter.with_filter(only))
        .try_init()
}

/// Counts from one moment to another.
#[derive(Debug)]
pub(crate) struct Window {
    transactions: Option<i64>,
}

impl Window {
    pub(crate) async fn open(run: &Run) -> anyhow::Result<Self> {
        let transactions = server_transactions(run).await?;
        counts().clear();
        Ok(Self { transactions })
    }

    /// What was counted, as the line of a result has it.
    pub(crate) async fn close(self, run: &Run, cost: &Cost) -> anyhow::Result<Map<String, Value>> {
        let counted = std::mem::take(&mut *counts());
        let transactions = server_transactions(run).await?;
        let seconds = cost.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "few within some seconds")]
        let each_second = |count: i64| (count as f64 / seconds * 1e3).round() / 1e3;
        let all = counted.values().sum::<u64>();
        let mut line = Map::new();
        line.insert(
            "statements_per_second".into(),
            json!(each_second(all.try_into()?)),
        );
        line.insert("statements".into(), json!(counted));
        // Without the one that asked.
        let served = self.transactions.zip(transactions);
        let served = served.map(|(before, after)| each_second((after - before - 1).max(0)));
        line.insert("server_transactions_per_second".into(), json!(served));
        Ok(line)
    }
}

/// All transactions of the database so far, of whoever; SQLite counts none.
async fn server_transactions(run: &Run) -> anyhow::Result<Option<i64>> {
    match run.store {
        StoreKind::Sqlite => Ok(None),
        StoreKind::Postgres => {
            let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database
                WHERE datname = current_database()";
            run.number(sql, &[]).await.map(Some)
        }
    }
}
