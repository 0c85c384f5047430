use crate::Response;

/// A denial whose response does not depend on the time.
pub(super) struct Refusal {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
}

pub(super) const PROBLEM: (&str, &str) = ("content-type", "application/problem+json");
pub(super) const NO_STORE: (&str, &str) = ("cache-control", "no-store");

pub(super) const MISSING: Refusal = Refusal {
    status: 401,
    headers: &[NO_STORE, PROBLEM, ("www-authenticate", "Bearer realm=\"api\"")],
    body: r#"{"type":"urn:problem-type:apikeys:missing-api-key","title":"API key is missing","status":401,"detail":"Send the key in the Authorization header, as: Authorization: Bearer <key>.","code":"MISSING_API_KEY"}"#,
};
pub(super) const INVALID: Refusal = Refusal {
    status: 401,
    headers: &[
        NO_STORE,
        PROBLEM,
        (
            "www-authenticate",
            "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"Invalid API key\"",
        ),
    ],
    body: r#"{"type":"urn:problem-type:apikeys:invalid-api-key","title":"Invalid API key","status":401,"detail":"Check that the key is complete and has no extra white space.","code":"INVALID_API_KEY"}"#,
};
pub(super) const DEACTIVATED: Refusal = Refusal {
    status: 401,
    headers: &[
        NO_STORE,
        PROBLEM,
        (
            "www-authenticate",
            "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"API key is deactivated\"",
        ),
    ],
    body: r#"{"type":"urn:problem-type:apikeys:api-key-deactivated","title":"API key is deactivated","status":401,"detail":"An administrator can activate it in Developer settings.","code":"API_KEY_DEACTIVATED"}"#,
};
pub(super) const EXPIRED: Refusal = Refusal {
    status: 401,
    headers: &[
        NO_STORE,
        PROBLEM,
        (
            "www-authenticate",
            "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"API key has expired\"",
        ),
    ],
    body: r#"{"type":"urn:problem-type:apikeys:api-key-expired","title":"API key has expired","status":401,"detail":"An administrator can create a new key or extend the expiration in Developer settings.","code":"API_KEY_EXPIRED"}"#,
};
pub(super) const NO_ACCESS: Refusal = Refusal {
    status: 403,
    headers: &[NO_STORE, PROBLEM],
    body: r#"{"type":"urn:problem-type:apikeys:api-access-not-available","title":"API access is not available","status":403,"detail":"Upgrade to the Starter plan or a higher one.","code":"API_ACCESS_NOT_AVAILABLE"}"#,
};
pub(super) const AMBIGUOUS: Refusal = Refusal {
    status: 400,
    headers: &[NO_STORE, PROBLEM],
    body: r#"{"type":"urn:problem-type:apikeys:ambiguous-credentials","title":"More than one API key","status":400,"detail":"Send exactly one API key, in one place.","code":"AMBIGUOUS_CREDENTIALS"}"#,
};

#[track_caller]
pub(super) fn assert_refused(case: &str, response: &Response, expected: &Refusal) {
    assert_eq!(response.status, expected.status, "{case}: {}", response.text());
    assert_eq!(response.own_lines(), expected.headers, "{case}");
    assert_eq!(response.text(), expected.body, "{case}");
    assert_eq!(response.header("content-length"), Some(&*expected.body.len().to_string()), "{case}");
}

#[track_caller]
pub(super) fn assert_admitted(case: &str, response: &Response, limit: u32, left: u32) {
    assert_eq!(response.status, 200, "{case}: {}", response.text());
    let policy = format!("\"per-key\";q={limit};w=60");
    let [content, rate, rate_policy] = response.own_lines()[..] else {
        panic!("{case}: {:?}", response.lines);
    };
    assert_eq!(content, ("content-type", "application/json"), "{case}");
    assert_eq!(rate_policy, ("ratelimit-policy", policy.as_str()), "{case}");
    let seconds = rate
        .1
        .strip_prefix(&format!("\"per-key\";r={left};t="))
        .unwrap_or_else(|| panic!("{case}: {rate:?}"));
    assert!((1..=60).contains(&seconds.parse::<u64>().unwrap()), "{case}: {rate:?}");
}
