//! The status, headers and body of responses, to the byte.

#![allow(missing_docs, reason = "the name of each test says what is tested")]

use std::{sync::Arc, time::Duration};

use apikeys_core::{
    Denial, KeyPatch, NewKey, Plan, Plans, Quota, Timestamp,
    conformance::faults::{Fault, Method},
    http::{Problem, RenderedBody, Wording},
};

use crate::{Adapter, HandlerResponse, Host, Options, Reply, Request, handled};

/// The responses that the core defines and every adapter sends.
const GOLDEN: &str = include_str!("../../../apikeys-core/tests/golden/answers.txt");

/// Compares a reply with its golden response. A framework may order headers in its own way and add
/// `content-length`.
fn assert_golden(reply: &Reply) {
    assert_golden_head(reply, reply.code());
    let body = golden(reply.code()).2;
    assert_eq!(reply.body, body);
}

fn assert_golden_head(reply: &Reply, code: &str) {
    let (status, mut wanted, body) = golden(code);
    let mut headers: Vec<_> = reply
        .lines
        .iter()
        .filter(|(name, _)| name != "content-length")
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.sort();
    wanted.sort_unstable();
    assert_eq!(reply.status.to_string(), status);
    assert_eq!(headers, wanted);
    if let Some(length) = reply.header("content-length") {
        assert_eq!(length, body.len().to_string());
    }
}

/// The status, header lines and body of the golden response with this code.
fn golden(code: &str) -> (&'static str, Vec<&'static str>, &'static str) {
    let answer = GOLDEN.split("\n\n").find(|answer| answer.contains(&format!("\"code\":\"{code}\"")));
    let (head, body) = answer.unwrap().rsplit_once('\n').unwrap();
    let mut lines = head.lines();
    (lines.next().unwrap(), lines.collect(), body)
}

pub async fn missing_and_invalid_keys_have_the_golden_responses<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    let send = async |value: &str| A::send(&app, Request::get("/").with(&[("authorization", value)])).await;
    for missing in ["", "Bearer", "Bearer ", "Bearer\tx", "Basic azo=", "Bearerish x"] {
        let reply = send(missing).await;
        assert_eq!(reply.code(), "MISSING_API_KEY", "{missing:?}");
        assert_golden(&reply);
    }
    assert_golden(&A::send(&app, Request::get("/")).await);
    let secret = host.secret.expose();
    let other = if secret.ends_with('0') { "1" } else { "0" };
    let last_changed = format!("Bearer {}{other}", &secret[..secret.len() - 1]);
    let spaced = format!("Bearer {secret} {secret}");
    let long = format!("Bearer {}", "x".repeat(4_000));
    for invalid in ["Bearer wrong", "Bearer a b", &last_changed, &spaced, &long] {
        let reply = send(invalid).await;
        assert_eq!(reply.code(), "INVALID_API_KEY", "{invalid:?}");
        assert_golden(&reply);
    }
    assert_eq!(host.faults.calls(Method::Find), 0, "none of these is worth a look-up");
}

pub async fn deleted_key_has_the_same_response_as_an_unknown_key<A: Adapter>() {
    let host = Host::new().await;
    host.manage().delete(host.key).await.unwrap();
    let reply = host.call::<A>(&host.handled::<A>().await).await;
    assert_eq!(reply.code(), "INVALID_API_KEY");
    assert_golden(&reply);
}

pub async fn denied_request_with_the_real_secret_gets_the_reason<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    let refused = async |code: &str| {
        let reply = host.call::<A>(&app).await;
        assert_eq!(reply.code(), code);
        assert_golden(&reply);
    };
    host.manage().deactivate(host.key).await.unwrap();
    refused("API_KEY_DEACTIVATED").await;
    host.manage().activate(host.key).await.unwrap();

    let soon: Timestamp = "2030-01-01T00:01:00Z".parse().unwrap();
    host.manage().update(host.key, KeyPatch::new().expires_at(soon)).await.unwrap();
    host.clock.advance(Duration::from_secs(60)).await;
    refused("API_KEY_EXPIRED").await;
    host.manage().update(host.key, KeyPatch::new().no_expiry()).await.unwrap();

    host.set_plan("free").await;
    refused("API_ACCESS_NOT_AVAILABLE").await;
    host.set_plan("starter").await;
    assert_eq!(host.call::<A>(&app).await.body, "handled");
}

pub async fn rate_limited_request_succeeds_after_retry_after<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    for left in (0..60).rev() {
        let reply = host.call::<A>(&app).await;
        assert_eq!(reply.header("ratelimit-policy"), Some("\"per-key\";q=60;w=60"));
        assert_eq!(reply.header("ratelimit"), Some(&*format!("\"per-key\";r={left};t=60")));
    }
    host.clock.advance(Duration::from_millis(47_500)).await;
    let reply = host.call::<A>(&app).await;
    assert_eq!(reply.header("retry-after"), Some("13"));
    assert_golden(&reply);
    host.clock.advance(Duration::from_secs(13)).await;
    assert_eq!(host.call::<A>(&app).await.status, 200);
}

