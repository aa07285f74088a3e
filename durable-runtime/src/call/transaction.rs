use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::StepCaller;
use super::retry::RunsInTransaction;
use super::step::{
    AnyValue, Attempt, Decode, Ended, Failure, Site, StepCall, StepOptions, Work, attempt,
    attempts, decode, guarded, replay,
};
use crate::clock;
use crate::context::TransactionContext;
use crate::engine::Carried;
use crate::error::{Error, Result, StoreError};
use crate::failure::{DurableError, error_codec};
use crate::store::{Isolation, Outcome, StepRow};
use crate::value::Value;

/// The first wait when the database breaks a transaction off, and the longest.
const RETRY_FIRST: Duration = Duration::from_millis(1);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// A call whose body runs inside a database transaction, which also commits its checkpoint.
#[doc(hidden)]
#[track_caller]
pub fn transaction<'c, T, E, Kind, Body>(
    caller: impl StepCaller<'c>,
    options: StepOptions,
    retry_if: Option<fn(&E) -> bool>,
    body: impl Fn(TransactionContext) -> Body + Send + 'c,
) -> StepCall<'c, T, E, RunsInTransaction>
where
    T: Value,
    E: DurableError<Kind>,
    Body: Future<Output = Result<T, E>> + Send + 'c,
{
    let codec = error_codec();
    let body = move |context| attempt(body(context), codec, retry_if);
    // Shared by the attempts, of which one runs at a time; so the arguments need not be `Sync`.
    let work = Work::Transaction(Mutex::new(Box::new(body)), decode::<T>);
    Site::claim(&caller.context(), options).call(work, codec.from_record)
}

/// Begins the body of a transaction.
pub(super) type TransactionBody<'c> =
    Mutex<Box<dyn Fn(TransactionContext) -> BoxFuture<'c, Attempt> + Send + 'c>>;

pub(super) async fn run(site: Site, body: TransactionBody<'_>, decode: Decode) -> Ended {
    if let Some(row) = site.recorded().await {
        return replay(&site, "transaction", row, decode).await;
    }
    let started_at = clock::now_ms();
    let result = attempts(&site, "transaction", |number| {
        Some(commit(&site, decode, started_at, number, &body))
    })
    .await;
    if let Err(record) = &result {
        // The rows are rolled back; that the call failed is a fact like any other.
        let record = site.record(started_at, Err(record.to_json()));
        site.execution.record(record, false, None);
    }
    result
}

/// Runs the body once; again, for as long as it takes, when the database broke the transaction off.
async fn commit(
    site: &Site,
    decode: Decode,
    started_at: i64,
    number: u32,
    body: &TransactionBody<'_>,
) -> std::result::Result<AnyValue, Failure> {
    let mut wait = RETRY_FIRST;
    let mut unanswered = false;
    loop {
        // Results recorded before this call and not yet durable ride in this transaction.
        let carried = site.execution.carry().await;
        match try_once(site, &carried, started_at, number, body).await {
            Ok((value, outcomes)) => {
                carried.settle(outcomes);
                return Ok(value);
            }
            // The body hands on that the database broke the transaction off: it did not fail by itself.
            Err(Broken::Body(Failure::Own {
                is_broken_off: true,
                ..
            })) => {
                tracing::debug!(
                    step = %site.name,
                    "a transaction was broken off by the database and runs again"
                );
                clock::sleep(wait).await;
                wait = (wait * 3 / 2).min(RETRY_LONGEST);
            }
            Err(Broken::Body(failure)) => return Err(failure),
            Err(Broken::Transaction(error)) if !error.is_transient() => {
                return Err(Failure::Runtime(error.into()));
            }
            Err(Broken::Transaction(error)) => {
                tracing::debug!(step = %site.name, %error, "a transaction was broken off by the database and runs again");
                clock::sleep(wait).await;
                wait = (wait * 3 / 2).min(RETRY_LONGEST);
            }
            Err(Broken::Commit(error)) => {
                tracing::warn!(step = %site.name, %error, "a commit was not answered: looking whether it happened");
                unanswered = true;
                if let Some(row) = committed_unseen(site).await {
                    carried.settle_all();
                    return committed(site, &row, decode);
                }
            }
            // An unanswered commit was still on its way when it was looked for, and came first.
            Err(Broken::Refused(Outcome::RecordedTwice)) if unanswered => {
                match committed_unseen(site).await {
                    Some(row) => {
                        carried.settle_all();
                        return committed(site, &row, decode);
                    }
                    None => {
                        let refused = Outcome::RecordedTwice;
                        return site.execution.lost(site.position, &refused).await;
                    }
                }
            }
            Err(Broken::Refused(outcome)) => {
                return site.execution.lost(site.position, &outcome).await;
            }
        }
    }
}

/// The value that a commit without an answer made durable.
fn committed(site: &Site, row: &StepRow, decode: Decode) -> std::result::Result<AnyValue, Failure> {
    decode(row.output.as_deref().unwrap_or("null")).map_err(|reason| {
        let what = format!("the result of transaction `{}`", site.name);
        Failure::Runtime(Error::unreadable(what, &reason))
    })
}

/// Where a transaction ended before its end.
enum Broken {
    /// In the body: rolled back.
    Body(Failure),
    /// In the database: rolled back.
    Transaction(StoreError),
    /// While it was being committed: nobody knows.
    Commit(StoreError),
    /// At its checkpoint, or at a record that rode with it: rolled back.
    Refused(Outcome),
}

async fn try_once(
    site: &Site,
    carried: &Carried,
    started_at: i64,
    number: u32,
    body: &TransactionBody<'_>,
) -> std::result::Result<(AnyValue, Vec<Outcome>), Broken> {
    let transaction = site
        .execution
        .engine
        .store
        .begin(Isolation::ReadCommitted)
        .await
        .map_err(Broken::Transaction)?;
    let (context, home) = TransactionContext::new(site.context(number), transaction);
    let body = body.lock().unwrap_or_else(PoisonError::into_inner)(context);
    let written = guarded(site, body).await;
    let transaction = home.lock().unwrap_or_else(PoisonError::into_inner).take();
    let transaction = transaction.ok_or(Broken::Transaction(StoreError::ContextLost))?;
    let (value, text) = match written {
        Ok(written) => written,
        Err(failure) => {
            transaction.rollback().await.map_err(Broken::Transaction)?;
            return Err(Broken::Body(failure));
        }
    };
    let mut records = carried.records();
    records.push(site.record(started_at, Ok(text)));
    match transaction.commit(&records).await {
        Ok(mut outcomes) => match outcomes.iter().position(|outcome| !outcome.is_accepted()) {
            None => Ok((value, outcomes)),
            Some(refused) => Err(Broken::Refused(outcomes.swap_remove(refused))),
        },
        Err(error) if error.is_transient() => Err(Broken::Commit(error)),
        Err(error) => Err(Broken::Transaction(error)),
    }
}

/// The checkpoint of this call, if the commit whose answer was lost did happen.
async fn committed_unseen(site: &Site) -> Option<StepRow> {
    let mut wait = RETRY_FIRST;
    loop {
        match site
            .execution
            .engine
            .store
            .steps(&site.execution.workflow_id)
            .await
        {
            Ok(rows) => return rows.into_iter().find(|row| row.position == site.position),
            Err(error) => {
                tracing::warn!(%error, "cannot look yet");
                clock::sleep(wait).await;
                wait = (wait * 3 / 2).min(RETRY_LONGEST);
            }
        }
    }
}
