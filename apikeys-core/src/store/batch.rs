use std::collections::BTreeMap;
use std::time::Duration;

use crate::{
    Timestamp,
    audit::{AuditEvent, Outcome},
    id::{KeyId, OrgId, WriterId},
};

/// Audit events of one writer, recorded in one transaction, exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// Who writes.
    pub writer: WriterId,
    /// The number of the batch: 1, 2, 3 … of its writer.
    pub sequence: u64,
    /// The events.
    pub events: Vec<AuditEvent>,
}

/// What became of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recorded {
    /// It is recorded now.
    Applied,
    /// It was recorded before; nothing was written.
    AlreadyApplied,
    /// The writer is not open; nothing was written.
    UnknownWriter,
}

/// What a batch adds to a key's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CounterDelta {
    /// The key.
    pub key: KeyId,
    /// Admitted requests.
    pub requests: u64,
    /// When the latest of them began; the counter keeps the later of the two.
    pub last_used_at: Timestamp,
}

/// What a batch adds to a key's usage in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageDelta {
    /// The organization.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// The start of the hour, UTC.
    pub hour: Timestamp,
    /// Admitted requests.
    pub requests: u64,
    /// Denied requests.
    pub denied: u64,
}

impl Batch {
    /// The `sequence`-th batch of `writer`.
    #[must_use]
    pub const fn new(writer: WriterId, sequence: u64, events: Vec<AuditEvent>) -> Self {
        Self { writer, sequence, events }
    }

    /// The counters that go with the events, by key. Denials move none.
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

    /// The usage that goes with the events, by key and hour.
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
