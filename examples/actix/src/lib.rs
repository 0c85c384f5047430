//! The routes of the quickstart, which tests also use.

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, Route,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard,
    http::header::HeaderMap,
    middleware::{Next, from_fn},
    web::{self, Bytes, Data, Json, PayloadConfig, ServiceConfig},
};
use apikeys_actix::{ApiKeyMiddleware, Caller};
use apikeys_example_shared::{Demo, Identity};

/// The length of the longest accepted body, in bytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// The routes of the whole service: the API behind the middleware, the settings of administrators, and
/// the public routes.
pub fn routes(app: &mut ServiceConfig, demo: &Demo, keys: &ApiKeyMiddleware) {
    protected(app, keys);
    settings(app, demo);
    open(app);
}

/// The routes of the API behind the middleware.
pub fn protected(app: &mut ServiceConfig, keys: &ApiKeyMiddleware) {
    // A middleware around each route leaves unknown paths a 404 with and without a key.
    let whoami = web::resource("/v1/whoami").route(get().to(whoami).wrap(keys.clone()));
    let echo = web::resource("/v1/echo").route(web::post().to(echo).wrap(keys.clone()));
    app.app_data(PayloadConfig::new(MAX_BODY)).service(whoami).service(echo);
}

/// The routes that need no key.
fn open(app: &mut ServiceConfig) {
    app.service(web::resource("/healthz").route(get().to(async || "ok")));
}

/// The login, the settings page behind the login, and a stand-in for the billing.
fn settings(app: &mut ServiceConfig, demo: &Demo) {
    let page = demo.page().into_services();
    app.app_data(Data::new(demo.clone()))
        .service(web::scope("/settings/developer").wrap(from_fn(log_in)).service(page))
        .service(web::resource("/login").route(get().to(enter)))
        .service(web::resource("/demo/plan").route(web::put().to(set_plan)));
}

/// A route for `GET` and `HEAD`.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn whoami(caller: Caller) -> Json<Identity> {
    Json(Identity::new(caller.org(), caller.key_id(), caller.key_name()))
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// Passes the administrator to the settings page and its API. A real service looks up its own session here.
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
    apikeys_actix::response(demo.login.enter(request.uri().query()))
}

async fn set_plan(demo: Data<Demo>, request: HttpRequest, body: Bytes) -> HttpResponse {
    apikeys_actix::response(demo.set_plan(&*lines(request.headers()), &body).await)
}

/// The headers as lines, which `apikeys_core::http::Headers` is implemented for.
fn lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}
