use std::fmt;

use crate::{
    clock::Timestamp,
    denial::whole_seconds,
    rate_limit::{RateLimit, RateStatus},
};

/// The rate limit headers of a response.
///
/// Each response has these headers, so they are written without an allocation and without the machinery of `format!`,
/// which takes several times as long.
#[derive(Clone)]
pub struct RateHeaders {
    /// The values of all headers, one after the other.
    values: [u8; ROOM],
    written: u8,
    /// The end of each value. The values are in the order of [`NAMES`].
    ends: [u8; NAMES.len()],
    count: u8,
}

const NAMES: [&str; 6] = [
    "ratelimit-policy",
    "ratelimit",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-used",
    "x-ratelimit-reset",
];

/// The room for all values with the largest numbers: seven of up to 20 digits, and the text between them.
const ROOM: usize = 192;

impl RateHeaders {
    const NONE: Self = Self { values: [0; ROOM], written: 0, ends: [0; NAMES.len()], count: 0 };

    /// Returns the rate limit headers for `rate`, with names in lower case.
    ///
    /// `RateLimit-Policy: "per-key";q=60;w=60` and `RateLimit: "per-key";r=59;t=60` follow
    /// draft-ietf-httpapi-ratelimit-headers-11: `r` is the number of requests that are left, and `t` is the
    /// number of seconds until the oldest counted request leaves the window, rounded up. If `legacy_at` is given,
    /// which is the wall clock's time, the older `X-RateLimit-*` headers are added.
    pub(super) fn new(rate: &RateStatus, legacy_at: Option<Timestamp>) -> Self {
        let limit = u64::from(rate.limit.requests());
        let remaining = u64::from(rate.remaining);
        let mut headers = Self::NONE;
        headers.text("\"per-key\";q=").number(limit).text(";w=").number(RateLimit::WINDOW.as_secs()).end();
        let seconds = whole_seconds(rate.reset_after);
        headers.text("\"per-key\";r=").number(remaining).text(";t=").number(seconds).end();
        if let Some(now) = legacy_at {
            let reset = now.saturating_add(rate.reset_after).as_micros();
            let reset = reset.div_euclid(1_000_000) + i64::from(reset.rem_euclid(1_000_000) > 0);
            let used = limit.saturating_sub(remaining);
            for number in [limit, remaining, used, u64::try_from(reset).unwrap_or_default()] {
                headers.number(number).end();
            }
        }
        headers
    }

    /// Returns the names and values. The values are ASCII.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let mut begin = 0;
        NAMES.iter().zip(&self.ends).take(self.count.into()).map(move |(name, end)| {
            let value = self.values.get(begin..usize::from(*end)).unwrap_or_default();
            begin = usize::from(*end);
            (*name, value)
        })
    }

    fn text(&mut self, text: &str) -> &mut Self {
        if let Some(room) = self.room(text.len()) {
            room.copy_from_slice(text.as_bytes());
        }
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        let digits = number.checked_ilog10().unwrap_or_default() as usize + 1;
        let mut rest = number;
        for digit in self.room(digits).into_iter().flatten().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        self
    }

    /// Takes the next bytes, of which there are always enough.
    fn room(&mut self, bytes: usize) -> Option<&mut [u8]> {
        let begin = usize::from(self.written);
        let end = begin + bytes;
        let room = self.values.get_mut(begin..end)?;
        self.written = u8::try_from(end).ok()?;
        Some(room)
    }

    /// Ends the next value.
    fn end(&mut self) {
        if let Some(end) = self.ends.get_mut(usize::from(self.count)) {
            *end = self.written;
            self.count += 1;
        }
    }
}

impl Default for RateHeaders {
    fn default() -> Self {
        Self::NONE
    }
}

impl PartialEq for RateHeaders {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for RateHeaders {}

impl fmt::Debug for RateHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use sfv::{BareItem, List, ListEntry, Parser};

    use super::*;

    fn parameter(entry: &ListEntry, name: &str) -> i64 {
        let ListEntry::Item(item) = entry else { panic!("not an item") };
        assert!(matches!(&item.bare_item, BareItem::String(policy) if policy.as_str() == "per-key"));
        match item.params.get(name) {
            Some(BareItem::Integer(number)) => i64::from(*number),
            other => panic!("{name}: {other:?}"),
        }
    }

    proptest! {
        /// An independent parser of RFC 9651 reads the fields.
        #[test]
        fn rate_fields_are_structured_lists_with_the_right_numbers(limit in 1_u32..=10_000, used in 0_u32..20_000, millis in 0_u64..=60_000) {
            let limit = RateLimit::per_minute(limit).unwrap();
            let remaining = limit.requests().saturating_sub(used);
            let rate = RateStatus::new(limit, remaining, Duration::from_millis(millis));
            let headers = RateHeaders::new(&rate, None);
            let fields: Vec<_> = headers.iter().collect();
            prop_assert_eq!(fields.len(), 2);
            let list = |index: usize| Parser::new(std::str::from_utf8(fields[index].1).unwrap()).parse::<List>().unwrap();
            prop_assert_eq!(fields[0].0, "ratelimit-policy");
            prop_assert_eq!(parameter(&list(0)[0], "q"), i64::from(limit.requests()));
            prop_assert_eq!(parameter(&list(0)[0], "w"), 60);
            prop_assert_eq!(fields[1].0, "ratelimit");
            prop_assert_eq!(parameter(&list(1)[0], "r"), i64::from(remaining));
            let t = parameter(&list(1)[0], "t");
            prop_assert!((1..=60).contains(&t) && t * 1_000 >= millis.cast_signed());
        }
    }

    #[test]
    fn legacy_headers_with_the_largest_numbers_are_complete() {
        let limit = RateLimit::per_minute(10_000).unwrap();
        let rate = RateStatus::new(limit, u32::MAX, Duration::from_micros(u64::MAX));
        let headers = RateHeaders::new(&rate, Some(Timestamp::from_micros(i64::MAX)));
        let expected = [
            ("ratelimit-policy", "\"per-key\";q=10000;w=60"),
            ("ratelimit", "\"per-key\";r=4294967295;t=18446744073710"),
            ("x-ratelimit-limit", "10000"),
            ("x-ratelimit-remaining", "4294967295"),
            ("x-ratelimit-used", "0"),
            // The end of the year 9999, the latest time, rounded up.
            ("x-ratelimit-reset", "253402300800"),
        ];
        let text = |(name, value)| (name, std::str::from_utf8(value).unwrap());
        assert_eq!(headers.iter().map(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 1, 9, 10, 60, 99, 100, 10_000, u64::MAX] {
            let mut headers = RateHeaders::NONE;
            headers.number(number).end();
            assert_eq!(headers.iter().next().unwrap().1, number.to_string().as_bytes());
        }
    }
}
