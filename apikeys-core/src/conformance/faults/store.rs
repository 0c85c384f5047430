use std::sync::Arc;

use super::{Fault, Faults, Method};
use crate::{
    clock::Clock,
    store::{StoreError, StoreErrorKind, StoreResult},
};

/// A store that forwards every call to `S`, with the faults that its [`Faults`] specify.
///
/// Clones share the faults.
#[derive(Debug, Clone)]
pub struct FaultStore<S> {
    pub(super) inner: S,
    clock: Arc<dyn Clock>,
    faults: Faults,
}

impl<S> FaultStore<S> {
    /// Wraps `inner`, without faults. [`Fault::Delay`] waits on `clock`.
    #[must_use]
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, faults: Faults::default() }
    }

    /// Returns the faults. A clone of the returned value can change the faults after the store was moved.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the wrapped store, which has no faults.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Calls `method` with the next fault of the method. The future `call` is the call of the wrapped store.
    pub(super) async fn call<T>(
        &self,
        method: Method,
        call: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let error = |kind| Err(StoreError::new(kind, method.as_str()));
        match self.faults.next(method) {
            None => call.await,
            Some(Fault::Error) => error(StoreErrorKind::Unavailable),
            Some(Fault::Rejected) => error(StoreErrorKind::Rejected),
            Some(Fault::Delay(duration)) => {
                self.clock.sleep(duration).await;
                call.await
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::AfterCommit) => {
                call.await?;
                error(StoreErrorKind::Unavailable)
            }
        }
    }
}
