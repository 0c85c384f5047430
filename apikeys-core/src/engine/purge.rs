use std::{sync::atomic::Ordering, time::Duration};

use futures_util::future::select;

use super::inner::Inner;
use crate::store::{PurgeProgress, StoreResult};

/// The maximum number of rows of one piece, which take a store some milliseconds.
const PIECE: u32 = 1_000;
/// The pause after a piece, in which the store can record events and make changes without waiting for the
/// purge.
const PAUSE: Duration = Duration::from_millis(20);
/// The interval at which the store is asked for rows that another instance left.
const INTERVAL: Duration = Duration::from_secs(60);

/// Removes the rows of forgotten organizations in pieces, including rows that another instance left when it
/// ended.
pub(super) async fn purge_loop(inner: &Inner) {
    loop {
        // Listening begins before the store is asked, so that no organization is missed in between.
        let wanted = inner.purge_wanted.listen();
        match purge_piece(inner).await {
            Ok(purged) if purged.more => inner.clock.sleep(PAUSE).await,
            Ok(_) => {
                select(wanted, inner.clock.sleep(INTERVAL)).await;
            }
            Err(error) => {
                inner.observer.store_failed(&error);
                inner.clock.sleep(INTERVAL).await;
            }
        }
    }
}

/// Removes the rows of an organization that was just forgotten. If the maintenance is running, the
/// maintenance removes the rows. Otherwise this function removes the rows before it returns.
///
/// If the purge fails, the failure is only logged, because the organization is forgotten already and the next
/// purge continues.
pub(super) async fn purge_forgotten(inner: &Inner) {
    if inner.maintained.load(Ordering::SeqCst) {
        inner.purge_wanted.notify(usize::MAX);
        return;
    }
    loop {
        match purge_piece(inner).await {
            Ok(purged) if purged.more => {}
            Ok(_) => return,
            Err(error) => return inner.observer.store_failed(&error),
        }
    }
}

async fn purge_piece(inner: &Inner) -> StoreResult<PurgeProgress> {
    inner.ask("purge", inner.store.purge(PIECE)).await
}
