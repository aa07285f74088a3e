//! Requests to a service: who may send one, when, and for how much.
//!
//! All workers of a database ask here before they send, one after the other, so that together they keep to the limits
//! of the service and to the budget. A request counts from the moment when it may be sent until a period after its
//! answer: whenever the service counts it, it is counted here too. Who has to wait gets a place in the line, and is
//! told when its turn will be.

mod turn;

use std::time::Duration;

use self::turn::{Held, turn};
use super::session::{Session, rows, run};
use crate::embed::{Rate, Terms};

/// How long after its turn a request keeps its place in the line: whoever waited may have ended.
const PATIENCE_MS: i64 = 30_000;
/// How long to wait until requests that are under way have told what they cost.
const PENDING: Duration = Duration::from_secs(1);
/// Taken while the requests are looked at. Any number that is ours alone.
const LOCK: i64 = 0x7261_675f_7271;

/// A request that somebody wants to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'w> {
    /// The service's model.
    pub(crate) service: &'w str,
    /// The piece of work: the same when it is done again after a crash.
    pub(crate) holder: &'w str,
    pub(crate) collection: &'w str,
    pub(crate) terms: Terms,
    /// How many tokens it will be, and what they will cost.
    pub(crate) tokens: u64,
    pub(crate) micros: i64,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Now. Its number is for [`settle`].
    Granted(i64),
    /// Not now; ask again then.
    Later(Duration),
    /// Not at all: it would cost more than the rest of the budget.
    Spent {
        budget_micros: i64,
        spent_micros: i64,
    },
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The time by the database's clock, which all workers share.
async fn now_ms(session: &mut Session<'_>) -> sqlx::Result<i64> {
    let sql = if session.is_postgres() {
        "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    } else {
        "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    };
    let now: Vec<(i64,)> = rows!(session, sql)?;
    now.first()
        .map(|(now,)| *now)
        .ok_or(sqlx::Error::RowNotFound)
}

/// Lets nobody else look until the transaction ends; on SQLite a transaction that writes is alone anyway.
async fn alone(session: &mut Session<'_>) -> sqlx::Result<()> {
    if session.is_postgres() {
        run!(session, "SELECT pg_advisory_xact_lock($1)", LOCK)?;
    }
    Ok(())
}

/// Asks to send a request. In a transaction that writes.
pub(crate) async fn admit(session: &mut Session<'_>, wish: &Wish<'_>) -> sqlx::Result<Admission> {
    alone(session).await?;
    let now = now_ms(session).await?;
    let period = millis(wish.terms.rate.period);
    run!(
        session,
        "DELETE FROM rag_requests WHERE service = $1 AND free_ms <= $2",
        wish.service,
        now
    )?;
    // What a crash interrupted may have been sent: it counts, but nobody waits for its answer.
    run!(
        session,
        "UPDATE rag_requests SET state = 'done', micros = 0, free_ms = $1 WHERE holder = $2 AND state = 'running'",
        now + period,
        wish.holder
    )?;
    if let Some(refused) = ask_budget(session, wish).await? {
        return Ok(refused);
    }
    let turn = turn_of(session, wish, now).await?;
    let (state, free) = if turn <= now {
        let until = millis(wish.terms.timeout).saturating_add(period);
        ("running", now + until)
    } else {
        ("waiting", turn + PATIENCE_MS)
    };
    let moved = run!(
        session,
        "UPDATE rag_requests SET state = $1, tokens = $2, micros = $3, free_ms = $4
         WHERE holder = $5 AND state = 'waiting'",
        state,
        signed(wish.tokens),
        wish.micros,
        free,
        wish.holder
    )?;
    if moved == 0 {
        run!(
            session,
            "INSERT INTO rag_requests (service, holder, collection, state, tokens, micros, free_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            wish.service,
            wish.holder,
            wish.collection,
            state,
            signed(wish.tokens),
            wish.micros,
            free
        )?;
    }
    if turn > now {
        let wait = u64::try_from(turn - now).unwrap_or_default();
        return Ok(Admission::Later(Duration::from_millis(wait)));
    }
    let granted: Vec<(i64,)> = rows!(
        session,
        "SELECT id FROM rag_requests WHERE holder = $1 AND state = 'running'",
        wish.holder
    )?;
    let (id,) = granted.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(Admission::Granted(*id))
}

/// Whether the budget forbids a request, or may, once those that are under way are paid.
async fn ask_budget(session: &mut Session<'_>, wish: &Wish<'_>) -> sqlx::Result<Option<Admission>> {
    let Some((budget_micros, spent_micros, _)) = budget(session, wish.collection).await? else {
        return Ok(None);
    };
    let under_way: Vec<(i64,)> = rows!(
        session,
        "SELECT CAST(COALESCE(SUM(micros), 0) AS BIGINT) FROM rag_requests
         WHERE collection = $1 AND state = 'running'",
        wish.collection
    )?;
    let under_way = under_way.first().map_or(0, |(micros,)| *micros);
    let with_this = spent_micros.saturating_add(wish.micros);
    if with_this > budget_micros {
        run!(
            session,
            "UPDATE rag_budgets SET is_spent = 1 WHERE collection = $1",
            wish.collection
        )?;
        run!(
            session,
            "DELETE FROM rag_requests WHERE collection = $1 AND state = 'waiting'",
            wish.collection
        )?;
        return Ok(Some(Admission::Spent {
            budget_micros,
            spent_micros,
        }));
    }
    if with_this.saturating_add(under_way) > budget_micros {
        return Ok(Some(Admission::Later(PENDING)));
    }
    Ok(None)
}

/// The budget of a collection, what of it is spent, and whether it was found to be too little.
pub(crate) async fn budget(
    session: &mut Session<'_>,
    collection: &str,
) -> sqlx::Result<Option<(i64, i64, bool)>> {
    let found: Vec<(i64, i64, i64)> = rows!(
        session,
        "SELECT b.budget_micros, (SELECT CAST(COALESCE(SUM(c.cost_micros), 0) AS BIGINT) FROM rag_costs c
            WHERE c.collection = b.collection AND c.at_ms >= b.since_ms), b.is_spent
         FROM rag_budgets b WHERE b.collection = $1",
        collection
    )?;
    let found = found.into_iter().next();
    Ok(found.map(|(budget, spent, is_spent)| (budget, spent, is_spent != 0)))
}

