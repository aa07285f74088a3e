//! Starts the runs of schedules when they are due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{Timestamp, Zoned};

use super::schedules::{cron_of, readable_context};
use super::{Engine, Phase};
use crate::cron::Cron;
use crate::error::Result;
use crate::schedule::ScheduleStatus;
use crate::store::{ScheduleRow, ScheduleSelection};
use crate::{clock, ids};

/// How often the table is read: often at first, while programs set their schedules up.
const STARTUP: i64 = 60_000;
const STARTUP_INTERVAL: i64 = 1_000;
const INTERVAL: i64 = 30_000;

/// Waits after a failure.
const RETRY_FIRST: i64 = 1_000;
const RETRY_LONGEST: i64 = 30_000;

/// A schedule that this process serves. Times are milliseconds since the Unix epoch.
#[derive(Debug)]
struct Timer {
    row: ScheduleRow,
    /// Nothing where the schedule cannot run, or never is due again.
    next: Option<Next>,
}

#[derive(Debug)]
struct Next {
    cron: Cron,
    context: String,
    slot: Zoned,
    due: i64,
    retry: i64,
}

/// Serves the schedules until the runtime shuts down.
pub(super) async fn serve(engine: Arc<Engine>) {
    let launched = clock::now_ms();
    let mut timers: HashMap<String, Timer> = HashMap::new();
    let mut read_at = None;
    while engine.phase() == Phase::Open {
        let now = clock::now_ms();
        let interval = if now < launched + STARTUP {
            STARTUP_INTERVAL
        } else {
            INTERVAL
        };
        // A clock that was set back must not put the next look off.
        if read_at.is_none_or(|read| now < read || now >= read + interval) {
            if let Err(error) = reread(&engine, &mut timers).await {
                tracing::warn!(%error, "cannot read the schedules; trying again");
            }
            read_at = Some(now);
        }
        fire_due(&engine, &mut timers).await;
        let dues = timers
            .values()
            .filter_map(|timer| timer.next.as_ref())
            .map(|next| next.due);
        let wake = dues.min().unwrap_or(i64::MAX).min(now + interval);
        let wait = u64::try_from(wake - clock::now_ms()).unwrap_or_default();
        tokio::select! {
            () = clock::sleep(Duration::from_millis(wait)) => {}
            () = engine.schedules_changed.notified() => read_at = None,
            () = engine.reached(Phase::Draining) => {}
        }
    }
}

/// Brings the timers up to date with the table.
async fn reread(engine: &Engine, timers: &mut HashMap<String, Timer>) -> Result<()> {
    let selection = ScheduleSelection {
        application: engine.identity.application_name.as_deref(),
        ..ScheduleSelection::default()
    };
    let rows = engine.store.schedules(selection).await?;
    let active = |row: &&ScheduleRow| row.status == ScheduleStatus::Active.as_str();
    timers.retain(|id, _| rows.iter().filter(active).any(|row| row.id == *id));
    for row in rows.iter().filter(active) {
        match timers.get(&row.id) {
            Some(timer) if same_definition(&timer.row, row) => continue,
            // Its slots up to now were of another definition.
            Some(_) => {}
            None => catch_up(engine, row).await,
        }
        let timer = Timer::start(row.clone());
        timers.insert(row.id.clone(), timer);
    }
    Ok(())
}

fn same_definition(left: &ScheduleRow, right: &ScheduleRow) -> bool {
    let definition = |row: &ScheduleRow| ScheduleRow {
        last_fired_at: None,
        automatic_backfill: false,
        ..row.clone()
    };
    definition(left) == definition(right)
}

