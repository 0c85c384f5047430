//! The exact responses to programs that call the API.

mod expected;

use std::time::Duration;

use serde_json::json;

use self::expected::{
    AMBIGUOUS, DEACTIVATED, EXPIRED, INVALID, MISSING, NO_ACCESS, NO_STORE, PROBLEM, Refusal,
    assert_admitted, assert_refused,
};
use super::{Service, org::in_future};
use crate::{Request, with_another_body};

fn whoami() -> Request {
    Request::get("/v1/whoami")
}

/// A secret for each state of a key.
struct Keys {
    good: String,
    deactivated: String,
    expired: String,
    deleted: String,
    downgraded: String,
}

impl Keys {
    async fn create(service: &Service) -> Self {
        let org = service.org("org_enterprise");
        let good = org.create_busy("good").await;
        let deactivated = org.create(json!({ "name": "deactivated" })).await;
        let deleted = org.create(json!({ "name": "deleted" })).await;
        let soon = in_future(Duration::from_millis(1_500));
        let expired = org.create(json!({ "name": "expired", "expires_at": soon })).await;
        let downgraded = service.org("org_starter").create(json!({ "name": "downgraded" })).await;
        org.edit(&deactivated.id, json!({ "active": false })).await;
        org.delete(&deleted.id).await;
        service.org("org_starter").set_plan("free").await;
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        Self {
            good: good.secret,
            deactivated: deactivated.secret,
            expired: expired.secret,
            deleted: deleted.secret,
            downgraded: downgraded.secret,
        }
    }
}

pub async fn every_denial_has_its_exact_response(service: &Service) {
    let keys = Keys::create(service).await;
    let good = keys.good.as_str();

    let authorization = |value: &[u8]| whoami().line("Authorization", value);
    let mut cases: Vec<(String, Request, &Refusal)> = vec![
        ("no header".into(), whoami(), &MISSING),
        ("a key in the query".into(), Request::get(format!("/v1/whoami?api_key={good}")), &MISSING),
        ("a source that is not enabled".into(), whoami().line("X-API-Key", good), &MISSING),
        ("a cookie".into(), whoami().line("Cookie", format!("api_key={good}")), &MISSING),
        ("deactivated".into(), whoami().bearer(&keys.deactivated), &DEACTIVATED),
        ("expired".into(), whoami().bearer(&keys.expired), &EXPIRED),
        ("deleted".into(), whoami().bearer(&keys.deleted), &INVALID),
        ("a plan without API access".into(), whoami().bearer(&keys.downgraded), &NO_ACCESS),
        ("two lines".into(), whoami().bearer(good).bearer(&keys.deactivated), &AMBIGUOUS),
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
        with_another_body(&keys.deactivated),
        with_another_body(&keys.expired),
        with_another_body(&keys.deleted),
    ] {
        let name = format!("not a key: {} bytes", value.len());
        cases.push((name, authorization(format!("Bearer {value}").as_bytes()), &INVALID));
    }
    // Bytes that are not ASCII.
    for bytes in [b"\x80".as_slice(), b"\xff\xfe", "é".as_bytes(), b"\xe2\x80\x8b"] {
        let value = [b"Bearer ", good.as_bytes(), bytes].concat();
        cases.push((format!("{bytes:?} behind the key"), authorization(&value), &INVALID));
        let value = [b"Bearer ", bytes].concat();
        cases.push((format!("{bytes:?}"), authorization(&value), &INVALID));
    }
    let mut connection = service.connect().await;
    for (case, request, expected) in &cases {
        let response = service.send_on(&mut connection, request).await;
        assert_refused(case, &response, expected);
        service
            .artifacts()
            .leave("answers.txt", &format!("{} {:?} {}", response.status, response.lines, response.text()));
    }
    // Keys are case-sensitive.
    for (at, letter) in good.char_indices().filter(|(_, c)| c.is_ascii_alphabetic()) {
        let other = if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        };
        let flipped = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        // The number of letters depends on the secret, so these requests are not compared between frameworks.
        let response = service.peek(&mut connection, &whoami().bearer(&flipped)).await;
        assert_refused(&format!("letter {at} in the other case"), &response, &INVALID);
    }
    assert!(cases.len() > 50, "{}", cases.len());

    // The denied requests did not count against the rate limit, and the key still works.
    assert_admitted("after all refusals", &service.whoami(good).await, 10_000, 9_999);
}

