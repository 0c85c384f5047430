use std::{fmt, num::NonZeroU32, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::InvalidValue;

/// The highest number of requests that are admitted in any 60 seconds. The number is from 1 to 10,000.
///
/// In JSON, a rate limit is its number.
///
/// ```
/// use apikeys_core::RateLimit;
///
/// assert_eq!(RateLimit::per_minute(600)?.requests(), 600);
/// assert!(RateLimit::per_minute(0).is_err());
/// assert!(RateLimit::per_minute(10_001).is_err());
/// # Ok::<(), apikeys_core::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateLimit(NonZeroU32);

const INVALID: InvalidValue =
    InvalidValue::new("rate limit", "expected a whole number from 1 to 10000 requests a minute");

impl RateLimit {
    /// The span of time in which requests are counted: 60 seconds.
    pub const WINDOW: Duration = Duration::from_secs(60);
    /// The rate limit of plans that set no other limit: 60.
    pub const DEFAULT: Self = Self(NonZeroU32::new(60).unwrap());
    /// The highest rate limit: 10,000.
    pub const MAX: Self = Self(NonZeroU32::new(10_000).unwrap());

    /// Creates a limit of `requests` in any 60 seconds.
    ///
    /// # Errors
    ///
    /// Returns an error if the number is not from 1 to 10,000.
    pub const fn per_minute(requests: u32) -> Result<Self, InvalidValue> {
        match NonZeroU32::new(requests) {
            Some(number) if requests <= Self::MAX.0.get() => Ok(Self(number)),
            _ => Err(INVALID),
        }
    }

    /// Returns the number of requests in any 60 seconds.
    #[must_use]
    pub const fn requests(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/min", self.0)
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<i64> for RateLimit {
    type Error = InvalidValue;

    fn try_from(requests: i64) -> Result<Self, InvalidValue> {
        Self::per_minute(u32::try_from(requests).map_err(|_| INVALID)?)
    }
}

impl Serialize for RateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.requests())
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_accepts_whole_numbers_from_1_to_10_000_only() {
        for good in [1, 60, 10_000] {
            assert_eq!(RateLimit::try_from(good).map(RateLimit::requests), Ok(u32::try_from(good).unwrap()));
        }
        for bad in [0, 10_001, -1, i64::MIN, i64::MAX, 1 << 32 | 60] {
            assert_eq!(RateLimit::try_from(bad), Err(INVALID));
        }
        for bad in ["0", "10001", "-1", "1.5", "1e2", "18446744073709551616", "\"60\"", "null"] {
            assert!(serde_json::from_str::<RateLimit>(bad).is_err(), "{bad}");
        }
    }
}