/// Enqueues the slots that nobody was there for, where the schedule wants it.
async fn catch_up(engine: &Engine, row: &ScheduleRow) {
    let Some(last) = row
        .last_fired_at
        .as_deref()
        .filter(|_| row.automatic_backfill)
    else {
        return;
    };
    let caught_up = async {
        let problem = |error: jiff::Error| crate::Error::Misuse(error.to_string());
        let last: Timestamp = last.parse().map_err(problem)?;
        let now = Timestamp::from_millisecond(clock::now_ms()).map_err(problem)?;
        let application = engine.identity.application_name.as_deref();
        engine
            .backfill_schedule(&row.name, last, now, application)
            .await
    };
    match caught_up.await {
        Ok(runs) if runs.is_empty() => {}
        Ok(runs) => {
            tracing::info!(
                schedule = row.name,
                runs = runs.len(),
                "caught up on a schedule"
            );
        }
        Err(error) => {
            tracing::warn!(schedule = row.name, %error, "cannot catch up on a schedule");
        }
    }
}

impl Timer {
    fn start(row: ScheduleRow) -> Self {
        let prepared = cron_of(&row).and_then(|cron| Ok((cron, readable_context(&row)?)));
        let next = match prepared {
            Ok((cron, context)) => {
                let now = Timestamp::from_millisecond(clock::now_ms()).unwrap_or(Timestamp::MAX);
                Next::after(cron, context, now)
            }
            Err(error) => {
                tracing::error!(schedule = row.name, %error, "a schedule cannot run here");
                return Self { row, next: None };
            }
        };
        if next.is_none() {
            tracing::warn!(
                schedule = row.name,
                cron = row.cron,
                "a schedule is never due"
            );
        }
        Self { row, next }
    }
}

impl Next {
    fn after(cron: Cron, context: String, time: Timestamp) -> Option<Self> {
        let slot = cron.next(time)?;
        let at = slot.timestamp().as_millisecond();
        let wait = at - clock::now_ms();
        Some(Self {
            cron,
            context,
            slot,
            due: at + jitter(wait),
            retry: RETRY_FIRST,
        })
    }
}

/// Spreads the processes that share a schedule over a tenth of the wait, at most 10 s.
fn jitter(wait: i64) -> i64 {
    const MOST: i64 = 10_000;
    let most = (wait / 10).clamp(0, MOST);
    // At most 10 000: exact in both directions.
    (most as f64 * ids::fraction()) as i64
}

async fn fire_due(engine: &Engine, timers: &mut HashMap<String, Timer>) {
    let now = clock::now_ms();
    let due = timers.values_mut().filter(|timer| {
        let next = timer.next.as_ref();
        next.is_some_and(|next| next.due <= now)
    });
    join_all(due.map(|timer| fire(engine, timer))).await;
}

/// Enqueues the run of the timer's slot, and sets the timer to the next one; or to a later attempt.
async fn fire(engine: &Engine, timer: &mut Timer) {
    let Some(mut next) = timer.next.take() else {
        return;
    };
    match engine
        .fire_slot(&timer.row, &next.slot, &next.context)
        .await
    {
        Ok(()) => {
            timer.next = Next::after(next.cron, next.context, next.slot.timestamp());
        }
        Err(error) => {
            tracing::warn!(schedule = timer.row.name, %error, "cannot start the run of a schedule; trying again");
            next.due = clock::now_ms() + next.retry;
            next.retry = (next.retry * 2).min(RETRY_LONGEST);
            timer.next = Some(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::jitter;

    /// Rules: C5
    #[test]
    fn a_wait_is_stretched_by_a_tenth_at_most_and_by_ten_seconds_at_most() {
        for (wait, most) in [
            (-5, 0),
            (0, 0),
            (1_000, 100),
            (60_000, 6_000),
            (86_400_000, 10_000),
        ] {
            let jitters: Vec<_> = (0..200).map(|_| jitter(wait)).collect();
            assert!(
                jitters.iter().all(|jitter| (0..=most).contains(jitter)),
                "{wait}: {jitters:?}"
            );
            if most > 0 {
                assert!(
                    jitters.iter().any(|jitter| *jitter != jitters[0]),
                    "{wait}: {jitters:?}"
                );
            }
        }
    }
}
