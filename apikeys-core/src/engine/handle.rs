use std::{ops::Deref, sync::Arc};

use super::inner::Inner;
use crate::shard::{SHARDS, own_shard};

/// Pointers to the engine. The threads are divided into groups, see `shard`, and each group has its own pointer. Each
/// running request holds a copy of its group's pointer. If all threads changed one reference count, they would slow
/// each other down.
#[derive(Debug, Clone)]
pub(super) struct Handles(Arc<[Arc<Handle>]>);

#[derive(Debug)]
#[repr(align(128))]
struct Handle {
    inner: Arc<Inner>,
    shard: usize,
}

/// The engine while a request runs. The request counts as running until the value is dropped.
#[derive(Debug)]
pub(super) struct Running(Arc<Handle>);

impl Handles {
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        let handle = |shard| Arc::new(Handle { inner: Arc::clone(inner), shard });
        Self((0..SHARDS).map(handle).collect())
    }

    /// Begins a request. Returns `None` if the shutdown has begun.
    pub(super) fn begin(&self) -> Option<Running> {
        let handle = self.0.get(own_shard())?;
        let running = Running(Arc::clone(handle));
        running.lifecycle.begin_request(handle.shard).then_some(running)
    }
}

impl Deref for Running {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0.inner
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.inner.lifecycle.end_request(self.0.shard);
    }
}
