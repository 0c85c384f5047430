use std::collections::BTreeMap;
use std::time::Duration;

use crate::{
    Timestamp,
    audit::{AuditEvent, Outcome},
    id::{KeyId, OrgId, WriterId},
};

/// Audit events of one [writer](super::KeyStore::open_writer). The store records the events in one transaction,
/// and exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// The writer.
    pub writer: WriterId,
    /// The number of the batch in the sequence of its writer: 1, 2, 3 …
    pub sequence: u64,
    /// The events.
    pub events: Vec<AuditEvent>,
}

/// The outcome of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordOutcome {
    /// The batch was recorded by this call.
    Applied,
    /// The batch was recorded by an earlier call. Nothing was written.
    AlreadyApplied,
    /// The [writer](super::KeyStore::open_writer) is not open. Nothing was written.
    UnknownWriter,
}

/// The values that a batch adds to the counters of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CounterDelta {
    /// The key.
    pub key: KeyId,
    /// The number of admitted requests.
    pub requests: u64,
    /// The start of the latest admitted request. A store keeps the later of this time and the stored time.
    pub last_used_at: Timestamp,
}

/// The values that a batch adds to the usage of a key in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageDelta {
    /// The organization.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// The start of the hour in UTC.
    pub hour: Timestamp,
    /// The number of admitted requests.
    pub requests: u64,
    /// The number of denied requests.
    pub denied: u64,
}

impl Batch {
    /// Creates the batch with the number `sequence` of `writer`.
    #[must_use]
    pub const fn new(writer: WriterId, sequence: u64, events: Vec<AuditEvent>) -> Self {
        Self { writer, sequence, events }
    }

    /// Returns the values that the events add to the counters, by key. Denied requests add nothing.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterDelta> {
        let mut by_key: BTreeMap<KeyId, CounterDelta> = BTreeMap::new();
        for (event, key, outcome, count) in self.requests() {
            if outcome.is_admitted() {
                let fresh = CounterDelta { key, requests: 0, last_used_at: event.at };
                let delta = by_key.entry(key).or_insert(fresh);
                delta.requests += count;
                delta.last_used_at = delta.last_used_at.max(event.at);
            }
        }
        by_key.into_values().collect()
    }

    /// Returns the values that the events add to the usage, by key and hour.
    #[must_use]
    pub fn usage(&self) -> Vec<UsageDelta> {
        let mut by_hour: BTreeMap<(KeyId, Timestamp), UsageDelta> = BTreeMap::new();
        for (event, key, outcome, count) in self.requests() {
            let hour = event.at.floor_to(HOUR);
            let fresh = || UsageDelta { org: event.org.clone(), key, hour, requests: 0, denied: 0 };
            match outcome {
                Outcome::Answered | Outcome::Aborted => {
                    by_hour.entry((key, hour)).or_insert_with(fresh).requests += count;
                }
                Outcome::Denied => by_hour.entry((key, hour)).or_insert_with(fresh).denied += count,
                Outcome::Started | Outcome::Other(_) => {}
            }
        }
        by_hour.into_values().collect()
    }

    fn requests(&self) -> impl Iterator<Item = (&AuditEvent, KeyId, &Outcome, u64)> {
        self.events.iter().filter_map(|event| {
            let record = event.request()?;
            Some((event, event.key?, &record.outcome, u64::from(record.requests())))
        })
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
