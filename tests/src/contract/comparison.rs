//! Compares the responses of two frameworks in the same case.

use super::{Service, Subject};
use crate::{Request, Response};

/// Runs a case on two services, and panics unless both responded alike to each request. Compared are the status,
/// the body without times and ids, and the headers except those that the HTTP server adds.
///
/// A case with concurrent requests records no exchanges. This function then panics. Such a case belongs to
/// [`race_cases!`](crate::race_cases).
pub async fn compare(one: Subject, other: Subject, case: &str, check: impl AsyncFn(&Service)) {
    let left = exchanges(one, case, &check).await;
    let right = exchanges(other, case, &check).await;
    assert_alike(&left, &right, one, other);
}

/// Panics if the exchanges differ, or if there are none.
fn assert_alike(left: &[String], right: &[String], one: Subject, other: Subject) {
    assert!(!left.is_empty() && !right.is_empty(), "{one:?} and {other:?}: nothing to compare");
    assert_eq!(left.len(), right.len(), "{one:?} and {other:?} were sent different requests");
    for (number, (left, right)) in left.iter().zip(right).enumerate() {
        let differing = left.lines().zip(right.lines()).find(|(left, right)| left != right);
        assert!(left == right, "exchange {number} of {one:?} and {other:?}: {differing:?}");
    }
}

async fn exchanges(subject: Subject, case: &str, check: &impl AsyncFn(&Service)) -> Vec<String> {
    let service = Service::start(subject, &format!("compared-{case}")).await;
    check(&service).await;
    let exchanges = service.exchanges();
    let address = service.address().to_string();
    service.stop().await;
    let ready_made = format!("Quickstart {}", subject.framework());
    let told = exchanges.iter().map(|(request, response)| tell(request, response));
    told.map(|told| told.replace(&address, "<address>").replace(&ready_made, "Quickstart")).collect()
}

fn tell(request: &Request, response: &Response) -> String {
    let mut text = format!("{} {}\n{}\n", request.method(), mask(request.path()), response.status);
    for (name, value) in response.own_lines() {
        text.push_str(&format!("{name}: {}\n", mask(value)));
    }
    text.push_str(&mask(&String::from_utf8_lossy(&response.body)));
    text
}

/// Masks the words that differ between two services: ids, secrets, times of this run, and numbers of seconds or
/// milliseconds that depend on the run.
fn mask(text: &str) -> String {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    let (mut masked, mut rest, mut before) = (String::new(), text, "");
    while let Some(start) = rest.find(part_of_word) {
        let (between, words) = rest.split_at(start);
        let (word, tail) = words.split_at(words.find(|c| !part_of_word(c)).unwrap_or(words.len()));
        // In JSON a number follows its colon at once; in a time there is one between the digits.
        let value = word.trim_start_matches(':');
        masked.push_str(between);
        masked.push_str(&word[..word.len() - value.len()]);
        masked.push_str(if depends_on_the_run(before, value) { "<…>" } else { value });
        if !value.is_empty() {
            before = value;
        }
        rest = tail;
    }
    // The time of the latest use is null until the audit log is written, and a text afterwards.
    (masked + rest).replace(r#""last_used_at":"<…>""#, r#""last_used_at":<…>"#)
}

fn depends_on_the_run(before: &str, word: &str) -> bool {
    let hex = |length: usize| word.len() == length && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_id = word.len() == 26 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_request_id = before == "request_id" && hex(32);
    let is_session = before == "demo_session" && hex(40);
    let is_secret = word.starts_with("demo_live_");
    // Cases use 2099 and 2020 for times that do not depend on the run.
    let is_time = word.len() >= 20 && word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T');
    let is_time = is_time && !word.starts_with("2099-") && !word.starts_with("2020-");
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_duration = is_number && matches!(before, "latency_ms" | "retry_after" | "t" | "");
    // Counters are written with the audit log. Cases check them after waiting for the log.
    let is_counter = matches!(before, "last_used_at" | "request_count") && !word.is_empty();
    let is_cursor = before == "next_cursor" && !word.is_empty() && word != "null";
    is_id || is_request_id || is_session || is_secret || is_time || is_duration || is_counter || is_cursor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    fn alike(left: &[&str], right: &[&str]) {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let subject = |framework| Subject::new(framework, Database::Memory);
        assert_alike(&owned(left), &owned(right), subject("axum"), subject("actix"));
    }

    #[test]
    fn comparison_of_equal_exchanges_succeeds() {
        alike(&["GET /\n200\n"], &["GET /\n200\n"]);
    }

    #[test]
    #[should_panic(expected = "nothing to compare")]
    fn comparison_without_exchanges_fails() {
        alike(&[], &[]);
    }

    #[test]
    #[should_panic(expected = "different requests")]
    fn comparison_with_a_missing_exchange_fails() {
        alike(&["GET /\n200\n"], &["GET /\n200\n", "GET /\n200\n"]);
    }

    #[test]
    #[should_panic(expected = "exchange 1")]
    fn comparison_with_a_different_header_fails() {
        alike(&["a", "GET /\n200\nvary: a\n"], &["a", "GET /\n200\nvary: b\n"]);
    }

    #[test]
    fn mask_removes_values_of_the_run_and_keeps_the_rest() {
        for (text, wanted) in [
            (r#"{"id":"azqqdnq7awarvmr6chkjc6viry","name":"a"}"#, r#"{"id":"<…>","name":"a"}"#),
            (r#""per-key";r=59;t=60"#, r#""per-key";r=59;t=<…>"#),
            (
                r#"{"at":"2026-11-24T08:43:58.675286Z","x":"2099-01-01T00:00:00Z"}"#,
                r#"{"at":"<…>","x":"2099-01-01T00:00:00Z"}"#,
            ),
            (r#"{"latency_ms":0.25,"status":200}"#, r#"{"latency_ms":<…>,"status":200}"#),
            (
                r#"{"last_used_at":"2026-11-24T08:43:58.675286Z","request_count":7}"#,
                r#"{"last_used_at":<…>,"request_count":<…>}"#,
            ),
            (
                r#"{"last_used_at":null,"request_count":6,"rate_limit":7}"#,
                r#"{"last_used_at":<…>,"request_count":<…>,"rate_limit":7}"#,
            ),
            (r#"{"next_cursor":null}"#, r#"{"next_cursor":null}"#),
            (r#"{"next_cursor":"x-_9"}"#, r#"{"next_cursor":"<…>"}"#),
            ("/settings/developer/api/keys/azqqdnq7awarvmr6chkjc6viry", "/settings/developer/api/keys/<…>"),
            ("59", "<…>"),
            (r#"{"secret":"demo_live_0123abc"}"#, r#"{"secret":"<…>"}"#),
        ] {
            assert_eq!(mask(text), wanted);
        }
    }
}
