//! One run of a peer: what is asked of it, and its result. Each peer includes this file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::json;
use tokio::task::JoinSet;

/// Does one work of `bench` through this library.
#[derive(Debug, Parser)]
pub struct Run {
    /// What to measure
    pub work: Work,
    /// The database, used by nothing else: `sqlite://FILE` or `postgres://USER@HOST/DATABASE`
    #[arg(long)]
    pub db: String,
    /// How many workflows or steps
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// How many workflows are on their way at once
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub in_flight: u32,
    /// How many connections to the database the library may hold
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..))]
    pub connections: u32,
    /// How long the library waits before it looks into a queue again
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub polling_ms: u64,
}

/// What a peer can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// N workflows of one no-op step, started and awaited here
    Start,
    /// One workflow of N sequential no-op steps
    Steps,
    /// N workflows of one no-op step through one queue, of which 64 run at once
    Queue,
    /// A workflow of N recorded steps, taken up again: until its next step begins
    Recovery,
}

/// How many workflows of the queue may run at once.
pub const AT_ONCE: u32 = 64;

impl Run {
    pub fn is_sqlite(&self) -> bool {
        self.db.starts_with("sqlite:")
    }

    /// Prints the result as `bench` does.
    pub fn report(&self, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let work = self.work.to_possible_value();
        let line = json!({
            "work": work.as_ref().map_or("", |work| work.get_name()),
            "n": self.n,
            "in_flight": self.in_flight,
            "seconds": (seconds * 1e6).round() / 1e6,
            "rate": (f64::from(self.n) / seconds).round(),
            "store": if self.is_sqlite() { "sqlite" } else { "postgres" },
            "connections": self.connections,
            "polling_ms": self.polling_ms,
        });
        println!("{line}");
    }

    /// Does `one` n times, at most `in_flight` at once.
    pub async fn side_by_side<T, F>(
        &self,
        one: impl Fn() -> F + Clone + Send + 'static,
    ) -> Result<Vec<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let left = Arc::new(AtomicU32::new(self.n));
        let mut tasks = JoinSet::new();
        for _ in 0..self.in_flight.min(self.n) {
            let (left, one) = (Arc::clone(&left), one.clone());
            tasks.spawn(async move {
                let mut done = Vec::new();
                let take = |left: u32| left.checked_sub(1);
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                    .is_ok()
                {
                    done.push(one().await?);
                }
                anyhow::Ok(done)
            });
        }
        let mut all = Vec::new();
        while let Some(done) = tasks.join_next().await {
            all.extend(done.context("a task of the peer ended abnormally")??);
        }
        Ok(all)
    }
}
