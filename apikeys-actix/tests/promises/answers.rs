//! Statuses, headers and bodies, to the letter.

use std::time::Duration;

use actix_http::{Method as HttpMethod, Request};
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    test, web,
};
use apikeys_actix::apikeys_core::{
    Denial, KeyPatch, Timestamp,
    conformance::faults::{Fault, Method},
    http::{Problem, Rendered, Wording},
};

use crate::support::{Host, Reply, anonymous, send, serving, with_lines};

/// The answers that the core promises, and every adapter gives.
const GOLDEN: &str = include_str!("../../../apikeys-core/tests/golden/answers.txt");

async fn app(
    host: &Host,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let app = App::new().service(web::resource("/v1/whoami").wrap(host.middleware()).to(async || "handled"));
    test::init_service(app).await
}

fn assert_golden(reply: &Reply) {
    let code = reply.code();
    let golden = GOLDEN.split("\n\n").find(|answer| answer.contains(&format!("\"code\":\"{code}\"")));
    // actix keeps headers in no order.
    let (head, body) = golden.unwrap().rsplit_once('\n').unwrap();
    let mut wanted: Vec<_> = head.lines().skip(1).map(str::to_owned).collect();
    let mut headers: Vec<_> =
        reply.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    wanted.sort();
    headers.sort();
    assert_eq!(headers, wanted);
    assert_eq!(Some(reply.status.as_str()), head.lines().next());
    assert_eq!(reply.body, body);
}

/// C1 and C2, R3 and R9.
#[actix_web::test]
async fn a_missing_and_an_invalid_key_are_answered_to_the_letter() {
    let host = Host::new().await;
    let app = app(&host).await;
    for missing in ["", "Bearer", "Bearer ", "Bearer\tx", "Basic azo=", "Bearerish x"] {
        let reply = send(&app, with_lines("/v1/whoami", &[("authorization", missing)])).await;
        assert_eq!(reply.code(), "MISSING_API_KEY", "{missing:?}");
        assert_golden(&reply);
    }
    assert_golden(&send(&app, anonymous("/v1/whoami")).await);
    let secret = host.secret.expose();
    let other = if secret.ends_with('0') { "1" } else { "0" };
    let last_changed = format!("Bearer {}{other}", &secret[..secret.len() - 1]);
    let spaced = format!("Bearer {secret} {secret}");
    let long = format!("Bearer {}", "x".repeat(4_000));
    for invalid in ["Bearer wrong", "Bearer a b", &last_changed, &spaced, &long] {
        let reply = send(&app, with_lines("/v1/whoami", &[("authorization", invalid)])).await;
        assert_eq!(reply.code(), "INVALID_API_KEY", "{invalid:?}");
        assert_golden(&reply);
    }
    assert_eq!(host.faults.calls(Method::Find), 0, "none of these is worth a look-up");
}

#[actix_web::test]
async fn a_deleted_key_is_answered_as_one_that_never_was() {
    let host = Host::new().await;
    host.manage().delete(host.key).await.unwrap();
    let reply = send(&app(&host).await, host.get("/v1/whoami")).await;
    assert_eq!(reply.code(), "INVALID_API_KEY");
    assert_golden(&reply);
}

