//! The table of queues: who registers them, what they are, and which have work.

use std::time::Duration;

use serde_json::Value as Json;

use super::claim::{candidates, latest_version};
use super::due::next_due;
use super::lease::{Others, renew};
use super::row::Identity;
use super::sql::{Param, Row, params};
use super::{Isolation, Store, StoreResult, Transaction};
use crate::error::StoreError;
use crate::queue::{OnConflict, Queue, RateLimit};

const INTENT: &str = "register a queue";

macro_rules! columns {
    () => {
        "name, concurrency, worker_concurrency, rate_limit_max, rate_limit_period_sec,
         partition_concurrency, partition_worker_concurrency, partition_rate_limit_max,
         partition_rate_limit_period_sec, partition_queue, polling_interval_sec, application_name,
         created_at, updated_at"
    };
}

/// `priority_enabled` and `partition_queue` are for older versions of DBOS, which read them.
const REGISTER: &str = concat!(
    "INSERT INTO dbos.queues (name, concurrency, worker_concurrency, rate_limit_max,
                              rate_limit_period_sec, partition_concurrency,
                              partition_worker_concurrency, partition_rate_limit_max,
                              partition_rate_limit_period_sec, partition_queue,
                              polling_interval_sec, application_name, priority_enabled)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, TRUE)
     ON CONFLICT (name) DO UPDATE
     SET concurrency = excluded.concurrency, worker_concurrency = excluded.worker_concurrency,
         rate_limit_max = excluded.rate_limit_max,
         rate_limit_period_sec = excluded.rate_limit_period_sec,
         partition_concurrency = excluded.partition_concurrency,
         partition_worker_concurrency = excluded.partition_worker_concurrency,
         partition_rate_limit_max = excluded.partition_rate_limit_max,
         partition_rate_limit_period_sec = excluded.partition_rate_limit_period_sec,
         partition_queue = excluded.partition_queue,
         polling_interval_sec = excluded.polling_interval_sec,
         priority_enabled = excluded.priority_enabled,
         application_name = COALESCE(queues.application_name, excluded.application_name),
         updated_at = {now}
     WHERE (queues.application_name IS NULL OR excluded.application_name IS NULL
            OR queues.application_name = excluded.application_name)
       AND ($13 = 'always' OR ($13 = 'latest' AND $14 = COALESCE(",
    latest_version!("$12"),
    ", $14)))"
);

const QUEUE: &str = concat!("SELECT ", columns!(), " FROM dbos.queues WHERE name = $1");

const QUEUES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM dbos.queues
      WHERE $1 IS NULL OR application_name IS NULL OR application_name = $1
      ORDER BY name"
);

const DELETE: &str = "DELETE FROM dbos.queues WHERE name = $1 RETURNING name";

/// What a search for work reads of each queue, given its name, whether it is partitioned, and the horizon of what is
/// due. What is named in `$1` is not looked at. A row without a key never leaves a partitioned queue, and is no work on
/// it.
macro_rules! found {
    () => {
        concat!(
            columns!(),
            ",     CASE WHEN name IN {each:$1} THEN FALSE ELSE EXISTS (
                       SELECT 1 FROM dbos.workflow_status WHERE ",
            candidates!("served.name"),
            "          AND (queue_partition_key IS NOT NULL OR NOT partitioned)) END, (",
            next_due!("$5", "$3"),
            ")"
        )
    };
}

/// The queues to serve.
macro_rules! served {
    () => {
        concat!(
            "(SELECT ",
            columns!(),
            ",       (partition_concurrency IS NOT NULL OR partition_worker_concurrency IS NOT NULL
                      OR partition_rate_limit_max IS NOT NULL
                      OR (partition_queue AND (concurrency IS NOT NULL OR worker_concurrency IS NOT NULL
                                               OR rate_limit_max IS NOT NULL))) AS partitioned
              FROM dbos.queues
              WHERE (application_name IS NULL OR application_name = $3)
                AND ($4 IS NULL OR name IN {each:$4}) AND name <> '_dbos_internal_queue'
              UNION ALL
              SELECT '_dbos_internal_queue', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, FALSE, 1.0,
                     NULL, 0, 0, FALSE
             ) served"
        )
    };
}

/// The queues to serve, which of them have something to take, and when something is due.
const SCAN: &str = concat!("SELECT ", found!(), " FROM ", served!());

/// The same, with a renewal of the lease.
const SCAN_AND_RENEW: &str = renew!(
    "$6",
    "$7",
    "$2",
    "$8",
    "$9",
    concat!(
        ", (SELECT {pg:json_agg(json_build_array(}{lite:json_group_array(json_array(}",
        found!(),
        ")){pg:::text} FROM ",
        served!(),
        ")"
    )
);

