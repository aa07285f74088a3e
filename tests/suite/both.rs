//! One test, two databases.

use std::time::Duration;

/// How long one test may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes of each `async fn name(store: Store)` the tests `name::sqlite` and `name::postgres`.
///
/// Behind `on one thread:` all that a test runs shares its thread, so that it can be watched.
macro_rules! on_both_stores {
    (on one thread: $($tests:tt)*) => {
        on_both_stores! { @ (flavor = "current_thread") $($tests)* }
    };
    (@ $runtime:tt
     $($(#[$attribute:meta])* async fn $name:ident($store:ident: Store) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test($store: durable_tests::store::Store) $body

            #[tokio::test $runtime]
            async fn sqlite() {
                $crate::both::bounded(test(durable_tests::store::Store::sqlite())).await;
            }

            #[tokio::test $runtime]
            async fn postgres() {
                $crate::both::bounded(test(durable_tests::store::Store::postgres().await)).await;
            }
        }
    )*};
    ($($tests:tt)*) => {
        on_both_stores! { @ (flavor = "multi_thread", worker_threads = 2) $($tests)* }
    };
}

/// Runs a test for a bounded time.
pub async fn bounded(test: impl Future<Output = ()>) {
    if tokio::time::timeout(PATIENCE, test).await.is_err() {
        panic!("the test did not finish within {PATIENCE:?}: something it awaits never happens");
    }
}