/// The order is: deactivated, expired, plan without access.
pub async fn denial_for_several_reasons_names_the_first_in_order(service: &Service) {
    let org = service.org("org_starter");
    let soon = in_future(Duration::from_millis(500));
    let both = org.create(json!({ "name": "both", "expires_at": soon })).await;
    let expired = org.create(json!({ "name": "expired", "expires_at": soon })).await;
    org.edit(&both.id, json!({ "active": false })).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    for plan in ["starter", "free"] {
        org.set_plan(plan).await;
        assert_refused(plan, &service.whoami(&both.secret).await, &DEACTIVATED);
        assert_refused(plan, &service.whoami(&expired.secret).await, &EXPIRED);
    }
}

pub async fn control_characters_in_the_authorization_header_are_refused(service: &Service) {
    let good = service.ready_made();
    for byte in [0_u8, 1, 8, 11, 12, 27, 127] {
        let value = [b"Bearer ", good.as_bytes(), &[byte]].concat();
        let request = whoami().line("Authorization", value);
        // Each framework rejects such lines with a different text, so the responses are not compared.
        let response = request.send(service.address()).await;
        assert!([400, 401].contains(&response.status), "{byte}: {}", response.status);
    }
    // A line end begins another header line. The layer must not miss the credential in it.
    let value = format!("Bearer {good}\r\nAuthorization: Bearer {good}");
    assert_refused("a line end", &service.send(&whoami().line("Authorization", value)).await, &AMBIGUOUS);
    assert_eq!(service.whoami(good).await.status, 200, "it still serves");
}

pub async fn scheme_in_any_case_and_surrounding_spaces_are_accepted(service: &Service) {
    let key = service.org("org_professional").create(json!({ "name": "spelled" })).await;
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
        assert_eq!(
            response.json(),
            json!({ "org": "org_professional", "key_id": key.id, "name": "spelled" })
        );
    }
}

/// Denials for other reasons do not count against the rate limit either.
pub async fn rate_limited_request_has_its_exact_response_and_consumes_nothing(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "limited", "rate_limit": 2 })).await;
    let request = whoami().bearer(&key.secret);
    assert_admitted("first", &service.send(&request).await, 2, 1);
    assert_eq!(service.send(&request.clone().bearer("x")).await.status, 400);
    org.edit(&key.id, json!({ "active": false })).await;
    assert_refused("in between", &service.send(&request).await, &DEACTIVATED);
    org.edit(&key.id, json!({ "active": true })).await;
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
    // A raised limit applies at once, and earlier requests still count.
    org.edit(&key.id, json!({ "rate_limit": 3 })).await;
    assert_admitted("raised", &service.send(&request).await, 3, 0);
    assert_eq!(service.send(&request).await.status, 429);
}

/// The case also checks that no header makes a request count as authenticated.
pub async fn other_spellings_of_a_path_do_not_bypass_the_layer(service: &Service) {
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
        // Each framework has its own 404 response, so these responses are not compared.
        let response = claims.send(service.address()).await;
        assert!([401, 404].contains(&response.status), "{target}: {}", response.status);
    }
    assert_eq!(service.send(&Request::get("/healthz")).await.status, 200);
    assert_eq!(Request::get("/v1/nothing").send(service.address()).await.status, 404);
    let echo = Request::post("/v1/echo", "abc");
    assert_refused("echo", &service.send(&echo).await, &MISSING);
    assert_eq!(service.send(&echo.bearer(service.ready_made())).await.text(), "abc");
}

pub async fn query_is_neither_read_nor_recorded(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "queried" })).await;
    for parameter in ["api_key", "access_token", "key", "token", "apikey", "Authorization"] {
        let in_query = Request::get(format!("/v1/whoami?{parameter}={}", key.secret));
        assert_refused(parameter, &service.send(&in_query).await, &MISSING);
        assert_eq!(service.send(&in_query.bearer(&key.secret)).await.status, 200, "{parameter}");
    }
    org.key_once(&key.id, |key| key["request_count"] == 6).await;
    let events = org.events(&format!("key_id={}&action=request", key.id)).await;
    assert_eq!(events.len(), 6);
    for event in events {
        assert_eq!(event["request"]["path"], "/v1/whoami");
        assert!(!event.to_string().contains(&key.secret[20..]));
    }
}
