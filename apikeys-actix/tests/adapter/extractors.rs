//! Tests of `Caller`, `Option<Caller>` and `Result<Caller, CallerRejection>` as extractors.

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

async fn required_caller(caller: Caller) -> String {
    format!("{} {} {} {}", caller.org(), caller.key_name(), caller.plan(), caller.rate().remaining)
}

async fn optional_caller(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "no caller".to_owned(), |caller| caller.key_id().to_string())
}

async fn tell(caller: Result<Caller, CallerRejection>) -> String {
    match caller {
        Ok(caller) => caller.key_id().to_string(),
        Err(rejection) if rejection.is_missing_middleware() => "no middleware".to_owned(),
        Err(_) => "no caller".to_owned(),
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/required", web::get().to(required_caller))
        .route("/optional", web::get().to(optional_caller))
        .route("/tell", web::get().to(tell));
}

#[actix_web::test]
async fn handler_gets_the_caller_of_its_request() {
    let host = Host::new().await;
    let app = test::init_service(App::new().configure(routes).wrap(host.middleware())).await;
    assert_eq!(send(&app, host.get("/required")).await.body, "org_1 CI professional 59");
    assert_eq!(send(&app, host.get("/optional")).await.body, host.key.to_string());
    assert_eq!(send(&app, host.get("/tell")).await.body, host.key.to_string());
}

#[actix_web::test]
async fn optional_caller_is_none_for_a_request_without_a_credential() {
    let host = Host::new().await;
    let app = test::init_service(App::new().configure(routes).wrap(host.middleware().optional())).await;
    for path in ["/optional", "/tell"] {
        assert_eq!(send(&app, anonymous(path)).await.body, "no caller");
        assert_eq!(send(&app, host.get(path)).await.body, host.key.to_string());
        let wrong = with_lines(path, &[("authorization", "Bearer wrong")]);
        assert_eq!(send(&app, wrong).await.code(), "INVALID_API_KEY");
    }
}

#[actix_web::test]
async fn caller_rejection_without_a_key_is_the_denial_of_the_middleware() {
    let host = Host::new().await;
    let wording = Wording::default().realm("billing").unwrap();
    let middleware = host.middleware().wording(wording);
    let optional = App::new().configure(routes).wrap(middleware.clone().optional());
    let one = send(&test::init_service(optional).await, anonymous("/required")).await;
    let strict = App::new().configure(routes).wrap(middleware);
    let other = send(&test::init_service(strict).await, anonymous("/required")).await;
    assert_eq!(one.code(), "MISSING_API_KEY");
    assert_eq!((one.status, &one.body), (other.status, &other.body));
    for (name, value) in &other.headers {
        assert_eq!(one.headers.get(name), Some(value));
    }
    assert_eq!(one.headers.len(), other.headers.len());
    assert_eq!(one.denial, Some(Denial::Missing));
}

/// actix-web turns every rejection of `Option<Caller>` into `None`.
#[actix_web::test]
async fn route_without_the_middleware_gets_a_500_that_names_the_middleware() {
    let app = test::init_service(App::new().configure(routes)).await;
    let reply = send(&app, anonymous("/required")).await;
    assert_eq!(reply.status, 500);
    assert_eq!(
        reply.body,
        "The `Caller` extractor found no `ApiKeyMiddleware` around this route. \
         Add `.wrap(ApiKeyMiddleware::new(keys))` to its resource, its scope or the app."
    );
    assert_eq!(send(&app, anonymous("/tell")).await.body, "no middleware");
    assert_eq!(send(&app, anonymous("/optional")).await.body, "no caller");
}

#[actix_web::test]
async fn status_code_of_a_rejection_is_the_status_of_its_response() {
    let host = Host::new().await;
    let rejected = async |app| {
        let response: ServiceResponse = app;
        let error = response.response().error().unwrap();
        (error.as_response_error().status_code(), response.status())
    };
    let forgotten = test::init_service(App::new().configure(routes)).await;
    let response = forgotten.call(anonymous("/required").to_request()).await.unwrap();
    assert_eq!(rejected(response).await, (500.try_into().unwrap(), 500.try_into().unwrap()));
    let app = App::new().configure(routes).wrap(host.middleware().optional());
    let response = test::init_service(app).await.call(anonymous("/required").to_request()).await.unwrap();
    let response = response.map_into_boxed_body();
    assert_eq!(rejected(response).await, (401.try_into().unwrap(), 401.try_into().unwrap()));
}
