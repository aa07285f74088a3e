//! The connection that hears notifications.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgListener, PgPool};

use crate::error::StoreError;
use crate::store::StoreResult;
use crate::store::notify::{Channel, Heard, Listener};

const INTENT: &str = "listen for what others write";

pub(super) struct PostgresListener {
    listener: PgListener,
}

impl PostgresListener {
    /// Takes a connection out of `pool` and keeps it.
    pub(super) async fn open(pool: &PgPool) -> StoreResult<Self> {
        let failed = || StoreError::statement(INTENT);
        let mut listener = PgListener::connect_with(pool).await.map_err(failed())?;
        // Who listens has to know that something was missed.
        listener.eager_reconnect(false);
        let channels = Channel::ALL.map(Channel::name);
        listener.listen_all(channels).await.map_err(failed())?;
        Ok(Self { listener })
    }
}

impl Listener for PostgresListener {
    fn next(&mut self) -> BoxFuture<'_, StoreResult<Heard>> {
        async {
            let failed = || StoreError::statement(INTENT);
            loop {
                let heard = self.listener.try_recv().await.map_err(failed())?;
                let heard = heard.ok_or_else(|| {
                    let lost = std::io::ErrorKind::ConnectionReset;
                    failed()(sqlx::Error::Io(lost.into()))
                })?;
                let is_it = |channel: &Channel| channel.name() == heard.channel();
                if let Some(channel) = Channel::ALL.into_iter().find(is_it) {
                    return Ok(Heard {
                        channel,
                        payload: heard.payload().to_owned(),
                    });
                }
            }
        }
        .boxed()
    }
}
