use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Operation;
use crate::clock;
use crate::engine::Carried;
use crate::error::{Error, Result, StoreError};
use crate::store::{Isolation, Outcome, Record, StepRow, Transaction};
use crate::value::{self, Value};

/// The first wait when the database breaks a transaction off, and the longest.
const RETRY_FIRST: Duration = Duration::from_millis(1);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// Where an attempt ended before its end; nothing was written, unless its commit was not answered.
enum Broken {
    /// The operation failed by itself.
    Failed(Error),
    /// The database was not to be reached, or broke the transaction off: again.
    Off,
    /// A record was not accepted.
    Refused(Outcome),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match &error {
            Error::Store(cause) if cause.is_transient() => {
                tracing::debug!(%error, "a transaction was broken off by the database and runs again");
                Self::Off
            }
            _ => Self::Failed(error),
        }
    }
}

impl Operation {
    /// Gives the recorded result, or that of `body`, which writes in the transaction of the record: both are there
    /// afterwards, or neither. An error of `body` undoes what it wrote, and is recorded.
    pub(crate) async fn transact<T, F>(self, body: F) -> Result<T>
    where
        T: Value,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T>>,
    {
        let watched = self.watched();
        watched.around(self.transact_or_replay(body)).await
    }

    async fn transact_or_replay<T, F>(self, body: F) -> Result<T>
    where
        T: Value,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T>>,
    {
        if let Some(row) = self.recorded().await {
            return self.replayed(row).await;
        }
        let started_at = clock::now_ms();
        let mut wait = RETRY_FIRST;
        let mut unanswered = false;
        loop {
            // What was recorded before and is not yet durable rides in this transaction.
            let carried = self.execution.carry().await;
            match self.attempt(&carried, started_at, &body).await {
                Ok((value, outcomes)) => {
                    carried.settle(outcomes);
                    return Ok(value);
                }
                Err(Broken::Failed(error)) => {
                    drop(carried);
                    let mut step = self.step(started_at);
                    step.error = Some(error.to_record().to_json());
                    self.record(step);
                    // As a replay will read it.
                    return Err(Error::from_record(error.to_record()));
                }
                Err(Broken::Off) => unanswered = true,
                // A commit whose answer was lost came first after all.
                Err(Broken::Refused(Outcome::RecordedTwice)) if unanswered => {}
                Err(Broken::Refused(outcome)) => {
                    return self.execution.lost(self.position, &outcome).await;
                }
            }
            if let Some(row) = self.committed_unseen().await {
                carried.settle_all();
                return self.replayed(row).await;
            }
            clock::sleep(wait).await;
            wait = (wait * 3 / 2).min(RETRY_LONGEST);
        }
    }

    async fn attempt<T, F>(
        &self,
        carried: &Carried,
        started_at: i64,
        body: &F,
    ) -> std::result::Result<(T, Vec<Outcome>), Broken>
    where
        T: Value,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T>>,
    {
        let store = &self.execution.engine.store;
        let mut transaction = store.begin(Isolation::ReadCommitted).await?;
        let value = match body(&mut transaction).await {
            Ok(value) => value,
            Err(error) => {
                transaction.rollback().await?;
                return Err(error.into());
            }
        };
        let mut step = self.step(started_at);
        let what = || format!("the result of `{}`", step.name);
        step.output = Some(value::encode(&value, what).map_err(Broken::Failed)?);
        let mut records = carried.records();
        records.push(Record::Step(Arc::new(step)));
        let mut outcomes = transaction.commit(&records).await?;
        match outcomes.iter().position(|outcome| !outcome.is_accepted()) {
            None => Ok((value, outcomes)),
            Some(refused) => Err(Broken::Refused(outcomes.swap_remove(refused))),
        }
    }

    /// The record of this call, if a commit whose answer was lost did happen.
    async fn committed_unseen(&self) -> Option<StepRow> {
        let execution = &self.execution;
        let mut wait = RETRY_FIRST;
        loop {
            match execution.engine.store.steps(&execution.workflow_id).await {
                Ok(rows) => return rows.into_iter().find(|row| row.position == self.position),
                Err(error) => {
                    tracing::warn!(%error, "cannot look yet");
                    clock::sleep(wait).await;
                    wait = (wait * 3 / 2).min(RETRY_LONGEST);
                }
            }
        }
    }
}
