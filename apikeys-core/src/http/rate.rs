use crate::{
    clock::Timestamp,
    denial::whole_seconds,
    rate_limit::{RateLimit, RateStatus},
};

/// Returns the rate limit headers for `rate`, with names in lower case.
///
/// `RateLimit-Policy: "per-key";q=60;w=60` and `RateLimit: "per-key";r=59;t=60` follow
/// draft-ietf-httpapi-ratelimit-headers-11: `r` is the number of requests that are left, and `t` is the
/// number of seconds until the oldest counted request leaves the window, rounded up. If `legacy_at` is given,
/// which is the wall clock's time, the older `X-RateLimit-*` headers are added.
pub(super) fn rate_fields(rate: &RateStatus, legacy_at: Option<Timestamp>) -> Vec<(&'static str, String)> {
    let limit = rate.limit.requests();
    let remaining = rate.remaining;
    let seconds = whole_seconds(rate.reset_after);
    let window = RateLimit::WINDOW.as_secs();
    let mut fields = vec![
        ("ratelimit-policy", written("\"per-key\";q=", limit.into(), ";w=", window)),
        ("ratelimit", written("\"per-key\";r=", remaining.into(), ";t=", seconds)),
    ];
    if let Some(now) = legacy_at {
        let reset = now.saturating_add(rate.reset_after).as_micros();
        let reset = reset.div_euclid(1_000_000) + i64::from(reset.rem_euclid(1_000_000) > 0);
        fields.extend([
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-used", limit.saturating_sub(remaining).to_string()),
            ("x-ratelimit-reset", reset.to_string()),
        ]);
    }
    fields
}

/// Returns a text with two numbers. Each response has two such texts, so they are written without the machinery of
/// `format!`, which takes several times as long.
fn written(before: &str, first: u64, between: &str, second: u64) -> String {
    let mut text = String::with_capacity(40);
    text.push_str(before);
    push_number(&mut text, first);
    text.push_str(between);
    push_number(&mut text, second);
    text
}

fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    let digit = u8::try_from(number % 10).unwrap_or_default();
    text.push(char::from(b'0' + digit));
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
            let fields = rate_fields(&rate, None);
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
}
