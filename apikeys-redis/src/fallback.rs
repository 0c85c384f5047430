use std::num::NonZeroU32;

use apikeys_core::RateLimit;

/// What decides about rate limits while Redis does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// Each instance limits for itself. Each then admits as many requests as the limit allows. This is the default.
    #[default]
    Local,
    /// Each instance limits for itself, and admits its share of the limit: the limit divided by this number of instances,
    /// rounded up. The `RateLimit` fields of the response then show the share.
    Share(NonZeroU32),
    /// All requests are denied with `VERIFICATION_UNAVAILABLE` and status 503, except that a key which Redis has just denied
    /// is still denied with `RATE_LIMITED` until its time.
    Refuse,
}

impl Fallback {
    /// Returns the limit that one instance applies for itself, or `None` if it refuses all requests.
    pub(crate) fn limit(self, limit: RateLimit) -> Option<RateLimit> {
        match self {
            Self::Local => Some(limit),
            // A share is from 1 to the limit, and therefore a valid limit.
            Self::Share(instances) => RateLimit::per_minute(limit.requests().div_ceil(instances.get())).ok(),
            Self::Refuse => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_up_and_at_least_one() {
        let share = |limit, instances| {
            let fallback = Fallback::Share(NonZeroU32::new(instances).unwrap());
            fallback.limit(RateLimit::per_minute(limit).unwrap()).unwrap().requests()
        };
        assert_eq!(
            [share(60, 1), share(60, 4), share(61, 4), share(1, 4), share(10_000, u32::MAX)],
            [60, 15, 16, 1, 1]
        );
        assert_eq!(Fallback::Refuse.limit(RateLimit::DEFAULT), None);
    }
}
