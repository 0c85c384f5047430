use std::sync::Arc;

use async_trait::async_trait;

use super::{Fault, Faults, Method};
use crate::{
    audit::AuditEntry,
    clock::Clock,
    id::{EventId, KeyId, OrgId, WriterId},
    key::KeyView,
    store::{
        AuditQuery, Batch, Change, Committed, Found, KeyQuery, KeyStore, OrgRow, Page, Recorded, StoreError,
        StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};

/// A store that does what `S` does, unless its [`Faults`] say otherwise. Clones share the faults.
#[derive(Debug, Clone)]
pub struct FaultStore<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    faults: Faults,
}

impl<S> FaultStore<S> {
    /// A store without faults so far. Delays are waited for on `clock`.
    #[must_use]
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, faults: Faults::default() }
    }

    /// What goes wrong; clone it to keep hold of it when the store is given away.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The store that does the work.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// One call of `method`, of which `call` is the work.
    async fn meet<T>(
        &self,
        method: Method,
        call: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let error = |kind| Err(StoreError::new(kind, method.as_str()));
        match self.faults.meet(method) {
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

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: KeyStore> KeyStore for FaultStore<S> {
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>> {
        self.meet(Method::Find, self.inner.find(locators)).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        self.meet(Method::Schemes, self.inner.schemes()).await
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        self.meet(Method::Org, self.inner.org(org)).await
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        self.meet(Method::Key, self.inner.key(org, key)).await
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        self.meet(Method::Keys, self.inner.keys(query)).await
    }

    async fn commit(&self, change: &Change) -> StoreResult<Committed> {
        self.meet(Method::Commit, self.inner.commit(change)).await
    }

    async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
        self.meet(Method::OpenWriter, self.inner.open_writer(writer)).await
    }

    async fn record(&self, batch: &Batch) -> StoreResult<Recorded> {
        self.meet(Method::Record, self.inner.record(batch)).await
    }

    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
        self.meet(Method::Audit, self.inner.audit(query)).await
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        self.meet(Method::Usage, self.inner.usage(query)).await
    }
}
