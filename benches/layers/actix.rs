//! actix-web, in process: `Service::call` of an application that is used again and again.

mod apikeys;
mod httpauth;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_web::{
    Error, HttpResponse,
    dev::{Service, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    rt::System,
    test::{TestRequest, init_service},
    web::{self, ServiceConfig},
};
use apikeys_benches::{Engine, Line, Result, Target, headers_only::change_headers, number, secrets, time};
use futures_util::FutureExt;

use crate::rounds::{Timed, compare, round};

const PATH: &str = "/v1/items";

/// Compares the middleware with this number of keys.
pub(crate) fn measure(keys: usize) -> Result<()> {
    let secrets = secrets(keys)?;
    let (engine, system) = (Engine::new(keys)?, System::new());
    let bare = system.block_on(init_service(actix_web::App::new().configure(routes)));
    let key: Arc<str> = "key".into();
    let headers_only = actix_web::App::new()
        .configure(routes)
        .wrap_fn(move |request, service| change_headers(&key, request, service));
    let headers_only = system.block_on(init_service(headers_only));
    let mut services = [
        timed("bare", bare, &secrets),
        apikeys::timed(&engine, &system)?,
        httpauth::timed(&secrets, &system),
        timed("the changes of headers alone", headers_only, &secrets),
    ];
    let (bare, added) = compare(keys, &mut services)?;
    let [ours, httpauth, headers_only] = added.as_slice() else {
        return Err("a middleware is missing".into());
    };
    let keys = number(f64::from(u32::try_from(keys)?));
    let what = format!("added by the middleware of actix-web ({} bare), {keys} keys", time(bare));
    for (peer, target) in [(httpauth, Target::AtMost(1.7)), (headers_only, Target::Shown)] {
        let yardstick = format!("{}, {}", time(peer.median()), peer.name);
        let line = Line::compared("P3a", &what, time(ours.median()), yardstick, ours.ratio_to(peer), target);
        println!("{line}");
    }
    Ok(())
}

/// Sends requests to our middleware for a profiler.
pub(crate) fn profile(keys: usize) -> Result<()> {
    let (engine, system) = (Engine::new(keys)?, System::new());
    let mut ours = apikeys::timed(&engine, &system)?;
    let everything: Vec<usize> = (0..keys).collect();
    round(&mut ours, &everything)?;
    for number in 0..100 {
        round(&mut ours, &apikeys_benches::order(keys, 50_000, number))?;
    }
    Ok(())
}

/// The service without middleware.
fn routes(app: &mut ServiceConfig) {
    app.route(PATH, web::get().to(async || HttpResponse::Ok().body("ok")));
}

/// Times requests to `app`.
fn timed<'a, S, B>(name: &'static str, app: S, secrets: &[String]) -> Timed<'a>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'a,
{
    let values = secrets.iter().filter_map(|secret| HeaderValue::try_from(format!("Bearer {secret}")).ok());
    let values: Vec<HeaderValue> = values.collect();
    let mut requests = Vec::new();
    Timed {
        name,
        serve: Box::new(move |places| {
            requests.extend(places.iter().filter_map(|place| values.get(*place)).cloned().map(request));
            serve(&app, &mut requests)
        }),
        flush: Box::new(|| Ok(())),
        next_minute: Box::new(|| Ok(())),
    }
}

/// Returns how long the requests take.
fn serve<S, B>(app: &S, requests: &mut Vec<Request>) -> Result<Duration>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    let number = requests.len();
    let mut answered = 0;
    let began = Instant::now();
    for request in requests.drain(..) {
        if let Some(Ok(response)) = app.call(request).now_or_never() {
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

fn request(authorization: HeaderValue) -> Request {
    let request = TestRequest::get().uri(PATH).insert_header((header::HOST, "localhost"));
    let request = request.insert_header((header::USER_AGENT, "bench/1.0"));
    request.insert_header((header::AUTHORIZATION, authorization)).to_request()
}