/// When a request may be sent, as far as can be told now.
async fn turn_of(session: &mut Session<'_>, wish: &Wish<'_>, now: i64) -> sqlx::Result<i64> {
    let rate = wish.terms.rate;
    let paused: Vec<(i64,)> = rows!(
        session,
        "SELECT until_ms FROM rag_pauses WHERE service = $1",
        wish.service
    )?;
    let earliest = paused.first().map_or(now, |(until,)| now.max(*until));
    if !rate.is_limited() {
        return Ok(earliest);
    }
    let own: Vec<(i64,)> = rows!(
        session,
        "SELECT id FROM rag_requests WHERE holder = $1 AND state = 'waiting'",
        wish.holder
    )?;
    let own = own.first().map_or(i64::MAX, |(id,)| *id);
    let held: Vec<(String, i64, i64)> = rows!(
        session,
        "SELECT state, tokens, free_ms FROM rag_requests WHERE service = $1 AND (state <> 'waiting' OR id < $2)
         ORDER BY id",
        wish.service,
        own
    )?;
    let period = millis(rate.period);
    let mut ahead = Vec::new();
    let mut counted = Vec::new();
    for (state, tokens, free_ms) in held {
        let tokens = u64::try_from(tokens).unwrap_or_default();
        match state.as_str() {
            "waiting" => ahead.push(tokens),
            // Its answer comes now at the earliest.
            "running" => counted.push(Held {
                tokens,
                free_ms: now + period,
            }),
            _ => counted.push(Held { tokens, free_ms }),
        }
    }
    ahead.push(wish.tokens);
    Ok(turn(&rate, earliest, counted, &ahead))
}

/// Notes that a request has its answer, and how many tokens it was; it counts for another period. With `pause` the
/// service is left alone so long by everybody. In a transaction that writes.
pub(crate) async fn settle(
    session: &mut Session<'_>,
    (service, rate): (&str, &Rate),
    request: i64,
    tokens: u64,
    pause: Option<Duration>,
) -> sqlx::Result<()> {
    let now = now_ms(session).await?;
    if rate.is_limited() {
        run!(
            session,
            "UPDATE rag_requests SET state = 'done', micros = 0, tokens = $1, free_ms = $2 WHERE id = $3",
            signed(tokens),
            now + millis(rate.period),
            request
        )?;
    } else {
        run!(session, "DELETE FROM rag_requests WHERE id = $1", request)?;
    }
    if let Some(pause) = pause {
        let latest = if session.is_postgres() {
            "GREATEST"
        } else {
            "MAX"
        };
        let sql = format!(
            "INSERT INTO rag_pauses (service, until_ms) VALUES ($1, $2)
             ON CONFLICT (service) DO UPDATE SET until_ms = {latest}(rag_pauses.until_ms, excluded.until_ms)"
        );
        run!(session, &sql, service, now.saturating_add(millis(pause)))?;
    }
    Ok(())
}