/// A queue as it is registered in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredQueue {
    /// Its name and its limits.
    pub queue: Queue,
    /// The application that owns it; any may serve one without an owner.
    pub application_name: Option<String>,
    /// When it was registered, in milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// When its row was changed last, in milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
}

/// A queue that is to be served.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) queue: Queue,
    /// There is something that this process may take, limits aside.
    pub(crate) has_work: bool,
}

/// A search for work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) identity: &'a Identity,
    /// Queues that are not asked about.
    pub(crate) skip: &'a [String],
    /// Of no others than these, if given; the internal one always.
    pub(crate) listen: Option<&'a [String]>,
    /// How far ahead to look for deadlines and delays, in milliseconds.
    pub(crate) horizon_ms: i64,
    /// To be renewed on this occasion.
    pub(crate) lease: Option<Lease<'a>>,
}

/// A lease that is to be renewed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease<'a> {
    pub(crate) token: &'a str,
    pub(crate) length_ms: i64,
}

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found {
    /// The queues to serve.
    pub(crate) queues: Vec<Served>,
    /// In how many milliseconds the next deadline or delay of this application ends, if within the horizon; negative
    /// when it has.
    pub(crate) next_due: Option<i64>,
    /// What became of the lease, if it was to be renewed: `Some(None)` when another process has it.
    pub(crate) renewed: Option<Option<Others>>,
}

/// On whose behalf a queue is registered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registrar<'a> {
    pub(crate) application: Option<&'a str>,
    /// The application version, where a version registers it.
    pub(crate) version: Option<&'a str>,
}

