//! Work that is taken off a queue in the commit that ends other workflows of the queue.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::claim::{CLAIM, CLAIMED, Histories, INTENT, Queued, attach, in_order, parameters};
use super::record::{Outcome, SuccessionRecord, Successors};
use super::row::{Claim, ClaimedWorkflow};
use super::sql::{Row, params};
use super::{Session, Store, StoreResult};
use crate::error::StoreError;

/// The workflows taken off one queue, and how many places are left for them.
struct Heirs {
    token: String,
    workflows: Vec<Queued>,
    places: usize,
}

/// Takes as many workflows off each queue as there are records for it, and gives each record one.
pub(super) async fn write(
    session: &mut Session<'_>,
    records: &[&SuccessionRecord],
) -> StoreResult<Vec<Outcome>> {
    let mut queues: BTreeMap<&str, Vec<&SuccessionRecord>> = BTreeMap::new();
    for record in records {
        queues.entry(record.queue.name()).or_default().push(record);
    }
    let mut heirs = BTreeMap::new();
    for (name, places) in queues {
        heirs.insert(name, take(session, &places).await?);
    }
    let outcomes = records.iter().map(|record| {
        let heirs = heirs.get_mut(record.queue.name());
        Outcome::Succeeded(heirs.map(Heirs::next).unwrap_or_default())
    });
    Ok(outcomes.collect())
}

impl Heirs {
    fn of(places: &[&SuccessionRecord], rows: Vec<Row>) -> StoreResult<Self> {
        Ok(Self {
            token: places
                .first()
                .map_or_else(String::new, |first| first.token.clone()),
            workflows: in_order(rows)?,
            places: places.len(),
        })
    }

    /// Who takes the next place. The last one is given all that is left: what a lost answer had taken.
    fn next(&mut self) -> Successors {
        self.places = self.places.saturating_sub(1);
        let count = match self.places {
            0 => self.workflows.len(),
            _ => self.workflows.len().min(1),
        };
        Successors {
            token: self.token.clone(),
            workflows: self.workflows.drain(..count).collect(),
        }
    }
}

async fn take(session: &mut Session<'_>, places: &[&SuccessionRecord]) -> StoreResult<Heirs> {
    let mut rows: Vec<Row> = Vec::new();
    for place in places {
        if place.sent.swap(true, Ordering::Relaxed) {
            let params = params![place.queue.name(), &place.token];
            rows.extend(session.query(CLAIMED, params).await.map_err(failed())?);
        }
    }
    let left = places.len().saturating_sub(rows.len());
    if let Some(first) = places.first()
        && left > 0
    {
        let claim = claim(first, left);
        let taken = session.query(CLAIM, parameters(&claim, claim.limit)).await;
        rows.extend(taken.map_err(failed())?);
    }
    Heirs::of(places, rows)
}

fn claim(first: &SuccessionRecord, places: usize) -> Claim<'_> {
    Claim {
        queue: &first.queue,
        partition: None,
        limit: i64::try_from(places).unwrap_or(i64::MAX),
        identity: &first.identity,
        token: &first.token,
    }
}

/// The one claim that takes for all of these: they are of one queue, and none was sent before.
#[cfg(feature = "postgres")]
pub(super) fn one_claim<'r>(records: &[&'r SuccessionRecord]) -> Option<Claim<'r>> {
    let first = *records.first()?;
    let queue = first.queue.name();
    let alike =
        |it: &&SuccessionRecord| it.queue.name() == queue && !it.sent.load(Ordering::Relaxed);
    records
        .iter()
        .all(alike)
        .then(|| claim(first, records.len()))
}

/// From now on the answer to the claim of these may get lost.
#[cfg(feature = "postgres")]
pub(super) fn sent(records: &[&SuccessionRecord]) {
    for record in records {
        record.sent.store(true, Ordering::Relaxed);
    }
}

/// Gives each record one of the rows that [`one_claim`] took.
#[cfg(feature = "postgres")]
pub(super) fn outcomes(records: &[&SuccessionRecord], rows: Vec<Row>) -> StoreResult<Vec<Outcome>> {
    let mut heirs = Heirs::of(records, rows)?;
    let each = records.iter().map(|_| Outcome::Succeeded(heirs.next()));
    Ok(each.collect())
}

fn failed() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::statement(INTENT)
}

impl Successors {
    /// Reads the histories of those that have one.
    pub(crate) async fn histories(&self, store: &dyn Store) -> StoreResult<Histories> {
        store.histories_of(&self.workflows).await
    }

    /// The workflows, each with its input and its whole history.
    pub(crate) fn with(self, histories: Histories) -> Vec<ClaimedWorkflow> {
        attach(self.workflows, histories)
    }
}
