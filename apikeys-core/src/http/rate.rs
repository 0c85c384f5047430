use crate::{
    clock::Timestamp,
    denial::whole_seconds,
    rate_limit::{RateLimit, RateStatus},
};

/// Calls `set` with the name and the value of each rate limit header for `rate`. The values are ASCII.
///
/// `RateLimit-Policy: "per-key";q=60;w=60` and `RateLimit: "per-key";r=59;t=60` follow
/// draft-ietf-httpapi-ratelimit-headers-11: `r` is the number of requests that are left, and `t` is the
/// number of seconds until the oldest counted request leaves the window, rounded up. If `legacy_at` is given,
/// which is the wall clock's time, the older `X-RateLimit-*` headers are added.
pub(super) fn rate_headers(
    rate: &RateStatus,
    legacy_at: Option<Timestamp>,
    mut set: impl FnMut(&'static str, &[u8]),
) {
    let limit = u64::from(rate.limit.requests());
    let remaining = u64::from(rate.remaining);
    let mut policy = Value::new();
    policy.text(b"\"per-key\";q=").number(limit).text(b";w=").number(RateLimit::WINDOW.as_secs());
    set("ratelimit-policy", policy.as_bytes());
    let mut state = Value::new();
    state.text(b"\"per-key\";r=").number(remaining).text(b";t=").number(whole_seconds(rate.reset_after));
    set("ratelimit", state.as_bytes());
    if let Some(now) = legacy_at {
        let reset = now.saturating_add(rate.reset_after).as_micros();
        let reset = reset.div_euclid(1_000_000) + i64::from(reset.rem_euclid(1_000_000) > 0);
        let used = limit.saturating_sub(remaining);
        for (name, number) in [
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-used", used),
            ("x-ratelimit-reset", u64::try_from(reset).unwrap_or_default()),
        ] {
            set(name, Value::new().number(number).as_bytes());
        }
    }
}

/// The text of a header's value. Each response has such values, so they are written without an allocation and without
/// the machinery of `format!`, which takes several times as long.
struct Value {
    bytes: [u8; ROOM],
    written: usize,
}

/// The room for a value with two numbers of 20 digits and the text around them.
const ROOM: usize = 64;

impl Value {
    const fn new() -> Self {
        Self { bytes: [0; ROOM], written: 0 }
    }

    fn text<const LEN: usize>(&mut self, text: &[u8; LEN]) -> &mut Self {
        // There is always room. With a constant length, the compiler copies without a loop.
        if let Some(room) = self.bytes.get_mut(self.written..).and_then(|rest| rest.first_chunk_mut()) {
            *room = *text;
            self.written += LEN;
        }
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        let digit = |power| b'0' + u8::try_from(number / power % 10).unwrap_or_default();
        match number {
            0..10 => self.text(&[digit(1)]),
            10..100 => self.text(&[digit(10), digit(1)]),
            100..1_000 => self.text(&[digit(100), digit(10), digit(1)]),
            1_000..10_000 => self.text(&[digit(1_000), digit(100), digit(10), digit(1)]),
            _ => self.number(number / 10_000).last_digits(number),
        }
    }

    /// Adds the last four digits of a number.
    fn last_digits(&mut self, number: u64) -> &mut Self {
        let digit = |power| b'0' + u8::try_from(number / power % 10).unwrap_or_default();
        self.text(&[digit(1_000), digit(100), digit(10), digit(1)])
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.written).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use sfv::{BareItem, List, ListEntry, Parser};

    use super::*;

    fn headers(rate: &RateStatus, legacy_at: Option<Timestamp>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        rate_headers(rate, legacy_at, |name, value| {
            headers.push((name, String::from_utf8(value.to_vec()).unwrap()));
        });
        headers
    }

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
            let fields = headers(&rate, None);
            prop_assert_eq!(fields.len(), 2);
            let list = |index: usize| Parser::new(&fields[index].1).parse::<List>().unwrap();
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
        let headers = headers(&rate, Some(Timestamp::from_micros(i64::MAX)));
        let expected = [
            ("ratelimit-policy", "\"per-key\";q=10000;w=60"),
            ("ratelimit", "\"per-key\";r=4294967295;t=18446744073710"),
            ("x-ratelimit-limit", "10000"),
            ("x-ratelimit-remaining", "4294967295"),
            ("x-ratelimit-used", "0"),
            // The end of the year 9999, the latest time, rounded up.
            ("x-ratelimit-reset", "253402300800"),
        ];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(headers, expected);
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        for number in powers.flat_map(|power| [power - 1, power, power + 1, power / 7]).chain([u64::MAX]) {
            assert_eq!(Value::new().number(number).as_bytes(), number.to_string().as_bytes());
        }
    }
}
