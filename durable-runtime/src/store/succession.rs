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
    let token = places.first().map_or("", |first| first.token.as_str());
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
        let claim = Claim {
            queue: &first.queue,
            partition: None,
            limit: i64::try_from(left).unwrap_or(i64::MAX),
            identity: &first.identity,
            token,
        };
        let taken = session.query(CLAIM, parameters(&claim, claim.limit)).await;
        rows.extend(taken.map_err(failed())?);
    }
    Ok(Heirs {
        token: token.to_owned(),
        workflows: in_order(rows)?,
        places: places.len(),
    })
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