pub async fn two_credentials_have_the_golden_response<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    let bearer = host.bearer();
    let joined = format!("{bearer}, {bearer}");
    for lines in [&[("authorization", &*bearer); 2][..], &[("authorization", &*joined)]] {
        let reply = A::send(&app, Request::get("/").with(lines)).await;
        assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
        assert_golden(&reply);
    }
    assert_eq!(host.faults.calls(Method::Find), 0);
}

pub async fn failing_store_gives_503<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    host.faults.set_all(Fault::Error);
    let reply = host.call::<A>(&app).await;
    assert_eq!(reply.code(), "VERIFICATION_UNAVAILABLE");
    assert_golden(&reply);
    host.faults.clear();
    assert_eq!(host.call::<A>(&app).await.status, 200);
    host.keys.shutdown().await.unwrap();
    assert_eq!(host.call::<A>(&app).await.code(), "VERIFICATION_UNAVAILABLE");
}

pub async fn denial_is_the_same_for_every_method<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    for method in ["POST", "OPTIONS", "TRACE", "PROPFIND"] {
        assert_golden(&A::send(&app, Request { method, ..Request::get("/") }).await);
    }
    // A framework may leave out the body of `HEAD` before or after the adapter.
    let head = A::send(&app, Request { method: "HEAD", ..Request::get("/") }).await;
    assert_golden_head(&head, "MISSING_API_KEY");
}

pub async fn rate_limit_headers_replace_those_of_the_handler<A: Adapter>() {
    let host = Host::new().await;
    let headers = vec![("ratelimit", "\"mine\";r=1"), ("x-other", "kept")];
    let response = HandlerResponse { headers, ..HandlerResponse::ok("handled") };
    let handler = Arc::new(move |_| {
        let response = response.clone();
        Box::pin(async move { response }) as _
    });
    let reply = host.call::<A>(&host.app::<A>(Options::default(), handler).await).await;
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(reply.header("x-other"), Some("kept"));
}

pub async fn wording_sets_realm_problem_types_and_legacy_headers<A: Adapter>() {
    let host = Host::new().await;
    let wording =
        Wording::default().realm("billing").unwrap().problem_types("https://x/").legacy_rate_headers();
    let app = host.app::<A>(Options { wording, ..Options::default() }, handled()).await;
    let reply = A::send(&app, Request::get("/")).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"billing\""));
    assert!(reply.body.contains("https://x/missing-api-key"), "{}", reply.body);
    let reply = host.call::<A>(&app).await;
    assert_eq!(reply.header("x-ratelimit-limit"), Some("60"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("59"));
    assert_eq!(reply.header("x-ratelimit-used"), Some("1"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some("1893456060"));
}

pub async fn renderer_changes_the_body_and_its_type_only<A: Adapter>() {
    fn render(denial: &Denial, problem: &Problem) -> RenderedBody {
        assert_eq!(problem.code, denial.code().as_str());
        RenderedBody::new("application/json", format!("{{\"error\":\"{}\"}}", problem.code))
    }
    let host = Host::with_limit(1).await;
    let app = host.app::<A>(Options { renderer: Some(render), ..Options::default() }, handled()).await;
    assert_eq!(host.call::<A>(&app).await.status, 200);
    let reply = host.call::<A>(&app).await;
    assert_eq!((reply.status, &*reply.body), (429, "{\"error\":\"RATE_LIMITED\"}"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=0;t=60"));
    let reply = A::send(&app, Request::get("/")).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"api\""));
}

pub async fn denial_is_among_the_extensions_of_its_response<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    assert_eq!(A::send(&app, Request::get("/")).await.denial, Some(Denial::Missing));
    assert_eq!(host.call::<A>(&app).await.denial, None);
}

pub async fn denial_for_the_plan_names_the_first_plan_with_access<A: Adapter>() {
    let plan = |name| Plan::new(name, Quota::Limited(5)).unwrap();
    let basic = plan("basic").with_display_name("Basic API");
    let plans = Plans::new([plan("trial").without_api_access(), basic, plan("pro")]).unwrap();
    let host = Host::with(plans, "pro", NewKey::new("CI").unwrap()).await;
    host.set_plan("trial").await;
    let reply = host.call::<A>(&host.handled::<A>().await).await;
    assert_eq!((reply.status, reply.code()), (403, "API_ACCESS_NOT_AVAILABLE"));
    assert!(reply.body.contains("\"Upgrade to the Basic API plan or a higher one.\""), "{}", reply.body);
}
