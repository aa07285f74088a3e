//! Processes take turns at a queue whose limits they share.
//!
//! Counting what runs and taking what is left is not one moment: without turns two processes count the same and take
//! different rows, and the limit is exceeded. An isolation level alone does not help. Under repeatable read nobody sees
//! that the other took something as long as they take different rows, and they do when a row with a lower priority
//! number, or one that was committed late, comes to stand before the others.

use super::sql::params;
use super::{StoreResult, Transaction};
use crate::queue::Queue;

/// A process that hangs holds the others up for five seconds, not for ever.
const TURN: &str = "
    SELECT set_config('lock_timeout', '5s', TRUE) IS NOT NULL
       AND pg_advisory_xact_lock($1) IS NOT NULL";

/// Waits until no other process is taking work off the queue, and keeps the others waiting until the transaction ends.
/// Its isolation is read committed, so that its next statement sees what the one before took. For PostgreSQL: on
/// SQLite whoever writes is alone.
pub(super) async fn wait_for_turn(transaction: &mut Transaction, queue: &Queue) -> StoreResult<()> {
    let turn = params![lock_number(queue.name())];
    transaction
        .query("wait for the turn at a queue", TURN, turn)
        .await?;
    Ok(())
}

/// The number of the advisory lock of a queue. Two queues that share one only wait for each other.
fn lock_number(queue: &str) -> i64 {
    let bytes = "durable queue ".bytes().chain(queue.bytes());
    // FNV-1a, 64 bits: the same in every process.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}