/// C3, C4 and C5.
#[actix_web::test]
async fn the_holder_of_the_real_key_is_told_what_is_wrong_with_it() {
    let host = Host::new().await;
    let app = app(&host).await;
    let refused = async |code: &str| {
        let reply = send(&app, host.get("/v1/whoami")).await;
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
    assert_eq!(send(&app, host.get("/v1/whoami")).await.body, "handled");
}

/// C6, R22 and R25.
#[actix_web::test]
async fn over_the_limit_the_wait_is_told_and_is_enough() {
    let host = Host::new().await;
    let app = app(&host).await;
    for left in (0..60).rev() {
        let reply = send(&app, host.get("/v1/whoami")).await;
        assert_eq!(reply.header("ratelimit-policy"), Some("\"per-key\";q=60;w=60"));
        assert_eq!(reply.header("ratelimit"), Some(&*format!("\"per-key\";r={left};t=60")));
    }
    host.clock.advance(Duration::from_millis(47_500)).await;
    let reply = send(&app, host.get("/v1/whoami")).await;
    assert_eq!(reply.header("retry-after"), Some("13"));
    assert_golden(&reply);
    host.clock.advance(Duration::from_secs(13)).await;
    assert_eq!(send(&app, host.get("/v1/whoami")).await.status, 200);
}

/// C7.
#[actix_web::test]
async fn two_credentials_are_answered_to_the_letter() {
    let host = Host::new().await;
    let app = app(&host).await;
    let bearer = host.bearer();
    let joined = format!("{bearer}, {bearer}");
    for lines in
        [&[("authorization", &*bearer), ("authorization", &*bearer)][..], &[("authorization", &*joined)]]
    {
        let reply = send(&app, with_lines("/v1/whoami", lines)).await;
        assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
        assert_golden(&reply);
    }
    assert_eq!(host.faults.calls(Method::Find), 0);
}

/// C9.
#[actix_web::test]
async fn a_key_that_cannot_be_checked_is_neither_wrong_nor_let_in() {
    let host = Host::new().await;
    let app = app(&host).await;
    host.faults.set_all(Fault::Error);
    let reply = send(&app, host.get("/v1/whoami")).await;
    assert_eq!(reply.code(), "VERIFICATION_UNAVAILABLE");
    assert_golden(&reply);
    host.faults.clear();
    assert_eq!(send(&app, host.get("/v1/whoami")).await.status, 200);
    host.keys.shutdown().await.unwrap();
    assert_eq!(send(&app, host.get("/v1/whoami")).await.code(), "VERIFICATION_UNAVAILABLE");
}

#[actix_web::test]
async fn our_rate_headers_replace_the_handlers_own() {
    let host = Host::new().await;
    let handler = async || {
        let mut response = HttpResponse::Ok();
        for line in [("ratelimit", "\"mine\";r=1"), ("ratelimit", "\"mine\";r=2"), ("x-other", "kept")] {
            response.append_header(line);
        }
        response.finish()
    };
    let reply = send(&serving(host.middleware(), handler).await, host.get("/")).await;
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(reply.header("x-other"), Some("kept"));
}

#[actix_web::test]
async fn the_wording_is_the_hosts_choice() {
    let host = Host::new().await;
    let wording =
        Wording::default().realm("billing").unwrap().problem_types("https://x/").legacy_rate_headers();
    let app = serving(host.middleware().wording(wording), async || "handled").await;
    let reply = send(&app, anonymous("/")).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"billing\""));
    assert!(reply.body.contains("https://x/missing-api-key"), "{}", reply.body);
    let reply = send(&app, host.get("/")).await;
    assert_eq!(reply.header("x-ratelimit-limit"), Some("60"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("59"));
    assert_eq!(reply.header("x-ratelimit-used"), Some("1"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some("1893456060"));
}

#[actix_web::test]
async fn a_renderer_changes_the_body_and_no_other_header() {
    let host = Host::with_limit(1).await;
    let render = |denial: &Denial, problem: &Problem| {
        assert_eq!(denial.code().as_str(), problem.code);
        Rendered::new("application/json", format!("{{\"error\":\"{}\"}}", problem.code))
    };
    let app = serving(host.middleware().renderer(render), async || "handled").await;
    assert_eq!(send(&app, host.get("/")).await.status, 200);
    let reply = send(&app, host.get("/")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (429, "{\"error\":\"RATE_LIMITED\"}"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=0;t=60"));
    let reply = send(&app, anonymous("/")).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"api\""));
}

#[actix_web::test]
async fn the_denial_is_among_the_responses_extensions() {
    let host = Host::new().await;
    let app = app(&host).await;
    assert_eq!(send(&app, anonymous("/v1/whoami")).await.denial, Some(Denial::Missing));
    assert_eq!(send(&app, host.get("/v1/whoami")).await.denial, None);
}

/// The server leaves the body out, see `wire`.
#[actix_web::test]
async fn every_method_is_refused_alike() {
    let host = Host::new().await;
    let app = app(&host).await;
    for method in ["HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"] {
        let method = HttpMethod::from_bytes(method.as_bytes()).unwrap();
        assert_golden(&send(&app, anonymous("/v1/whoami").method(method)).await);
    }
}
