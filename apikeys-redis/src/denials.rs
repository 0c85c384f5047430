use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use apikeys_core::{
    RateLimit, RateLimited,
    clock::Monotonic,
    limiter::{Charge, Subject},
};

const SHARDS: usize = 16;
/// The number of denials that are remembered in each shard.
const CAPACITY: usize = 4_096;

/// The denials that Redis has answered, each until its time. The memory is bounded: beyond that, denials are forgotten, and
/// Redis is asked again.
#[derive(Debug)]
pub(crate) struct Denials([Mutex<HashMap<Subject, Denied>>; SHARDS]);

#[derive(Debug, Clone, Copy)]
struct Denied {
    /// The limit and cost that were denied. For others, Redis may decide otherwise.
    limit: RateLimit,
    cost: u32,
    /// Until this time, Redis surely denies.
    certain_until: Monotonic,
    /// From this time on, Redis admits the charge, unless it has counted other requests of the subject meanwhile.
    retry_at: Monotonic,
}

impl Denials {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }

    /// Remembers that Redis has denied a charge for `wait` from some point in time between `earliest` and `latest`.
    pub(crate) fn remember(
        &self,
        charge: &Charge<'_>,
        wait: Duration,
        (earliest, latest): (Monotonic, Monotonic),
    ) {
        // The clock of Redis may be faster than this one.
        let certain = wait - wait / 1_000;
        let denied = Denied {
            limit: charge.limit,
            cost: charge.cost,
            certain_until: earliest.saturating_add(certain),
            retry_at: latest.saturating_add(wait),
        };
        self.with_shard(charge.subject, |shard| {
            if shard.len() >= CAPACITY
                && !shard.contains_key(&charge.subject)
                && let Some(any) = shard.keys().next().copied()
            {
                shard.remove(&any);
            }
            shard.insert(charge.subject, denied);
        });
    }

    /// Returns the refusal of the first charge that Redis surely denies at `now`.
    pub(crate) fn find(&self, charges: &[Charge<'_>], now: Monotonic) -> Option<RateLimited> {
        charges.iter().find_map(|charge| {
            let denied = self.with_shard(charge.subject, |shard| {
                let denied = *shard.get(&charge.subject)?;
                if denied.certain_until <= now {
                    shard.remove(&charge.subject);
                    return None;
                }
                Some(denied)
            })?;
            let is_same = (denied.limit, denied.cost) == (charge.limit, charge.cost);
            is_same.then(|| RateLimited::new(charge.limit, denied.retry_at.saturating_since(now)))
        })
    }

    fn with_shard<T>(
        &self,
        subject: Subject,
        use_shard: impl FnOnce(&mut HashMap<Subject, Denied>) -> T,
    ) -> T {
        let byte = match subject {
            Subject::Key(key) => key.as_bytes().iter().fold(0, |all, byte| all ^ byte),
            _ => 0,
        };
        let [first, ..] = &self.0;
        let shard = self.0.get(usize::from(byte) % SHARDS).unwrap_or(first);
        use_shard(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use apikeys_core::{KeyId, limiter::Window};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_micros(millis * 1_000)
    }

    fn subject(n: u32) -> Subject {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Subject::Key(KeyId::from_bytes(bytes))
    }

    #[test]
    fn denial_is_remembered_until_shortly_before_its_end_and_for_its_limit_only() {
        let (denials, window) = (Denials::new(), Window::new());
        let charge = |limit| [Charge::one(subject(1), RateLimit::per_minute(limit).unwrap(), &window)];
        denials.remember(&charge(5)[0], 10 * SECOND, (at(1_000), at(1_004)));
        let found = denials.find(&charge(5), at(2_000)).unwrap();
        assert_eq!((found.limit.requests(), found.retry_after), (5, Duration::from_millis(9_004)));
        assert_eq!(denials.find(&charge(6), at(2_000)), None, "another limit");
        let mut two = charge(5);
        two[0].cost = 2;
        assert_eq!(denials.find(&two, at(2_000)), None, "another cost");
        assert_eq!(denials.find(&[Charge::one(subject(2), RateLimit::DEFAULT, &window)], at(2_000)), None);
        assert!(denials.find(&charge(5), at(10_989)).is_some());
        assert_eq!(denials.find(&charge(5), at(10_990)), None);
    }

    #[test]
    fn a_million_denied_keys_use_bounded_memory() {
        let (denials, window) = (Denials::new(), Window::new());
        for n in 0..1_000_000 {
            let charge = Charge::one(subject(n), RateLimit::DEFAULT, &window);
            denials.remember(&charge, SECOND, (at(0), at(1)));
            assert!(denials.find(&[charge], at(2)).is_some(), "the latest denial is remembered");
        }
        let remembered: usize = denials.0.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(remembered <= SHARDS * CAPACITY, "{remembered}");
    }
}
