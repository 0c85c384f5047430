use std::time::Duration;

use apikeys_core::Timestamp;

/// The time until a key expires, as a rounded number of one unit.
///
/// The number is rounded to the nearest whole number. The unit is the smallest one whose range contains the rounded
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeLeft {
    /// Seconds, from 1 to 119.
    Seconds(u64),
    /// Minutes, from 2 to 119.
    Minutes(u64),
    /// Hours, from 2 to 47.
    Hours(u64),
    /// Days, 2 or more.
    Days(u64),
}

impl TimeLeft {
    /// Returns the time from `now` to `end`, or `None` if `end` is not later than `now`.
    #[must_use]
    pub fn between(now: Timestamp, end: Timestamp) -> Option<Self> {
        let micros = u64::try_from(end.as_micros().saturating_sub(now.as_micros())).ok()?;
        let rounded = |unit: u64| {
            let unit = Duration::from_secs(unit).as_micros();
            u64::try_from((u128::from(micros) + unit / 2) / unit).unwrap_or(u64::MAX)
        };
        match rounded(1) {
            0 if micros == 0 => None,
            0 => Some(Self::Seconds(1)),
            number @ ..120 => Some(Self::Seconds(number)),
            _ if rounded(60) < 120 => Some(Self::Minutes(rounded(60))),
            _ if rounded(3_600) < 48 => Some(Self::Hours(rounded(3_600))),
            _ => Some(Self::Days(rounded(86_400))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_rounded_to_the_unit_that_reads_best() {
        const DAY: i64 = 86_400_000_000;
        let left = |micros| TimeLeft::between(Timestamp::from_micros(0), Timestamp::from_micros(micros));
        assert_eq!(left(7 * DAY), Some(TimeLeft::Days(7)));
        assert_eq!(left(7 * DAY - 90_000_000), Some(TimeLeft::Days(7)));
        assert_eq!(left(13 * DAY / 2), Some(TimeLeft::Days(7)));
        assert_eq!(left(13 * DAY / 2 - 1), Some(TimeLeft::Days(6)));
        assert_eq!(left(2 * DAY), Some(TimeLeft::Days(2)));
        assert_eq!(left(2 * DAY - 3_600_000_000), Some(TimeLeft::Hours(47)));
        assert_eq!(left(DAY - 1), Some(TimeLeft::Hours(24)));
        assert_eq!(left(7_200_000_000), Some(TimeLeft::Hours(2)));
        assert_eq!(left(7_100_000_000), Some(TimeLeft::Minutes(118)));
        assert_eq!(left(120_000_000), Some(TimeLeft::Minutes(2)));
        assert_eq!(left(119_000_000), Some(TimeLeft::Seconds(119)));
        assert_eq!(left(4_900_000), Some(TimeLeft::Seconds(5)));
        assert_eq!(left(1), Some(TimeLeft::Seconds(1)));
        assert_eq!(left(0), None);
        assert_eq!(left(-1), None);
    }
}
