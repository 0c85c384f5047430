use async_lock::{Mutex, Semaphore, SemaphoreGuard};

/// Limits how many operations use a pool's connections at the same time, so that some connections remain for
/// verification. Operations that wait are admitted in order.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Held by the first operation that waits. The semaphore alone would admit a new operation before an
    /// operation that already waits. The lock becomes fair when a task has waited for it.
    first: Mutex<()>,
    free: Semaphore,
}

impl Turns {
    /// Admits `turns` operations at the same time.
    pub(crate) fn new(turns: usize) -> Self {
        Self { first: Mutex::new(()), free: Semaphore::new(turns) }
    }

    /// Waits until the operation is admitted. The operation ends when the guard is dropped.
    pub(crate) async fn take(&self) -> SemaphoreGuard<'_> {
        let _first = self.first.lock().await;
        self.free.acquire().await
    }
}
