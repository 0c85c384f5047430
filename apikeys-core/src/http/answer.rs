use serde::Serialize;

use super::rate_fields;
use crate::{
    clock::Timestamp,
    denial::{Challenge, Denial},
    rate_limit::RateStatus,
};

/// The answer to a denied request, ready to be put into a framework's response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The response's status.
    pub status: u16,
    /// The headers, names in lower case; `content-type` is among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub problem: Problem,
}

/// The body of a denial: RFC 9457 problem details with a stable `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem; a URI that is compared, not fetched.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The response's status.
    pub status: u16,
    /// What to do.
    pub detail: &'static str,
    /// What programs go by.
    pub code: &'static str,
    /// Seconds to wait, where that is known to help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The rate limit policies that were exceeded.
    #[serde(rename = "violated-policies", skip_serializing_if = "<[_]>::is_empty")]
    pub violated_policies: &'static [&'static str],
}

impl Problem {
    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and numbers only: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What a host may choose about the wording of answers.
///
/// ```
/// use apikeys_core::http::Wording;
///
/// let wording = Wording::default()
///     .realm("billing api")?
///     .problem_types("https://docs.example.com/problems/")
///     .legacy_rate_headers();
/// # Ok::<(), apikeys_core::http::InvalidRealm>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    realm: String,
    problem_types: String,
    legacy_rate_headers: bool,
}

/// The realm cannot stand in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a realm is printable ASCII without quotes and backslashes")]
pub struct InvalidRealm;

impl Wording {
    /// The `realm` of `WWW-Authenticate`; `api` if not set.
    ///
    /// # Errors
    ///
    /// When `realm` holds anything but printable ASCII, or a quote or backslash.
    pub fn realm(mut self, realm: &str) -> Result<Self, InvalidRealm> {
        if realm.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            realm.clone_into(&mut self.realm);
            Ok(self)
        } else {
            Err(InvalidRealm)
        }
    }

    /// What problem types begin with, before the code in kebab-case; `urn:problem-type:apikeys:`
    /// if not set. Exceeded rate limits keep the type registered with IANA.
    #[must_use]
    pub fn problem_types(mut self, base: impl Into<String>) -> Self {
        self.problem_types = base.into();
        self
    }

    /// Also sends `X-RateLimit-Limit`, `-Remaining`, `-Used` and `-Reset` (seconds since 1970)
    /// in the form that GitHub made popular.
    #[must_use]
    pub fn legacy_rate_headers(mut self) -> Self {
        self.legacy_rate_headers = true;
        self
    }

    /// The rate limit headers of an admitted request, names in lower case.
    #[must_use]
    pub fn rate_headers(&self, rate: &RateStatus, now: Timestamp) -> Vec<(&'static str, String)> {
        rate_fields(rate, self.legacy_rate_headers.then_some(now))
    }
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            realm: "api".into(),
            problem_types: "urn:problem-type:apikeys:".into(),
            legacy_rate_headers: false,
        }
    }
}

impl Answer {
    /// The answer to `denial`. `now` is the wall clock's time, for the legacy headers.
    #[must_use]
    pub fn of(denial: &Denial, wording: &Wording, now: Timestamp) -> Self {
        let text = denial.told();
        let mut headers = vec![
            ("content-type", "application/problem+json".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ];
        let realm = &wording.realm;
        match text.challenge {
            Challenge::None => {}
            Challenge::Plain => headers.push(("www-authenticate", format!("Bearer realm=\"{realm}\""))),
            Challenge::InvalidToken => headers.push((
                "www-authenticate",
                format!(
                    "Bearer realm=\"{realm}\", error=\"invalid_token\", error_description=\"{}\"",
                    text.title
                ),
            )),
        }
        if let Some(seconds) = text.retry_after {
            headers.push(("retry-after", seconds.to_string()));
        }
        let mut problem = Problem {
            kind: wording.problem_types.clone() + &kebab_case(text.code),
            title: text.title,
            status: text.status,
            detail: text.detail,
            code: text.code,
            retry_after: None,
            violated_policies: &[],
        };
        if let Denial::RateLimited(limited) = denial {
            problem.kind = "https://iana.org/assignments/http-problem-types#quota-exceeded".to_owned();
            problem.retry_after = text.retry_after;
            problem.violated_policies = &["per-key"];
            let rate = RateStatus::new(limited.limit, 0, limited.retry_after);
            headers.extend(wording.rate_headers(&rate, now));
        }
        Self { status: text.status, headers, problem }
    }
}

/// Returns `code` in kebab case: `rate-limited` for `RATE_LIMITED`.
fn kebab_case(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rate_limit::{RateLimit, RateLimited};

    const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

    fn all() -> Vec<Denial> {
        vec![
            Denial::Missing,
            Denial::Ambiguous,
            Denial::Invalid,
            Denial::Deactivated,
            Denial::Expired,
            Denial::PlanWithoutAccess,
            Denial::RateLimited(RateLimited::new(RateLimit::DEFAULT, Duration::from_millis(12_001))),
            Denial::VerificationUnavailable,
            Denial::AuditUnavailable { after_handler: false },
            Denial::AuditUnavailable { after_handler: true },
        ]
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        answer.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    /// The whole table of refusals, to the letter.
    #[test]
    fn every_refusal_has_its_status_headers_and_body() {
        let mut snapshot = String::new();
        for denial in all() {
            let answer = Answer::of(&denial, &Wording::default(), NOW);
            assert_eq!(answer.status, answer.problem.status);
            assert_eq!(header(&answer, "cache-control"), Some("no-store"));
            snapshot += &format!("{}\n", answer.status);
            for (name, value) in &answer.headers {
                snapshot += &format!("{name}: {value}\n");
            }
            snapshot += &format!("{}\n\n", String::from_utf8(answer.problem.to_json()).unwrap());
        }
        assert_eq!(snapshot, include_str!("../../tests/golden/answers.txt"));
    }

    #[test]
    fn only_failed_authentication_is_challenged() {
        for denial in all() {
            let answer = Answer::of(&denial, &Wording::default(), NOW);
            assert_eq!(header(&answer, "www-authenticate").is_some(), answer.status == 401, "{denial:?}");
        }
    }

    #[test]
    fn the_host_may_choose_realm_types_and_legacy_headers() {
        let wording =
            Wording::default().realm("my api").unwrap().problem_types("https://x/").legacy_rate_headers();
        let answer = Answer::of(&Denial::Missing, &wording, NOW);
        assert_eq!(header(&answer, "www-authenticate"), Some("Bearer realm=\"my api\""));
        assert_eq!(answer.problem.kind, "https://x/missing-api-key");
        let limited = RateLimited::new(RateLimit::DEFAULT, Duration::from_millis(1_500));
        let answer = Answer::of(&Denial::RateLimited(limited), &wording, NOW);
        assert_eq!(header(&answer, "x-ratelimit-remaining"), Some("0"));
        assert_eq!(header(&answer, "x-ratelimit-reset"), Some("1893456002"));
        assert_eq!(header(&answer, "retry-after"), Some("2"));
        for bad in ["a\"b", "a\\b", "a\nb", "ü"] {
            assert_eq!(Wording::default().realm(bad), Err(InvalidRealm));
        }
    }
}
