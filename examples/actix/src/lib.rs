//! The quickstart's routes, apart from its process, so that tests use the same.

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, Route,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, Bytes, Data, Json, PayloadConfig, ServiceConfig},
};
use apikeys_actix::{ApiKeyMiddleware, Caller};
use apikeys_example_shared::{Answer, Demo, Identity};

/// Longest body that is read, in bytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// The whole service: the API behind the middleware, what administrators use, and what is open to
/// everybody.
pub fn routes(app: &mut ServiceConfig, demo: &Demo, keys: &ApiKeyMiddleware) {
    protected(app, keys);
    settings(app, demo);
    open(app);
}

/// The API behind the middleware.
pub fn protected(app: &mut ServiceConfig, keys: &ApiKeyMiddleware) {
    // Around each route: a path that does not exist stays a 404, with a key and without.
    let whoami = web::resource("/v1/whoami").route(get().to(whoami).wrap(keys.clone()));
    let echo = web::resource("/v1/echo").route(web::post().to(echo).wrap(keys.clone()));
    app.app_data(PayloadConfig::new(MAX_BODY)).service(whoami).service(echo);
}

/// What needs no key.
fn open(app: &mut ServiceConfig) {
    app.service(web::resource("/healthz").route(get().to(async || "ok")));
}

/// The login, the management API behind it, and what stands for the billing.
fn settings(app: &mut ServiceConfig, demo: &Demo) {
    let api = demo.api.clone().into_scope();
    app.app_data(Data::new(demo.clone()))
        .service(web::scope("/settings/developer").wrap(from_fn(log_in)).service(api))
        .service(web::resource("/login").route(get().to(enter)))
        .service(web::resource("/demo/plan").route(web::put().to(set_plan)));
}

/// `GET`, and `HEAD` likewise.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn whoami(caller: Caller) -> Json<Identity> {
    Json(Identity::from(&*caller))
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// Tells the management API who is logged in. A real service asks its own sessions here.
async fn log_in<B: MessageBody>(
    demo: Data<Demo>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let Some(admin) = demo.login.admin(&*lines(request.headers())) {
        request.extensions_mut().insert(admin);
    }
    next.call(request).await
}

async fn enter(demo: Data<Demo>, request: HttpRequest) -> HttpResponse {
    send(demo.login.enter(request.uri().query()))
}

async fn set_plan(demo: Data<Demo>, request: HttpRequest, body: Bytes) -> HttpResponse {
    send(demo.set_plan(&*lines(request.headers()), &body).await)
}

/// The headers, as the core reads them.
fn lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// An answer of the demo, as actix sends it.
fn send(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::new(status).set_body(answer.body).map_into_boxed_body();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
