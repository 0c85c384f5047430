//! What a caller gets, to the letter: the quickstart as a process, over real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apikeys_core::{RateLimit, Timestamp};
use apikeys_tests::{Admin, Artifacts, Connection, Issued, Quickstart, Request, Response, with_another_body};

/// A refusal that does not depend on the moment.
struct Refusal {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
}

const PROBLEM: (&str, &str) = ("content-type", "application/problem+json");
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

const MISSING: Refusal = Refusal {
    status: 401,
    headers: &[NO_STORE, PROBLEM, ("www-authenticate", "Bearer realm=\"api\"")],
    body: r#"{"type":"urn:problem-type:apikeys:missing-api-key","title":"API key is missing","status":401,"detail":"Send the key in the Authorization header, as: Authorization: Bearer <key>.","code":"MISSING_API_KEY"}"#,
};
const INVALID: Refusal = Refusal {
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
const DEACTIVATED: Refusal = Refusal {
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
const EXPIRED: Refusal = Refusal {
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
const NO_ACCESS: Refusal = Refusal {
    status: 403,
    headers: &[NO_STORE, PROBLEM],
    body: r#"{"type":"urn:problem-type:apikeys:api-access-not-available","title":"API access is not available","status":403,"detail":"Upgrade to the Starter plan or a higher one.","code":"API_ACCESS_NOT_AVAILABLE"}"#,
};
const AMBIGUOUS: Refusal = Refusal {
    status: 400,
    headers: &[NO_STORE, PROBLEM],
    body: r#"{"type":"urn:problem-type:apikeys:ambiguous-credentials","title":"More than one API key","status":400,"detail":"Send exactly one API key, in one place.","code":"AMBIGUOUS_CREDENTIALS"}"#,
};

#[track_caller]
fn assert_refused(case: &str, response: &Response, expected: &Refusal) {
    assert_eq!(response.status, expected.status, "{case}: {}", response.text());
    assert_eq!(response.own_lines(), expected.headers, "{case}");
    assert_eq!(response.text(), expected.body, "{case}");
    assert_eq!(response.header("content-length"), Some(&*expected.body.len().to_string()), "{case}");
}

#[track_caller]
fn assert_admitted(case: &str, response: &Response, limit: u32, left: u32) {
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

fn whoami() -> Request {
    Request::get("/v1/whoami")
}

/// The keys of the table, made by another instance on the same database.
struct Keys {
    good: Issued,
    deactivated: Issued,
    expired: Issued,
    deleted: Issued,
    downgraded: Issued,
}

async fn keys(admin: &Admin) -> Keys {
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(1_500);
    let soon = Timestamp::from_micros(i64::try_from(soon.as_micros()).unwrap());
    let keys = Keys {
        good: admin
            .issue("org_enterprise", "good", |key| key.rate_limit(RateLimit::per_minute(10_000).unwrap()))
            .await,
        deactivated: admin.issue("org_enterprise", "deactivated", |key| key).await,
        expired: admin.issue("org_enterprise", "expired", |key| key.expires_at(soon)).await,
        deleted: admin.issue("org_enterprise", "deleted", |key| key).await,
        downgraded: admin.issue("org_starter", "downgraded", |key| key).await,
    };
    let manage = admin.manage("org_enterprise");
    manage.deactivate(keys.deactivated.id).await.unwrap();
    manage.delete(keys.deleted.id).await.unwrap();
    admin.set_plan("org_starter", "free").await;
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    keys
}

/// C1–C5 and C7, in all spellings (R1–R5, R9, R10); one table for all.
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_what_the_table_says_to_the_letter() {
    let artifacts = Artifacts::new("refusals");
    let url = artifacts.sqlite_url("keys");
    let service = Quickstart::start(&artifacts, "quickstart", &url).await;
    let admin = Admin::on_sqlite(&url).await;
    let keys = keys(&admin).await;
    let good = keys.good.secret.as_str();

    let authorization = |value: &[u8]| whoami().line("Authorization", value);
    let mut cases: Vec<(String, Request, &Refusal)> = vec![
        ("no header".into(), whoami(), &MISSING),
        ("a key in the query".into(), Request::get(format!("/v1/whoami?api_key={good}")), &MISSING),
        ("a source that is not enabled".into(), whoami().line("X-API-Key", good), &MISSING),
        ("a cookie".into(), whoami().line("Cookie", format!("api_key={good}")), &MISSING),
        ("deactivated".into(), whoami().bearer(&keys.deactivated.secret), &DEACTIVATED),
        ("expired".into(), whoami().bearer(&keys.expired.secret), &EXPIRED),
        ("deleted".into(), whoami().bearer(&keys.deleted.secret), &INVALID),
        ("a plan without API access".into(), whoami().bearer(&keys.downgraded.secret), &NO_ACCESS),
        ("two lines".into(), whoami().bearer(good).bearer(&keys.deactivated.secret), &AMBIGUOUS),
        ("two lines of the same key".into(), whoami().bearer(good).bearer(good), &AMBIGUOUS),
        ("two lines, one empty".into(), whoami().bearer(good).line("authorization", ""), &AMBIGUOUS),
        (
            "two lines, one Basic".into(),
            whoami().line("Authorization", "Basic azo=").bearer(good),
            &AMBIGUOUS,
        ),
    ];
    for value in
        ["", " ", "Bearer", "Bearer ", "Bearer    ", "Bearerish x", "Basic azo=", "Token x", "Negotiate"]
    {
        cases.push((format!("{value:?}"), authorization(value.as_bytes()), &MISSING));
    }
    for value in [
        format!("Bearer\t{good}"),
        format!("Bearerish {good}"),
        format!("Basic {good}"),
        good.to_owned(),
        format!("Digest {good}"),
    ] {
        cases.push((
            format!("no scheme of ours: {}", &value[..8]),
            authorization(value.as_bytes()),
            &MISSING,
        ));
    }
    for value in [
        format!("Bearer {good},{good}"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer {good}, Bearer x"),
        format!("Basic azo=, Bearer {good}"),
        format!("Bearer {good}, Digest x"),
        "Bearer a,b".to_owned(),
        format!("Bearer {},x", "a".repeat(5_000)),
        "Bearer ,".to_owned(),
    ] {
        cases.push((format!("a list of {} bytes", value.len()), authorization(value.as_bytes()), &AMBIGUOUS));
    }
    let (half, other_half) = good.split_at(good.len() / 2);
    for value in [
        "x".to_owned(),
        "a b".to_owned(),
        format!("{good} {good}"),
        format!("{half} {other_half}"),
        format!("{half}\t{other_half}"),
        format!("{good}x"),
        half.to_owned(),
        format!("\"{good}\""),
        good.replacen("demo_live", "demo_test", 1),
        good.replacen('_', "%5F", 1),
        format!("{good}%00"),
        "x".repeat(56),
        "x".repeat(5_000),
        with_another_body(good),
        with_another_body(&keys.deactivated.secret),
        with_another_body(&keys.expired.secret),
        with_another_body(&keys.deleted.secret),
    ] {
        let name = format!("not a key: {} bytes", value.len());
        cases.push((name, authorization(format!("Bearer {value}").as_bytes()), &INVALID));
    }
    // R5: bytes that are no ASCII.
    for bytes in [b"\x80".as_slice(), b"\xff\xfe", "é".as_bytes(), b"\xe2\x80\x8b"] {
        let value = [b"Bearer ", good.as_bytes(), bytes].concat();
        cases.push((format!("{bytes:?} behind the key"), authorization(&value), &INVALID));
        let value = [b"Bearer ", bytes].concat();
        cases.push((format!("{bytes:?}"), authorization(&value), &INVALID));
    }
    // R4: the case of any letter counts.
    for (at, letter) in good.char_indices().filter(|(_, c)| c.is_ascii_alphabetic()) {
        let other = if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        };
        let flipped = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        cases.push((format!("letter {at} in the other case"), whoami().bearer(&flipped), &INVALID));
    }
    let mut connection = Connection::open(service.address).await.unwrap();
    for (case, request, expected) in &cases {
        let response = connection.send(request).await.unwrap();
        assert_refused(case, &response, expected);
        artifacts
            .leave("answers.txt", &format!("{} {:?} {}", response.status, response.lines, response.text()));
    }
    assert!(cases.len() > 80, "{}", cases.len());

    // Nothing of all that consumed anything, and the key is as good as ever.
    assert_admitted(
        "after all refusals",
        &connection.send(&whoami().bearer(good)).await.unwrap(),
        10_000,
        9_999,
    );
    assert!(service.stop().await.success());
}

/// R5: what HTTP itself forbids in a header is refused before there is a request.
#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_the_header_never_get_through() {
    let artifacts = Artifacts::new("control-characters");
    let url = artifacts.sqlite_url("keys");
    let service = Quickstart::start(&artifacts, "quickstart", &url).await;
    let good = service.ready_made.clone();
    for byte in [0_u8, 1, 8, 11, 12, 27, 127] {
        let value = [b"Bearer ", good.as_bytes(), &[byte]].concat();
        let response = service.send(&whoami().line("Authorization", value)).await;
        assert!([400, 401].contains(&response.status), "{byte}: {}", response.status);
    }
    // A line end begins another header: it does not smuggle a second credential past the layer.
    let value = format!("Bearer {good}\r\nAuthorization: Bearer {good}");
    assert_refused("a line end", &service.send(&whoami().line("Authorization", value)).await, &AMBIGUOUS);
    assert_eq!(service.send(&whoami().bearer(&good)).await.status, 200, "it still serves");
}

/// R3, R5: what else is the same key, spelled differently.
#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_in_any_case_and_spaces_around_it_are_accepted() {
    let artifacts = Artifacts::new("spellings");
    let url = artifacts.sqlite_url("keys");
    let service = Quickstart::start(&artifacts, "quickstart", &url).await;
    let admin = Admin::on_sqlite(&url).await;
    let key = admin.issue("org_professional", "spelled", |key| key).await;
    let secret = &key.secret;
    let spellings = [
        ("Authorization", format!("Bearer {secret}")),
        ("authorization", format!("bearer {secret}")),
        ("AUTHORIZATION", format!("BEARER {secret}")),
        ("Authorization", format!("bEaReR {secret}")),
        ("Authorization", format!("Bearer    {secret}")),
        ("Authorization", format!("  Bearer {secret} \t ")),
    ];
    for (left, (name, value)) in (54..60).rev().zip(spellings) {
        let response = service.send(&whoami().line(name, value)).await;
        assert_admitted(name, &response, 60, left);
        let expected =
            serde_json::json!({"org": "org_professional", "key_id": key.id.to_string(), "name": "spelled"});
        assert_eq!(response.json(), expected);
    }
}

/// C6, and R25: refusals for other reasons consume nothing.
#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_is_told_to_the_letter_and_consumes_nothing() {
    let artifacts = Artifacts::new("over-the-limit");
    let url = artifacts.sqlite_url("keys");
    let service = Quickstart::start(&artifacts, "quickstart", &url).await;
    let admin = Admin::on_sqlite(&url).await;
    let two = RateLimit::per_minute(2).unwrap();
    let key = admin.issue("org_enterprise", "limited", |key| key.rate_limit(two)).await;
    let request = whoami().bearer(&key.secret);
    assert_admitted("first", &service.send(&request).await, 2, 1);
    assert_eq!(service.send(&request.clone().bearer("x")).await.status, 400);
    admin.manage("org_enterprise").deactivate(key.id).await.unwrap();
    assert_refused("in between", &service.send(&request).await, &DEACTIVATED);
    admin.manage("org_enterprise").activate(key.id).await.unwrap();
    assert_admitted("second", &service.send(&request).await, 2, 0);
    for _ in 0..3 {
        let response = service.send(&request).await;
        assert_eq!(response.status, 429);
        let wait = response.header("retry-after").unwrap().to_owned();
        assert!((50..=60).contains(&wait.parse::<u64>().unwrap()), "{wait}");
        let rate = format!("\"per-key\";r=0;t={wait}");
        assert_eq!(
            response.own_lines(),
            [
                NO_STORE,
                PROBLEM,
                ("ratelimit", rate.as_str()),
                ("ratelimit-policy", "\"per-key\";q=2;w=60"),
                ("retry-after", wait.as_str()),
            ]
        );
        let body = format!(
            r#"{{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Rate limit exceeded","status":429,"detail":"Wait for the time given in Retry-After, or raise the key's rate limit in Developer settings.","code":"RATE_LIMITED","retry_after":{wait},"violated-policies":["per-key"]}}"#
        );
        assert_eq!(response.text(), body);
    }
    // A raised limit holds at once, and remembers what was admitted.
    let patch = apikeys_core::KeyPatch::new().rate_limit(RateLimit::per_minute(3).unwrap());
    admin.manage("org_enterprise").update(key.id, patch).await.unwrap();
    assert_admitted("raised", &service.send(&request).await, 3, 0);
    assert_eq!(service.send(&request).await.status, 429);
}

/// R42: another spelling of a path does not lead past the layer.
#[tokio::test(flavor = "multi_thread")]
async fn other_spellings_of_a_path_do_not_lead_past_the_layer() {
    let artifacts = Artifacts::new("paths");
    let url = artifacts.sqlite_url("keys");
    let service = Quickstart::start(&artifacts, "quickstart", &url).await;
    for target in [
        "//v1/whoami",
        "/v1//whoami",
        "/v1/whoami/",
        "/v1/whoam%69",
        "/V1/whoami",
        "/healthz/../v1/whoami",
        "/v1/./whoami",
        "/v1/whoami%2f",
        "/v1/whoami;x",
        "http://localhost/v1/whoami",
    ] {
        let claims =
            Request::get(target).line("X-Authenticated", "true").line("X-Forwarded-User", "org_demo");
        let response = service.send(&claims).await;
        assert!([401, 404].contains(&response.status), "{target}: {}", response.status);
    }
    assert_eq!(service.send(&Request::get("/healthz")).await.status, 200);
    assert_eq!(service.send(&Request::get("/v1/nothing")).await.status, 404);
    let echo = Request::post("/v1/echo", "abc");
    assert_refused("echo", &service.send(&echo).await, &MISSING);
    assert_eq!(service.send(&echo.bearer(&service.ready_made)).await.text(), "abc");
}
