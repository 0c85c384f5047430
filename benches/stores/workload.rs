//! The keys and events of the measurement.

use std::time::Duration;

use apikeys_benches::Result;
use apikeys_core::{
    Actor, ApiKeys, KeyId, KeyStore, NewKey, OrgId, PlanName, RateLimit, RequestMeta, Timestamp,
    audit::{Action, AuditEvent, Detail, Outcome, RequestRecord},
    id::{EventId, WriterId},
    store::Batch,
    token::Locator,
};
use sha2::{Digest, Sha256};

/// The number of keys, and of events in a batch.
pub(crate) const KEYS: usize = 1_000;

/// Keys of one organization, and a writer.
pub(crate) struct Workload {
    pub(crate) org: OrgId,
    pub(crate) keys: Vec<KeyId>,
    pub(crate) secrets: Vec<String>,
    pub(crate) locators: Vec<Locator>,
    writer: WriterId,
}

impl Workload {
    /// Creates the keys.
    pub(crate) async fn new(store: impl KeyStore + Clone) -> Result<Self> {
        let engine = ApiKeys::builder(store.clone()).build().await?.0;
        let (org, actor) = (OrgId::new("org_bench")?, Actor::new("bench")?);
        engine.operator(actor.clone()).set_plan(&org, PlanName::new("enterprise")?).await?;
        let (mut keys, mut secrets, mut locators) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..KEYS {
            let new = NewKey::new("CI")?.rate_limit(RateLimit::per_minute(10_000)?);
            let created = engine.manage(&org, actor.clone()).create(new).await?;
            keys.push(created.key.id());
            secrets.push(created.secret.expose().to_owned());
            let digest = Sha256::digest(created.secret.expose().as_bytes());
            locators.push(Locator::new(apikeys_core::token::Scheme::Sha256, digest.to_vec()));
        }
        let writer = WriterId::from_bytes([7; 16]);
        store.open_writer(writer).await?;
        Ok(Self { org, keys, secrets, locators, writer })
    }

    /// Returns a batch of [`KEYS`] events of the first `keys` keys in turn.
    pub(crate) fn batch(&self, sequence: u64, keys: usize) -> Batch {
        let events = self.keys.iter().take(keys).cycle().take(KEYS).zip(0..);
        let events = events.map(|(key, number)| event(&self.org, *key, sequence, number));
        Batch::new(self.writer, sequence, events.collect())
    }
}

fn event(org: &OrgId, key: KeyId, sequence: u64, number: u64) -> AuditEvent {
    let micros = 1_893_456_000_000_000 + sequence * 100_000 + number;
    let mut id = [7; 16];
    for (byte, from) in id.iter_mut().zip(micros.to_be_bytes().into_iter().skip(1)) {
        *byte = from;
    }
    let at = Timestamp::from_micros(i64::try_from(micros).unwrap_or_default());
    let mut event = AuditEvent::new(EventId::from_bytes(id), at, org.clone(), Action::Request);
    event.key = Some(key);
    let meta = RequestMeta::new("GET", "/v1/items/17").with_user_agent(b"bench/1.0");
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::from_millis(2)));
    event
}
