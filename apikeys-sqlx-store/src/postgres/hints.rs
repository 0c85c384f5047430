//! Hears of changes at once, through LISTEN and NOTIFY. A lost notification only means that an instance learns of the
//! change at its next poll.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use async_lock::Mutex;
use sqlx::postgres::{PgListener, PgPool};

use crate::error::Failure;

/// The channel on which each change is announced.
const CHANNEL: &str = "apikeys";

/// A connection that listens.
pub(super) struct Hints {
    /// Has one connection.
    pool: PgPool,
    /// `None` before the first use, and after an error.
    listener: Mutex<Option<PgListener>>,
}

impl Hints {
    pub(super) const fn new(pool: PgPool) -> Self {
        Self { pool, listener: Mutex::new(None) }
    }

    /// Waits until a change is announced, or until changes may have been missed. If several engines of a process share
    /// the store, one of them waits here, and the others wait for their turn.
    pub(super) async fn next(&self) -> Result<(), Failure> {
        let mut listener = self.listener.lock().await;
        let Some(listening) = &mut *listener else {
            let mut new = PgListener::connect_with(&self.pool).await?;
            // A lost connection is noticed here, because changes may have been missed.
            new.eager_reconnect(false);
            new.listen(CHANNEL).await?;
            *listener = Some(new);
            // Changes before the first LISTEN were not announced to this connection.
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
        // This ends a wait, so that the lock is released.
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
