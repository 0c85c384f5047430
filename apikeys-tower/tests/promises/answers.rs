//! Statuses, headers and bodies, to the letter.

use std::time::Duration;

use apikeys_tower::apikeys_core::{
    Denial, KeyPatch, Timestamp,
    conformance::faults::{Fault, Method},
    http::{Problem, Rendered, Wording},
};
use axum::{Router, body::Body, response::IntoResponse, routing::get};
use http::Request;

use crate::support::{Host, Reply, anonymous, send, with_lines};

/// The answers that the core promises, and every adapter gives.
const GOLDEN: &str = include_str!("../../../apikeys-core/tests/golden/answers.txt");

fn app(host: &Host) -> Router {
    Router::new().route("/v1/whoami", get(|| async { "handled" })).route_layer(host.layer())
}

fn assert_golden(reply: &Reply) {
    let code = reply.code();
    let wanted = GOLDEN.split("\n\n").find(|answer| answer.contains(&format!("\"code\":\"{code}\"")));
    let mut lines = vec![reply.status.as_u16().to_string()];
    for (name, value) in &reply.headers {
        if name == "content-length" {
            assert_eq!(value.to_str().unwrap(), reply.body.len().to_string());
        } else {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    lines.push(reply.body.clone());
    assert_eq!(lines.join("\n"), wanted.unwrap());
}

/// C1 and C2, R3 and R9.
#[tokio::test]
async fn a_missing_and_an_invalid_key_are_answered_to_the_letter() {
    let host = Host::new().await;
    for missing in ["", "Bearer", "Bearer ", "Bearer\tx", "Basic azo=", "Bearerish x"] {
        let reply = send(app(&host), with_lines("/v1/whoami", &[("authorization", missing)])).await;
        assert_eq!(reply.code(), "MISSING_API_KEY", "{missing:?}");
        assert_golden(&reply);
    }
    assert_golden(&send(app(&host), anonymous("/v1/whoami")).await);
    let secret = host.secret.expose();
    let other = if secret.ends_with('0') { "1" } else { "0" };
    let last_changed = format!("Bearer {}{other}", &secret[..secret.len() - 1]);
    let spaced = format!("Bearer {secret} {secret}");
    let long = format!("Bearer {}", "x".repeat(4_000));
    for invalid in ["Bearer wrong", "Bearer a b", &last_changed, &spaced, &long] {
        let reply = send(app(&host), with_lines("/v1/whoami", &[("authorization", invalid)])).await;
        assert_eq!(reply.code(), "INVALID_API_KEY", "{invalid:?}");
        assert_golden(&reply);
    }
    assert_eq!(host.faults.calls(Method::Find), 0, "none of these is worth a look-up");
}

#[tokio::test]
async fn a_deleted_key_is_answered_as_one_that_never_was() {
    let host = Host::new().await;
    host.manage().delete(host.key).await.unwrap();
    let reply = send(app(&host), host.get("/v1/whoami")).await;
    assert_eq!(reply.code(), "INVALID_API_KEY");
    assert_golden(&reply);
}

/// C3, C4 and C5.
#[tokio::test]
async fn the_holder_of_the_real_key_is_told_what_is_wrong_with_it() {
    let host = Host::new().await;
    let refused = async |code: &str| {
        let reply = send(app(&host), host.get("/v1/whoami")).await;
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
    assert_eq!(send(app(&host), host.get("/v1/whoami")).await.body, "handled");
}

/// C6, R22 and R25.
#[tokio::test]
async fn over_the_limit_the_wait_is_told_and_is_enough() {
    let host = Host::new().await;
    for left in (0..60).rev() {
        let reply = send(app(&host), host.get("/v1/whoami")).await;
        assert_eq!(reply.header("ratelimit-policy"), Some("\"per-key\";q=60;w=60"));
        assert_eq!(reply.header("ratelimit"), Some(&*format!("\"per-key\";r={left};t=60")));
    }
    host.clock.advance(Duration::from_millis(47_500)).await;
    let reply = send(app(&host), host.get("/v1/whoami")).await;
    assert_eq!(reply.header("retry-after"), Some("13"));
    assert_golden(&reply);
    host.clock.advance(Duration::from_secs(13)).await;
    assert_eq!(send(app(&host), host.get("/v1/whoami")).await.status, 200);
}

/// C7.
#[tokio::test]
async fn two_credentials_are_answered_to_the_letter() {
    let host = Host::new().await;
    let bearer = host.bearer();
    let joined = format!("{bearer}, {bearer}");
    for lines in
        [&[("authorization", &*bearer), ("authorization", &*bearer)][..], &[("authorization", &*joined)]]
    {
        let reply = send(app(&host), with_lines("/v1/whoami", lines)).await;
        assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
        assert_golden(&reply);
    }
    assert_eq!(host.faults.calls(Method::Find), 0);
}

/// C9.
#[tokio::test]
async fn a_key_that_cannot_be_checked_is_neither_wrong_nor_let_in() {
    let host = Host::new().await;
    host.faults.set_all(Fault::Error);
    let reply = send(app(&host), host.get("/v1/whoami")).await;
    assert_eq!(reply.code(), "VERIFICATION_UNAVAILABLE");
    assert_golden(&reply);
    host.faults.clear();
    assert_eq!(send(app(&host), host.get("/v1/whoami")).await.status, 200);
    host.keys.shutdown().await.unwrap();
    assert_eq!(send(app(&host), host.get("/v1/whoami")).await.code(), "VERIFICATION_UNAVAILABLE");
}

#[tokio::test]
async fn our_rate_headers_replace_the_handlers_own() {
    let host = Host::new().await;
    let handler =
        || async { ([("ratelimit", "\"mine\";r=1"), ("x-other", "kept")], "handled").into_response() };
    let app = Router::new().route("/", get(handler)).route_layer(host.layer());
    let reply = send(app, host.get("/")).await;
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(reply.header("x-other"), Some("kept"));
}

#[tokio::test]
async fn the_wording_is_the_hosts_choice() {
    let host = Host::new().await;
    let wording =
        Wording::default().realm("billing").unwrap().problem_types("https://x/").legacy_rate_headers();
    let app = Router::new().route("/", get(|| async {})).route_layer(host.layer().wording(wording));
    let reply = send(app.clone(), anonymous("/")).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"billing\""));
    assert!(reply.body.contains("https://x/missing-api-key"), "{}", reply.body);
    let reply = send(app, host.get("/")).await;
    assert_eq!(reply.header("x-ratelimit-limit"), Some("60"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("59"));
    assert_eq!(reply.header("x-ratelimit-used"), Some("1"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some("1893456060"));
}

#[tokio::test]
async fn a_renderer_changes_the_body_and_no_other_header() {
    let host = Host::with_limit(1).await;
    let render = |denial: &Denial, problem: &Problem| {
        assert_eq!(denial.code().as_str(), problem.code);
        Rendered::new("application/json", format!("{{\"error\":\"{}\"}}", problem.code))
    };
    let app = Router::new().route("/", get(|| async {})).route_layer(host.layer().renderer(render));
    assert_eq!(send(app.clone(), host.get("/")).await.status, 200);
    let reply = send(app.clone(), host.get("/")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (429, "{\"error\":\"RATE_LIMITED\"}"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=0;t=60"));
    let reply = send(app, anonymous("/")).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"api\""));
}

#[tokio::test]
async fn the_denial_is_among_the_responses_extensions() {
    let host = Host::new().await;
    let reply = send(app(&host), anonymous("/v1/whoami")).await;
    assert_eq!(reply.extensions.get::<Denial>(), Some(&Denial::Missing));
    let reply = send(app(&host), host.get("/v1/whoami")).await;
    assert_eq!(reply.extensions.get::<Denial>(), None);
}

#[tokio::test]
async fn a_head_request_is_refused_with_the_same_head() {
    let host = Host::new().await;
    let reply = send(app(&host), Request::head("/v1/whoami").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (401, ""));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"api\""));
}
