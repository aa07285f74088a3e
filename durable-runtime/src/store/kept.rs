//! Connections that are used again at once. A pool asks each connection that comes back whether it still answers: an
//! exchange with the database for each commit, on SQLite with its thread, while whoever comes next waits.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Database, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::clock;

/// When a connection goes back to its pool, which ends it when it is old.
const LONGEST: Duration = Duration::from_secs(600);

/// Connections of a pool, of which so many are in use at most, in the order of asking.
pub(super) struct Kept<DB: Database> {
    pool: Pool<DB>,
    room: Arc<Semaphore>,
    idle: Arc<Idle<DB>>,
}

/// A connection in use. Unless it is kept it goes back to the pool, which looks whether it still answers.
pub(super) struct Taken<DB: Database> {
    connection: PoolConnection<DB>,
    since: Instant,
    idle: Arc<Idle<DB>>,
    // Dropped last: then the connection is on its way back.
    _turn: OwnedSemaphorePermit,
}

struct Idle<DB: Database>(Mutex<Connections<DB>>);

struct Connections<DB: Database> {
    idle: Vec<(PoolConnection<DB>, Instant)>,
    /// The pool waits for all that are not here.
    closed: bool,
}

impl<DB: Database> fmt::Debug for Kept<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl<DB: Database> Kept<DB> {
    pub(super) fn of(pool: Pool<DB>, size: usize) -> Self {
        Self {
            pool,
            room: Arc::new(Semaphore::new(size)),
            idle: Arc::new(Idle(Mutex::new(Connections {
                idle: Vec::new(),
                closed: false,
            }))),
        }
    }

    async fn turn(&self) -> sqlx::Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.room).acquire_owned().await;
        turn.map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Waits for a connection.
    pub(super) async fn take(&self) -> sqlx::Result<Taken<DB>> {
        let turn = self.turn().await?;
        let idle = self.idle.lock().idle.pop();
        let (connection, since) = match idle {
            Some(idle) => idle,
            None => (self.pool.acquire().await?, clock::instant()),
        };
        Ok(Taken {
            connection,
            since,
            idle: Arc::clone(&self.idle),
            _turn: turn,
        })
    }

    /// The pool, in which a connection is free until the turn is over. Only SQLite's one writer is asked for by users.
    #[cfg(feature = "sqlite")]
    pub(super) async fn lend(&self) -> sqlx::Result<(&Pool<DB>, OwnedSemaphorePermit)> {
        let turn = self.turn().await?;
        drop(self.idle.lock().idle.pop());
        Ok((&self.pool, turn))
    }

    pub(super) async fn close(&self) {
        self.room.close();
        let idle = {
            let mut connections = self.idle.lock();
            connections.closed = true;
            std::mem::take(&mut connections.idle)
        };
        for (connection, _) in idle {
            if let Err(error) = connection.detach().close().await {
                tracing::debug!(%error, "a connection was not closed in order");
            }
        }
        self.pool.close().await;
    }
}

impl<DB: Database> Taken<DB> {
    /// Keeps the connection for the next one. Only where what was asked of it went well, to its end.
    pub(super) fn keep(self) {
        let Self {
            connection,
            since,
            idle,
            _turn,
        } = self;
        let mut connections = idle.lock();
        if clock::instant().duration_since(since) < LONGEST && !connections.closed {
            connections.idle.push((connection, since));
        }
    }
}

impl<DB: Database> Deref for Taken<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Taken<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl<DB: Database> Idle<DB> {
    fn lock(&self) -> MutexGuard<'_, Connections<DB>> {
        // A push or a pop that panics leaves the list whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// On the way back to its pool a connection needs the runtime, which may be gone by now.
impl<DB: Database> Drop for Idle<DB> {
    fn drop(&mut self) {
        for (connection, _) in self.lock().idle.drain(..) {
            drop(connection.detach());
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use futures_util::FutureExt;
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
    use sqlx::{Connection as _, Sqlite};

    use super::{Kept, LONGEST};

    /// The one connection to a file, for one at a time.
    fn one(folder: &tempfile::TempDir) -> Kept<Sqlite> {
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("a.db"))
            .create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(1);
        Kept::of(pool.connect_lazy_with(options), 1)
    }

    #[tokio::test]
    async fn a_connection_that_is_kept_is_there_at_once_for_who_waits() {
        let folder = tempfile::tempdir().unwrap();
        let kept = one(&folder);
        let first = kept.take().await.unwrap();
        let mut second = Box::pin(kept.take());
        assert!(second.as_mut().now_or_never().is_none(), "it is in use");

        first.keep();

        assert!(second.now_or_never().is_some_and(|taken| taken.is_ok()));
    }

    #[tokio::test]
    async fn a_connection_that_is_not_kept_comes_back_without_what_was_left_undone() {
        let folder = tempfile::tempdir().unwrap();
        let kept = one(&folder);
        let mut taken = kept.take().await.unwrap();
        let made = sqlx::query("CREATE TABLE t (x)").execute(&mut *taken).await;
        made.unwrap();
        let mut transaction = taken.begin().await.unwrap();
        let written = sqlx::query("INSERT INTO t VALUES (1)")
            .execute(&mut *transaction)
            .await;
        written.unwrap();
        drop(transaction);
        drop(taken);

        let mut next = kept.take().await.unwrap();

        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM t");
        assert_eq!(count.fetch_one(&mut *next).await.unwrap(), 0);
        assert!(next.begin().await.is_ok(), "no transaction is open");
    }

    #[tokio::test]
    async fn the_pool_that_is_lent_has_the_connection_until_the_turn_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let kept = one(&folder);
        kept.take().await.unwrap().keep();

        let (pool, turn) = kept.lend().await.unwrap();
        let transaction = pool.begin().await.unwrap();
        let mut next = Box::pin(kept.take());
        assert!(next.as_mut().now_or_never().is_none(), "it is lent");
        drop((transaction, turn));

        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn a_connection_goes_back_to_its_pool_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let kept = one(&folder);
        let mut taken = kept.take().await.unwrap();
        taken.since -= LONGEST;

        taken.keep();

        assert_eq!(kept.idle.lock().idle.len(), 0);
    }

    #[tokio::test]
    async fn who_asks_when_all_is_closed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let kept = one(&folder);
        kept.take().await.unwrap().keep();

        kept.close().await;

        let refused = kept.take().await.err();
        assert!(
            matches!(refused, Some(sqlx::Error::PoolClosed)),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn a_connection_that_was_in_use_when_all_was_closed_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let kept = one(&folder);
        let taken = kept.take().await.unwrap();
        let mut closing = Box::pin(kept.close());
        assert!(closing.as_mut().now_or_never().is_none(), "it is in use");

        taken.keep();

        closing.await;
    }

    #[test]
    fn what_is_kept_outlives_the_runtime_without_harm() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let kept = runtime.block_on(async {
            let kept = one(&folder);
            kept.take().await.unwrap().keep();
            kept
        });
        drop(runtime);

        drop(kept);

        assert!(folder.path().join("a.db").is_file());
    }
}
