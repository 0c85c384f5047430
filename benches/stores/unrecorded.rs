use apikeys_core::{
    KeyStore,
    conformance::faults::Interceptor,
    store::{Batch, RecordOutcome, StoreResult},
};
use async_trait::async_trait;

/// A store that drops all events.
#[derive(Debug)]
pub(crate) struct Unrecorded<S>(pub(crate) S);

#[async_trait]
impl<S: KeyStore> Interceptor for Unrecorded<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.0
    }

    async fn record(&self, _: &Batch) -> StoreResult<RecordOutcome> {
        Ok(RecordOutcome::Applied)
    }
}
