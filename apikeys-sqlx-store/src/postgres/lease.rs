use std::{
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, Postgres, pool::PoolConnection, postgres::PgPool};

use crate::error::Failure;

/// A dropped operation that ran longer than this closes its connection.
const SUSPECT: Duration = Duration::from_millis(500);

/// A connection of a pool while an operation uses it.
///
/// If a network or a server stops responding, operations are dropped at the engine's time limit. The pool would wait
/// for an answer on their connections, so that soon all connections of the pool wait. A dropped operation that took
/// long therefore closes its connection, and the next operation opens a new one.
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    began: Instant,
    is_running: bool,
}

impl Lease {
    pub(super) async fn take(pool: &PgPool) -> Result<Self, Failure> {
        let connection = pool.acquire().await?;
        Ok(Self { connection, began: Instant::now(), is_running: true })
    }

    /// Ends the operation. If the connection was lost, it is closed; otherwise it returns to the pool.
    pub(super) fn end<T>(mut self, result: &Result<T, Failure>) {
        self.is_running = false;
        if result.as_ref().is_err_and(Failure::is_lost) {
            self.connection.close_on_drop();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_running && self.began.elapsed() > SUSPECT {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
