use apikeys_core::{
    KeyStore,
    conformance::faults::Interceptor,
    store::{Batch, RecordOutcome, StoreResult},
};
use async_trait::async_trait;

use super::{Instant, SqliteStore, Times, push};

/// A store that measures how long `record` takes.
#[derive(Debug)]
pub(super) struct Timed {
    inner: SqliteStore,
    times: Times,
}

impl Timed {
    pub(super) fn new(inner: SqliteStore, times: Times) -> Self {
        Self { inner, times }
    }
}

#[async_trait]
impl Interceptor for Timed {
    type Store = SqliteStore;

    fn store(&self) -> &SqliteStore {
        &self.inner
    }

    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
        let began = Instant::now();
        let recorded = self.inner.record(batch).await;
        push(&self.times, began.elapsed());
        recorded
    }
}
