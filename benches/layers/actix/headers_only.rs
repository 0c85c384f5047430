//! The changes of headers and extensions that our middleware makes, and nothing else: no key is verified, limited or
//! recorded. A middleware that does what ours does cannot take less time than this one.

use std::{hint::black_box, sync::Arc};

use actix_web::{
    App, HttpMessage,
    dev::Service,
    http::header::{self, HeaderName, HeaderValue},
    rt::SystemRunner,
    test::init_service,
};

use super::routes;
use crate::rounds::Timed;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What a handler would learn about the key of a request.
#[derive(Clone)]
struct Caller {
    _key: Arc<str>,
    _limit: u32,
    _remaining: u32,
}

/// Returns the application with the middleware.
pub(super) fn timed<'a>(secrets: &[String], system: &SystemRunner) -> Timed<'a> {
    let key: Arc<str> = "key".into();
    let app = App::new().configure(routes).wrap_fn(move |mut request, service| {
        request.headers_mut().remove(header::AUTHORIZATION);
        let caller = Caller { _key: Arc::clone(&key), _limit: 10_000, _remaining: 9_999 };
        request.extensions_mut().insert(caller);
        let response = service.call(request);
        async move {
            let mut response = response.await?;
            for (name, value) in [(POLICY, "\"per-key\";q=10000;w=60"), (LIMIT, "\"per-key\";r=9999;t=60")] {
                if let Ok(value) = HeaderValue::from_str(black_box(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            Ok(response)
        }
    });
    super::timed("the changes of headers alone", system.block_on(init_service(app)), secrets)
}
