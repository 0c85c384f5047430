//! axum, in process: `Service::call` of a router that is used again and again.

mod apikeys;
mod by_hand;
mod tower_http_and_governor;

use std::time::{Duration, Instant};

use apikeys_benches::{Engine, Line, Result, Target, headers_only::HeadersOnly, number, secrets, time};
use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
    routing::get,
};
use futures_util::FutureExt;
use tower_service::Service;

use crate::rounds::{Timed, compare, round};

const PATH: &str = "/v1/items";
/// A header whose value tells callers apart. Each request has it, but only one of the peers reads it.
const CALLER: HeaderName = HeaderName::from_static("x-caller");

/// Compares the layers with this number of keys.
pub(crate) fn measure(keys: usize) -> Result<()> {
    let secrets = secrets(keys)?;
    let engine = Engine::new(keys)?;
    let mut services = [
        timed("bare", routes(), &secrets, bearer),
        apikeys::timed(&engine)?,
        tower_http_and_governor::timed(&secrets)?,
        by_hand::timed(&secrets)?,
        timed("the changes of headers alone", routes().layer(HeadersOnly::layer()), &secrets, bearer),
    ];
    let (bare, added) = compare(keys, &mut services)?;
    let [ours, tower, by_hand, headers_only] = added.as_slice() else {
        return Err("a layer is missing".into());
    };
    let what = format!(
        "added by a layer of axum ({} bare), {} keys",
        time(bare),
        number(f64::from(u32::try_from(keys)?))
    );
    for (peer, target) in [
        (tower, Target::AtMost(if keys > 1_000 { 1.2 } else { 0.85 })),
        (by_hand, Target::Shown),
        (headers_only, Target::Shown),
    ] {
        let yardstick = format!("{}, {}", time(peer.median()), peer.name);
        let line = Line::compared("P3", &what, time(ours.median()), yardstick, ours.ratio_to(peer), target);
        println!("{line}");
    }
    Ok(())
}

/// Sends requests to our layer for a profiler.
pub(crate) fn profile(keys: usize) -> Result<()> {
    let engine = Engine::new(keys)?;
    let mut ours = apikeys::timed(&engine)?;
    let everything: Vec<usize> = (0..keys).collect();
    round(&mut ours, &everything)?;
    for number in 0..100 {
        round(&mut ours, &apikeys_benches::order(keys, 50_000, number))?;
    }
    Ok(())
}

/// The service without a layer.
fn routes() -> Router {
    Router::new().route(PATH, get(async || "ok"))
}

/// Times requests to `router`. `request` makes a request with a secret.
fn timed<'a>(
    name: &'static str,
    mut router: Router,
    secrets: &[String],
    request: fn(HeaderValue) -> Request<Body>,
) -> Timed<'a> {
    let secrets: Vec<HeaderValue> = secrets.iter().filter_map(|secret| bearer_value(secret)).collect();
    let mut requests = Vec::new();
    Timed {
        name,
        serve: Box::new(move |places| {
            requests.extend(places.iter().filter_map(|place| secrets.get(*place)).cloned().map(request));
            serve(&mut router, &mut requests)
        }),
        flush: Box::new(|| Ok(())),
        next_minute: Box::new(|| Ok(())),
    }
}

/// Returns how long the requests take.
fn serve(router: &mut Router, requests: &mut Vec<Request<Body>>) -> Result<Duration> {
    let number = requests.len();
    let mut answered = 0;
    let began = Instant::now();
    for request in requests.drain(..) {
        if let Some(Ok(response)) = router.call(request).now_or_never() {
            answered += usize::from(response.status() == StatusCode::OK);
        }
    }
    let took = began.elapsed();
    if answered == number {
        Ok(took)
    } else {
        Err(format!("{answered} of {number} requests were answered").into())
    }
}

fn bearer_value(secret: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Bearer {secret}")).ok()
}

/// A request whose key is in the header `Authorization`.
fn bearer(value: HeaderValue) -> Request<Body> {
    request(value, HeaderValue::from_static("bench"))
}

fn request(authorization: HeaderValue, caller: HeaderValue) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = PATH.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("bench/1.0"));
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(CALLER, caller);
    request
}
