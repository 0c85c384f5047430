//! Tests of the response body with CORS and compression.

use std::io::Read;

use actix_cors::Cors;
use actix_http::{Method, Request};
use actix_web::{
    App, Error,
    body::{self, BodySize, MessageBody},
    dev::{Service, ServiceResponse},
    middleware::Compress,
    test, web,
};
use apikeys_actix::apikeys_core::{Denial, http::Authenticator};
use flate2::read::GzDecoder;

use crate::support::{Host, HostExt as _, anonymous, send, serving, with_lines};

#[actix_web::test]
async fn denial_has_cors_headers_if_the_cors_layer_runs_first() {
    let host = Host::new().await;
    let app = App::new()
        .wrap(host.middleware())
        .wrap(Cors::default().allow_any_origin().allow_any_method().allow_any_header().expose_any_header())
        .route("/", web::get().to(async || "handled"));
    let app = test::init_service(app).await;
    let origin = ("origin", "https://app.example");
    let reply = send(&app, with_lines("/", &[origin])).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(reply.header("access-control-expose-headers").is_some());
    let asked = [
        origin,
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let reply = send(&app, with_lines("/", &asked).method(Method::OPTIONS)).await;
    assert_eq!(reply.status, 200, "a preflight request needs no key");
    assert_eq!(reply.header("access-control-allow-headers"), Some("authorization"));
    let bearer = host.bearer();
    let reply = send(&app, with_lines("/", &[origin, ("authorization", &*bearer)])).await;
    assert_eq!(reply.body, "handled");
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
}

const LONG: &str = "the same thing over and over, the same thing over and over, the same thing over and over";

/// Sends a request that accepts gzip, and returns the encoding of the response and its decoded body.
async fn gzipped<S, B>(app: &S, lines: &[(&str, &str)]) -> (Option<String>, String)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut lines = lines.to_vec();
    lines.push(("accept-encoding", "gzip"));
    let response = app.call(with_lines("/", &lines).to_request()).await.unwrap();
    let encoding = response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
    let sent = body::to_bytes(response.into_body()).await.ok().unwrap();
    let mut read = String::new();
    match encoding {
        Some(_) => GzDecoder::new(&*sent).read_to_string(&mut read).unwrap(),
        None => (&*sent).read_to_string(&mut read).unwrap(),
    };
    (encoding, read)
}

#[actix_web::test]
async fn compression_works_before_and_after_the_key_is_verified() {
    let host = Host::new().await;
    let app = || App::new().route("/", web::get().to(async || LONG));
    let around = test::init_service(app().wrap(host.middleware()).wrap(Compress::default())).await;
    let within = test::init_service(app().wrap(Compress::default()).wrap(host.middleware())).await;
    let denial = send(&around, anonymous("/")).await.body;
    assert!(denial.contains("MISSING_API_KEY"), "{denial}");
    let bearer = host.bearer();
    let line = [("authorization", &*bearer)];
    let gzip = || Some("gzip".to_owned());
    assert_eq!(gzipped(&around, &line).await, (gzip(), LONG.to_owned()));
    assert_eq!(gzipped(&within, &line).await, (gzip(), LONG.to_owned()));
    assert_eq!(gzipped(&around, &[]).await, (gzip(), denial.clone()));
    assert_eq!(gzipped(&within, &[]).await, (None, denial));
}

#[actix_web::test]
async fn body_reports_its_length() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || "handled").await;
    let refusal = Authenticator::new(host.keys.clone()).refusal(&Denial::Missing);
    for (request, whole) in [(anonymous("/"), &*refusal.body), (host.get("/"), b"handled")] {
        let body = app.call(request.to_request()).await.unwrap().into_body();
        assert_eq!(body.size(), BodySize::Sized(u64::try_from(whole.len()).unwrap()));
        assert_eq!(body::to_bytes(body).await.ok().unwrap(), whole);
    }
}
