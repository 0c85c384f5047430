use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::InvalidValue;

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Timestamps cover the years 0000 to 9999, the range of RFC 3339. Their text and JSON are RFC 3339
/// in UTC. Parsing accepts any offset, and cuts off fractions of a microsecond.
///
/// ```
/// use apikeys_core::Timestamp;
///
/// let noon: Timestamp = "2030-01-01T13:00:00+01:00".parse()?;
/// assert_eq!(noon.to_string(), "2030-01-01T12:00:00Z");
/// assert_eq!(Timestamp::from_micros(noon.as_micros()), noon);
/// # Ok::<(), apikeys_core::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// `0000-01-01T00:00:00Z`.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// `9999-12-31T23:59:59.999999Z`.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Creates the point `micros` microseconds after 1970-01-01T00:00:00Z. If that point is out of range, returns
    /// [`MIN`](Self::MIN) or [`MAX`](Self::MAX), whichever is nearer.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z. The number is negative for earlier points in
    /// time.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the point that is `duration` later. If that point is later than [`MAX`](Self::MAX), returns
    /// `MAX`.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Returns the point that is `duration` earlier. If that point is earlier than [`MIN`](Self::MIN),
    /// returns `MIN`.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// Rounds down to a multiple of `step` since 1970, such as the start of the minute, hour or UTC
    /// day. Returns the point itself if `step` is zero.
    #[must_use]
    pub fn floor_to(self, step: Duration) -> Self {
        match i64::try_from(step.as_micros()) {
            Ok(step) if step > 0 => Self::from_micros(self.0.div_euclid(step).saturating_mul(step)),
            _ => self,
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from(*self).format(&Rfc3339).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const INVALID: InvalidValue = InvalidValue::new("time", "expected RFC 3339, such as 2030-01-31T00:00:00Z");

impl FromStr for Timestamp {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The crate `time` accepts any character between date and time.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(INVALID);
        }
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| INVALID)?;
        let exact = micros_of(parsed);
        let held = Self::from_micros(exact);
        if held.0 == exact { Ok(held) } else { Err(INVALID) }
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        Self::from_micros(micros_of(at))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(at: Timestamp) -> Self {
        Self::from_unix_timestamp_nanos(i128::from(at.0) * 1_000)
            .unwrap_or(Self::UNIX_EPOCH)
            .to_offset(UtcOffset::UTC)
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(at: std::time::SystemTime) -> Self {
        match at.duration_since(std::time::UNIX_EPOCH) {
            // `Duration::as_micros` computes with 128 bits, which is slower.
            Ok(since) if since.as_secs() < 1 << 40 => Self::from_micros(
                since.as_secs().cast_signed() * 1_000_000 + i64::from(since.subsec_micros()),
            ),
            Ok(since) => Self(0).saturating_add(since),
            Err(before) => Self(0).saturating_sub(before.duration()),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn micros_of(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn min_and_max_are_the_limits_of_rfc_3339() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!("9999-12-31T23:59:59-23:59".parse::<Timestamp>(), Err(INVALID));
    }

    #[test]
    fn timestamp_requires_a_t_between_date_and_time() {
        assert!("2030-01-01t00:00:00z".parse::<Timestamp>().is_ok());
        for bad in
            ["2030-01-01 00:00:00Z", "2030-01-01N00:00:00Z", "2030-01-01\u{e9}00:00:00Z", "2030-01-01", ""]
        {
            assert_eq!(bad.parse::<Timestamp>(), Err(INVALID), "{bad}");
        }
    }

    #[test]
    fn floor_to_an_hour_rounds_down_before_1970() {
        let at: Timestamp = "1969-12-31T23:30:00Z".parse().unwrap();
        assert_eq!(at.floor_to(Duration::from_secs(3_600)).to_string(), "1969-12-31T23:00:00Z");
    }
}
