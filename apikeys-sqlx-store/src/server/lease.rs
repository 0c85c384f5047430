use std::{
    ops::{Deref, DerefMut},
    time::Instant,
};

use sqlx::{Pool, pool::PoolConnection};

use super::Server;
use crate::error::Failure;

/// A connection of a pool while an operation uses it.
///
/// If a network or a server stops responding, operations are dropped at the engine's time limit. The pool would wait
/// for an answer on their connections, so that soon all connections of the pool wait. A dropped operation that took
/// long therefore closes its connection, and the next operation opens a new one.
pub(crate) struct Lease<S: Server> {
    connection: PoolConnection<S>,
    began: Instant,
    is_running: bool,
}

impl<S: Server> Lease<S> {
    pub(crate) async fn take(pool: &Pool<S>) -> Result<Self, Failure> {
        let connection = pool.acquire().await?;
        Ok(Self { connection, began: Instant::now(), is_running: true })
    }

    /// Ends the operation. If the connection was lost, it is closed; otherwise it returns to the pool.
    pub(crate) fn end<T>(mut self, result: &Result<T, Failure>) {
        self.is_running = false;
        if result.as_ref().is_err_and(Failure::is_lost) {
            self.connection.close_on_drop();
        }
    }
}

impl<S: Server> Drop for Lease<S> {
    fn drop(&mut self) {
        if self.is_running && self.began.elapsed() >= S::SUSPECT {
            self.connection.close_on_drop();
        }
    }
}

impl<S: Server> Deref for Lease<S> {
    type Target = S::Connection;

    fn deref(&self) -> &S::Connection {
        &self.connection
    }
}

impl<S: Server> DerefMut for Lease<S> {
    fn deref_mut(&mut self) -> &mut S::Connection {
        &mut self.connection
    }
}
