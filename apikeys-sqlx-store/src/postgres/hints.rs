//! Waits for the announcements of changes (`LISTEN` and `NOTIFY`), so that an instance polls at once. If an
//! announcement is lost, the instance finds the change at its next poll.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use async_lock::Mutex;
use sqlx::postgres::{PgListener, PgPool};

use crate::error::Failure;

/// The channel on which each change is announced.
const CHANNEL: &str = "apikeys";

/// The connection on which a store listens for announcements.
pub(super) struct Hints {
    /// A pool with one connection.
    pool: PgPool,
    /// `None` before the first use, and after an error.
    listener: Mutex<Option<PgListener>>,
}

impl Hints {
    pub(super) const fn new(pool: PgPool) -> Self {
        Self { pool, listener: Mutex::new(None) }
    }

    /// Waits until a change is announced, or until announcements may have been lost. If several engines of a process
    /// share the store, only one of them waits for announcements at a time. The others wait for the lock, and find
    /// changes when they poll.
    pub(super) async fn next(&self) -> Result<(), Failure> {
        let mut listener = self.listener.lock().await;
        let Some(listening) = &mut *listener else {
            let mut new = PgListener::connect_with(&self.pool).await?;
            // After a lost connection, `try_recv` returns before it connects again, so that the engine polls at once
            // for changes whose announcements were lost.
            new.eager_reconnect(false);
            new.listen(CHANNEL).await?;
            *listener = Some(new);
            // Changes before `LISTEN` were not announced to this connection, so the engine polls.
            return Ok(());
        };
        let result = listening.try_recv().await.map(drop);
        if result.is_err() {
            *listener = None;
            return Ok(result?);
        }
        drain(listening);
        Ok(())
    }

    /// Closes the connection.
    pub(super) async fn close(&self) {
        // Closing the pool ends a wait in `next`, which then releases the lock.
        let closed = self.pool.close();
        *self.listener.lock().await = None;
        closed.await;
    }
}

/// Drops the notifications that have arrived, because one poll finds all changes.
fn drain(listener: &mut PgListener) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Ok(Some(_))) = pin!(listener.try_recv()).poll(&mut cx) {}
}
