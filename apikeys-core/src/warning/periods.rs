use std::time::Duration;

use crate::text::InvalidValue;

/// The times before the expiration of a key at which its administrators are warned, such as 30, 7 and 1 days.
///
/// Each period is 1 second to 366 days long. The default is one period of 7 days.
///
/// ```
/// use std::time::Duration;
/// use apikeys_core::warning::WarningPeriods;
///
/// let day = Duration::from_secs(86_400);
/// let periods = WarningPeriods::new([day, 30 * day, 7 * day])?;
/// assert_eq!(periods.as_slice(), [30 * day, 7 * day, day]);
/// # Ok::<(), apikeys_core::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningPeriods(Vec<Duration>);

impl WarningPeriods {
    /// The maximum number of periods.
    pub const MAX_PERIODS: usize = 10;

    const SHORTEST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(366 * 86_400);

    /// Creates the list from 1 to 10 periods in any order. Parts of a microsecond are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if `periods` is empty or has more than 10 periods, or if a period is shorter than a second or
    /// longer than 366 days.
    pub fn new(periods: impl IntoIterator<Item = Duration>) -> Result<Self, InvalidValue> {
        let whole =
            |period: Duration| period - Duration::from_nanos(u64::from(period.subsec_nanos() % 1_000));
        let mut periods: Vec<_> = periods.into_iter().take(Self::MAX_PERIODS + 1).map(whole).collect();
        let valid = |period: &Duration| (Self::SHORTEST..=Self::LONGEST).contains(period);
        if !(1..=Self::MAX_PERIODS).contains(&periods.len()) || !periods.iter().all(valid) {
            return Err(InvalidValue::new(
                "warning periods",
                "expected 1 to 10 periods of 1 second to 366 days",
            ));
        }
        periods.sort_unstable_by(|one, other| other.cmp(one));
        periods.dedup();
        Ok(Self(periods))
    }

    /// Returns the periods without duplicates, the longest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Duration] {
        &self.0
    }

    /// Returns the shortest period.
    pub(crate) fn shortest(&self) -> Duration {
        self.0.last().copied().unwrap_or(Self::SHORTEST)
    }
}

impl Default for WarningPeriods {
    /// Returns one period of 7 days.
    fn default() -> Self {
        Self(vec![Duration::from_secs(7 * 86_400)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_out_of_range_are_refused() {
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
        let longest = 366 * day;
        for valid in [vec![second], vec![longest], vec![second; 10], (1..=10).map(|n| n * day).collect()] {
            assert!(WarningPeriods::new(valid.clone()).is_ok(), "{valid:?}");
        }
        let short = second - Duration::from_micros(1);
        let long = longest + Duration::from_micros(1);
        for invalid in [vec![], vec![short], vec![long], vec![day, short], vec![day; 11]] {
            assert!(WarningPeriods::new(invalid.clone()).is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn periods_are_sorted_without_duplicates() {
        let day = Duration::from_secs(86_400);
        let periods = WarningPeriods::new([day, 7 * day, day, 30 * day]).unwrap();
        assert_eq!(periods.as_slice(), [30 * day, 7 * day, day]);
        assert_eq!(periods.shortest(), day);
    }
}
