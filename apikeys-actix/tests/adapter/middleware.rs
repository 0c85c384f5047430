//! Tests with other middleware.

use actix_web::{
    App, Error, HttpMessage, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    middleware::{Condition, Next, from_fn},
    test, web,
};
use apikeys_actix::Caller;

use crate::support::{Host, HostExt as _, anonymous, send, serving};

async fn name_the_caller(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let caller = request.extensions().get::<Caller>().map(|caller| caller.org().to_string());
    let mut response = next.call(request).await?;
    if let Some(caller) = caller {
        response.headers_mut().insert("x-org".parse().unwrap(), caller.parse().unwrap());
    }
    Ok(response)
}

#[actix_web::test]
async fn inner_middleware_reads_the_caller_from_the_extensions() {
    let host = Host::new().await;
    let routes = || web::resource("/").to(async || "handled");
    let within = App::new().service(routes().wrap(from_fn(name_the_caller)).wrap(host.middleware()));
    let reply = send(&test::init_service(within).await, host.get("/")).await;
    assert_eq!((reply.header("x-org"), &*reply.body), (Some("org_1"), "handled"));
    let around = App::new().service(routes().wrap(host.middleware()).wrap(from_fn(name_the_caller)));
    let reply = send(&test::init_service(around).await, host.get("/")).await;
    assert_eq!((reply.header("x-org"), &*reply.body), (None, "handled"));
}

#[actix_web::test]
async fn denial_is_a_response_and_not_an_error() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || "handled").await;
    let response = app.call(anonymous("/").to_request()).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.response().error().is_none());
}

#[actix_web::test]
async fn resource_scope_and_app_can_be_wrapped() {
    let host = Host::new().await;
    let ok = || web::get().to(HttpResponse::Ok);
    let app = App::new()
        .service(web::resource("/resource").wrap(host.middleware()).route(ok()))
        .service(web::scope("/scope").wrap(host.middleware()).route("/x", ok()))
        .route("/open", ok());
    let app = test::init_service(app).await;
    for path in ["/resource", "/scope/x"] {
        assert_eq!(send(&app, anonymous(path)).await.status, 401, "{path}");
        assert_eq!(send(&app, host.get(path)).await.status, 200, "{path}");
    }
    assert_eq!(send(&app, anonymous("/open")).await.status, 200);
    let app = test::init_service(App::new().route("/x", ok()).wrap(host.middleware())).await;
    assert_eq!(send(&app, anonymous("/x")).await.status, 401);
    assert_eq!(send(&app, host.get("/x")).await.status, 200);
}

#[actix_web::test]
async fn condition_switches_the_middleware_on_and_off() {
    let host = Host::new().await;
    for (on, status) in [(true, 401), (false, 200)] {
        let app = App::new()
            .wrap(Condition::new(on, host.middleware()))
            .route("/", web::get().to(HttpResponse::Ok));
        assert_eq!(send(&test::init_service(app).await, anonymous("/")).await.status, status);
    }
}
