use std::collections::HashMap;

use apikeys_core::{
    Actor, KeyId, KeyName, MemoryStore, OrgId, PlanName, RateLimit, Timestamp,
    conformance::faults::Interceptor,
    store::{Batch, FoundKey, KeyRow, RecordOutcome, Revision, SecretRow, StoreResult},
    token::{Fingerprint, Locator},
};

/// A store with many keys, whose rows are made when they are read, and which drops all batches.
#[derive(Debug)]
pub struct Planted {
    store: MemoryStore,
    places: HashMap<[u8; 32], usize>,
}

impl Planted {
    /// Creates a store that has a key for each of the secrets. Anything else is stored in `store`.
    #[must_use]
    pub fn new(store: MemoryStore, secrets: &[String]) -> Self {
        let places = secrets.iter().enumerate();
        let places = places.map(|(place, secret)| (*Fingerprint::of(secret).as_bytes(), place)).collect();
        Self { store, places }
    }
}

fn row(place: usize) -> Option<KeyRow> {
    let mut id = [7; 16];
    id.iter_mut().zip(place.to_be_bytes()).for_each(|(byte, from)| *byte = from);
    let org = OrgId::new(format!("organization-{}", place / 10)).ok()?;
    let (name, actor) = (KeyName::new("Production").ok()?, Actor::new("ann@example.com").ok()?);
    let shown = "key_0123".to_owned();
    let mut row = KeyRow::new(KeyId::from_bytes(id), org, name, shown, Timestamp::from_micros(0), actor);
    row.rate_limit = RateLimit::per_minute(10_000).ok();
    Some(row)
}

#[async_trait::async_trait]
impl Interceptor for Planted {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
        let Some(locator) = locators.first() else { return Ok(None) };
        let place = <[u8; 32]>::try_from(locator.as_bytes()).ok().and_then(|digest| self.places.get(&digest));
        Ok(place.and_then(|place| row(*place)).and_then(|row| {
            let secret = SecretRow::new(locator.clone(), row.id, row.created_at);
            Some(FoundKey::new(secret, row, PlanName::new("enterprise").ok()?, Revision(1)))
        }))
    }

    async fn record(&self, _: &Batch) -> StoreResult<RecordOutcome> {
        Ok(RecordOutcome::Applied)
    }
}