impl Registrar<'_> {
    /// Checks that the queue belongs to this application or to none. A client without an application speaks for
    /// whichever owns it.
    fn check_owner(&self, registered: &RegisteredQueue) -> StoreResult<()> {
        let nobody = self.application.is_none() && self.version.is_none();
        match &registered.application_name {
            Some(owner) if !nobody && self.application != Some(owner) => Err(StoreError::Owned {
                kind: "queue",
                name: registered.queue.name().to_owned(),
                owner: owner.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl dyn Store {
    /// Writes the row of a queue, as its policy says, and reads it back.
    pub(crate) async fn register_queue(
        &self,
        queue: &Queue,
        registrar: Registrar<'_>,
    ) -> StoreResult<RegisteredQueue> {
        let mut transaction = self.begin(Isolation::ReadCommitted).await?;
        let registered = register(&mut transaction, queue, registrar).await?;
        transaction.commit(&[]).await?;
        Ok(registered)
    }

    pub(crate) async fn queue(&self, name: &str) -> StoreResult<Option<RegisteredQueue>> {
        let rows = self.read("read a queue", QUEUE, params![name]).await?;
        let row = rows.into_iter().next();
        row.map(|mut row| registered(&mut row)).transpose()
    }

    /// The queues of an application and those without an owner; without an application, all.
    pub(crate) async fn queues(
        &self,
        application: Option<&str>,
    ) -> StoreResult<Vec<RegisteredQueue>> {
        let rows = self
            .read("list the queues", QUEUES, params![application])
            .await?;
        rows.into_iter()
            .map(|mut row| registered(&mut row))
            .collect()
    }

    /// True when there was such a queue.
    pub(crate) async fn delete_queue(&self, name: &str) -> StoreResult<bool> {
        let deleted = self.write("delete a queue", DELETE, params![name]).await?;
        Ok(!deleted.is_empty())
    }

    /// Looks for work and for what is due, and renews the lease where one is given. One statement, unless another
    /// process has the lease.
    pub(crate) async fn scan(&self, search: &Search<'_>) -> StoreResult<Found> {
        let identity = search.identity;
        let listen = search.listen.map_or(Param::Text(None), Param::from);
        let mut params = params![
            search.skip,
            &identity.application_version,
            &identity.application_name,
            listen,
            search.horizon_ms,
        ];
        let intent = "look for work on the queues";
        let Some(lease) = search.lease else {
            let rows = self.read(intent, SCAN, params).await?;
            return found(rows, None);
        };
        params.extend(params![
            &identity.executor_id,
            identity.application_name.as_deref().unwrap_or_default(),
            lease.token,
            lease.length_ms,
        ]);
        // Not on a reserved connection: those plan for statements that name their rows, and would take seconds to plan this.
        let rows = self.write(intent, SCAN_AND_RENEW, params).await?;
        let Some(mut row) = rows.into_iter().next() else {
            let search = Search {
                lease: None,
                ..*search
            };
            let rest = Box::pin(self.scan(&search)).await?;
            return Ok(Found {
                renewed: Some(None),
                ..rest
            });
        };
        let others = Others::read(&mut row)?;
        let text: String = row.take(2)?;
        let rows: Vec<Vec<Json>> = serde_json::from_str(&text)
            .map_err(|error| StoreError::statement(intent)(sqlx::Error::Decode(error.into())))?;
        found(
            rows.into_iter().map(Row::of_json).collect(),
            Some(Some(others)),
        )
    }
}

fn found(rows: Vec<Row>, renewed: Option<Option<Others>>) -> StoreResult<Found> {
    let mut found = Found {
        queues: Vec::with_capacity(rows.len()),
        next_due: None,
        renewed,
    };
    for mut row in rows {
        found.queues.push(Served {
            queue: registered(&mut row)?.queue,
            has_work: row.take(14)?,
        });
        found.next_due = row.take(15)?;
    }
    Ok(found)
}

/// Registers a queue in a transaction.
pub(super) async fn register(
    transaction: &mut Transaction,
    queue: &Queue,
    registrar: Registrar<'_>,
) -> StoreResult<RegisteredQueue> {
    let policy = match queue.on_conflict {
        Some(OnConflict::NeverUpdate) => "never",
        Some(OnConflict::AlwaysUpdate) => "always",
        Some(OnConflict::UpdateIfLatestVersion) => "latest",
        None if registrar.version.is_some() => "latest",
        None => "always",
    };
    let max = |limiter: Option<RateLimit>| number(limiter.map(|limiter| limiter.limit));
    let period = |limiter: Option<RateLimit>| limiter.map(|limiter| limiter.period.as_secs_f64());
    let params = params![
        queue.name(),
        number(queue.concurrency),
        number(queue.worker_concurrency),
        max(queue.limiter),
        period(queue.limiter),
        number(queue.partition_concurrency),
        number(queue.partition_worker_concurrency),
        max(queue.partition_limiter),
        period(queue.partition_limiter),
        queue.is_partitioned(),
        queue.polling_interval.as_secs_f64(),
        registrar.application,
        policy,
        registrar.version,
    ];
    transaction.query(INTENT, REGISTER, params).await?;
    let rows = transaction
        .query(INTENT, QUEUE, params![queue.name()])
        .await?;
    let row = rows.into_iter().next();
    // Deleted by another process between the two statements.
    let mut row = row.ok_or_else(|| StoreError::statement(INTENT)(sqlx::Error::RowNotFound))?;
    let registered = registered(&mut row)?;
    registrar.check_owner(&registered)?;
    Ok(registered)
}

/// The number as the column holds it.
fn number(limit: Option<u32>) -> Option<i32> {
    limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX))
}

fn registered(row: &mut Row) -> StoreResult<RegisteredQueue> {
    let mut queue = Queue::named(row.take::<String>(0)?);
    queue.concurrency = limit(row, 1)?;
    queue.worker_concurrency = limit(row, 2)?;
    queue.limiter = rate_limit(row, 3)?;
    queue.partition_concurrency = limit(row, 5)?;
    queue.partition_worker_concurrency = limit(row, 6)?;
    queue.partition_limiter = rate_limit(row, 7)?;
    // Older versions of DBOS have no limits of their own for partitions: theirs hold for each.
    if row.take(9)? && !queue.is_partitioned() {
        queue.partition_concurrency = queue.concurrency.take();
        queue.partition_worker_concurrency = queue.worker_concurrency.take();
        queue.partition_limiter = queue.limiter.take();
    }
    let interval = Duration::try_from_secs_f64(row.take(10)?);
    let interval = interval.unwrap_or(Duration::from_secs(1));
    queue.polling_interval = interval.max(Duration::from_millis(1));
    Ok(RegisteredQueue {
        queue,
        application_name: row.take(11)?,
        created_at_ms: row.take(12)?,
        updated_at_ms: row.take(13)?,
    })
}

/// A limit that another program wrote may be less than 0, and then lets nothing through.
fn limit(row: &mut Row, column: usize) -> StoreResult<Option<u32>> {
    let limit: Option<i64> = row.take(column)?;
    Ok(limit.map(|limit| u32::try_from(limit.max(0)).unwrap_or(u32::MAX)))
}

/// The limiter in a column and the one behind it.
fn rate_limit(row: &mut Row, column: usize) -> StoreResult<Option<RateLimit>> {
    let (limit, period) = (limit(row, column)?, row.take::<Option<f64>>(column + 1)?);
    let period = period.and_then(|period| Duration::try_from_secs_f64(period).ok());
    Ok(limit
        .zip(period)
        .map(|(limit, period)| RateLimit { limit, period }))
}
