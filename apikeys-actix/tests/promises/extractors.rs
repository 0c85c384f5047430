//! `Caller` as an extractor, and what actix makes of `Option` and `Result` of it.

use actix_web::{
    App,
    dev::{Service, ServiceResponse},
    test, web,
};
use apikeys_actix::{
    Caller, CallerRejection,
    apikeys_core::{Denial, http::Wording},
};

use crate::support::{Host, HostExt as _, anonymous, send, with_lines};

async fn who(caller: Caller) -> String {
    format!("{} {} {} {}", caller.org(), caller.key_name(), caller.plan(), caller.rate().remaining)
}

async fn whoever(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "nobody".to_owned(), |caller| caller.key_id().to_string())
}

async fn tell(caller: Result<Caller, CallerRejection>) -> String {
    match caller {
        Ok(caller) => caller.key_id().to_string(),
        Err(rejection) if rejection.is_missing_middleware() => "the host's mistake".to_owned(),
        Err(_) => "nobody".to_owned(),
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/who", web::get().to(who))
        .route("/whoever", web::get().to(whoever))
        .route("/tell", web::get().to(tell));
}

#[actix_web::test]
async fn handler_gets_its_caller() {
    let host = Host::new().await;
    let app = test::init_service(App::new().configure(routes).wrap(host.middleware())).await;
    assert_eq!(send(&app, host.get("/who")).await.body, "org_1 CI professional 59");
    assert_eq!(send(&app, host.get("/whoever")).await.body, host.key.to_string());
    assert_eq!(send(&app, host.get("/tell")).await.body, host.key.to_string());
}

#[actix_web::test]
async fn optional_caller_is_none_only_without_a_credential() {
    let host = Host::new().await;
    let app = test::init_service(App::new().configure(routes).wrap(host.middleware().optional())).await;
    for path in ["/whoever", "/tell"] {
        assert_eq!(send(&app, anonymous(path)).await.body, "nobody");
        assert_eq!(send(&app, host.get(path)).await.body, host.key.to_string());
        let wrong = with_lines(path, &[("authorization", "Bearer wrong")]);
        assert_eq!(send(&app, wrong).await.code(), "INVALID_API_KEY");
    }
}

#[actix_web::test]
async fn handler_that_needs_a_caller_refuses_like_the_middleware() {
    let host = Host::new().await;
    let wording = Wording::default().realm("billing").unwrap();
    let middleware = host.middleware().wording(wording);
    let optional = App::new().configure(routes).wrap(middleware.clone().optional());
    let one = send(&test::init_service(optional).await, anonymous("/who")).await;
    let strict = App::new().configure(routes).wrap(middleware);
    let other = send(&test::init_service(strict).await, anonymous("/who")).await;
    assert_eq!(one.code(), "MISSING_API_KEY");
    assert_eq!((one.status, &one.body), (other.status, &other.body));
    for (name, value) in &other.headers {
        assert_eq!(one.headers.get(name), Some(value));
    }
    assert_eq!(one.headers.len(), other.headers.len());
    assert_eq!(one.denial, Some(Denial::Missing));
}

/// actix's `Option` takes every rejection for `None`: nobody is let in as somebody, but only
/// `Caller` and `Result` tell.
#[actix_web::test]
async fn missing_middleware_is_a_500_that_says_how_to_fix_it() {
    let app = test::init_service(App::new().configure(routes)).await;
    let reply = send(&app, anonymous("/who")).await;
    assert_eq!(reply.status, 500);
    assert_eq!(
        reply.body,
        "The `Caller` extractor found no `ApiKeyMiddleware` around this route. \
         Add `.wrap(ApiKeyMiddleware::new(keys))` to its resource, its scope or the app."
    );
    assert_eq!(send(&app, anonymous("/tell")).await.body, "the host's mistake");
    assert_eq!(send(&app, anonymous("/whoever")).await.body, "nobody");
}

#[actix_web::test]
async fn status_of_a_rejection_is_that_of_its_response() {
    let host = Host::new().await;
    let rejected = async |app| {
        let response: ServiceResponse = app;
        let error = response.response().error().unwrap();
        (error.as_response_error().status_code(), response.status())
    };
    let forgotten = test::init_service(App::new().configure(routes)).await;
    let response = forgotten.call(anonymous("/who").to_request()).await.unwrap();
    assert_eq!(rejected(response).await, (500.try_into().unwrap(), 500.try_into().unwrap()));
    let app = App::new().configure(routes).wrap(host.middleware().optional());
    let response = test::init_service(app).await.call(anonymous("/who").to_request()).await.unwrap();
    let response = response.map_into_boxed_body();
    assert_eq!(rejected(response).await, (401.try_into().unwrap(), 401.try_into().unwrap()));
}
