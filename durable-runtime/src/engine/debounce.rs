//! Starts that are put off as long as more of them come.

use std::time::Duration;

use super::options::{Timeout, milliseconds};
use super::{Engine, INTERNAL_QUEUE, StartOptions, StartRequest};
use crate::clock;
use crate::engine::DuplicationPolicy;
use crate::error::{Error, Result, StoreError};
use crate::store::{Bounce, Bounced, Isolation, Transaction};
use crate::value::PORTABLE_JSON;

/// How a start is put off.
#[derive(Debug, Clone)]
pub(crate) struct Debounce {
    pub(crate) key: String,
    pub(crate) period: Duration,
}

/// What the caller of a debounced start does next.
#[derive(Debug)]
pub(crate) enum Debounced {
    /// This workflow was put off, and runs with the new arguments.
    PutOff { workflow_id: String },
    /// Nobody holds the key.
    Free,
}

impl StartOptions {
    /// The options of the workflow that holds the key of a debounced start.
    pub(crate) fn debounced(mut self, workflow: &str) -> Result<Self> {
        let Some(debounce) = &self.debounce else {
            return Ok(self);
        };
        let returns = self.duplication_policy == DuplicationPolicy::ReturnExisting;
        let given = [
            ("deduplication_id", self.deduplication_id.is_some()),
            ("duplication_policy", returns),
            ("delay", self.delay.is_some()),
            ("priority", self.priority.is_some()),
            ("partition_key", self.partition_key.is_some()),
            ("reject_existing", self.reject_existing),
        ];
        if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Error::Misuse(format!(
                "workflow `{workflow}`: a debounced start takes no `{option}`; it holds its key and its delay itself"
            )));
        }
        // The deadline of the caller is not that of all who call.
        if matches!(self.timeout, Timeout::Inherited) {
            self.timeout = Timeout::None;
        }
        self.deduplication_id = Some(format!("{workflow}-{}", debounce.key));
        self.queue.get_or_insert_with(|| INTERNAL_QUEUE.to_owned());
        Ok(self)
    }

    /// Until when a start of now waits, and the time beyond which it is not put off.
    pub(super) fn delay_times(&self, now: i64) -> (Option<i64>, Option<i64>) {
        let after = |duration: Duration| now.saturating_add(milliseconds(duration));
        let Some(debounce) = &self.debounce else {
            return (self.delay.map(after), None);
        };
        let (until, deadline) = (after(debounce.period), self.debounce_timeout.map(after));
        (
            Some(deadline.map_or(until, |deadline| deadline.min(until))),
            deadline,
        )
    }
}

impl Engine {
    /// Puts off the start that waits under the key of `request`, whose options are those of
    /// [`StartOptions::debounced`]. A holder that is just leaving is a transient error.
    pub(crate) async fn bounce(
        &self,
        transaction: &mut Transaction,
        request: &StartRequest,
    ) -> Result<Bounced> {
        let options = &request.options;
        let period = options
            .debounce
            .as_ref()
            .map_or(Duration::ZERO, |debounce| debounce.period);
        let bounce = Bounce {
            workflow_name: request.target.name().to_owned(),
            queue: options.queue.clone().unwrap_or_default(),
            deduplication_id: options.deduplication_id.clone().unwrap_or_default(),
            delay_until: clock::now_ms().saturating_add(milliseconds(period)),
            input: request.input.clone(),
            serialization: PORTABLE_JSON,
            application: self.owner(request),
        };
        let bounced = transaction.bounce(&bounce).await?;
        self.due_at(bounce.delay_until);
        match &bounced.holder_workflow_id {
            Some(holder) if self.may_leave(request, &bounced) => Err(StoreError::Leaving {
                workflow_id: holder.clone(),
            }
            .into()),
            _ => Ok(bounced),
        }
    }

    /// True when the holder is one that should have been put off: it left its delay meanwhile.
    fn may_leave(&self, request: &StartRequest, holder: &Bounced) -> bool {
        let foreign = match (self.owner(request), &holder.holder_application_name) {
            (Some(ours), Some(theirs)) => ours != *theirs,
            _ => false,
        };
        let same = holder.holder_workflow_name.as_deref() == Some(request.target.name());
        holder.holder_is_debounced && same && !foreign
    }

    /// [`Self::bounce`] from outside of workflows.
    pub(crate) async fn bounce_now(&self, request: &StartRequest) -> Result<Bounced> {
        const PAUSE: Duration = Duration::from_millis(2);
        loop {
            let mut transaction = self.store.begin(Isolation::ReadCommitted).await?;
            match self.bounce(&mut transaction, request).await {
                Ok(bounced) => {
                    transaction.commit(&[]).await?;
                    return Ok(bounced);
                }
                Err(error) => {
                    transaction.rollback().await?;
                    let Error::Store(cause) = &error else {
                        return Err(error);
                    };
                    if !matches!(**cause, StoreError::Leaving { .. }) {
                        return Err(error);
                    }
                }
            }
            clock::sleep(PAUSE).await;
        }
    }
}

/// What follows from what was found under the key.
pub(crate) fn debounced(bounced: Bounced, request: &StartRequest) -> Result<Debounced> {
    let options = &request.options;
    match (bounced.bounced_workflow_id, bounced.holder_workflow_id) {
        (Some(workflow_id), _) => Ok(Debounced::PutOff { workflow_id }),
        (None, None) => Ok(Debounced::Free),
        (None, Some(_)) => Err(Error::Deduplicated {
            id: options
                .id
                .clone()
                .unwrap_or_else(|| request.target.name().to_owned()),
            queue: options.queue.clone().unwrap_or_default(),
            deduplication_id: options.deduplication_id.clone().unwrap_or_default(),
        }),
    }
}
