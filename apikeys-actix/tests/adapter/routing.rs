//! Tests of the routes that the middleware protects.

use std::{cell::Cell, rc::Rc};

use actix_http::Method;
use actix_web::{App, http::Uri, middleware::NormalizePath, test, web};

use apikeys_test_adapters::SPELLINGS;

use crate::support::{Host, HostExt as _, anonymous, send};

/// Returns a service with the protected routes `/v1/x` and `/v1/deep/x` and the public route `/healthz`. `ran`
/// counts how often a protected handler ran.
fn routes(host: &Host, ran: &Rc<Cell<u32>>) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let (middleware, ran) = (host.middleware(), Rc::clone(ran));
    let protected = move || {
        ran.set(ran.get() + 1);
        async { "secret" }
    };
    move |config| {
        config
            .service(
                web::scope("/v1")
                    .wrap(middleware)
                    .route("/x", web::to(protected.clone()))
                    .route("/deep/{name}", web::to(protected)),
            )
            .route("/healthz", web::to(async || "ok"));
    }
}

#[actix_web::test]
async fn request_without_a_key_reaches_no_route_of_a_scope_with_any_spelling_of_the_path() {
    let (host, ran) = (Host::new().await, Rc::default());
    let plain = test::init_service(App::new().configure(routes(&host, &ran))).await;
    let normal = App::new().configure(routes(&host, &ran)).wrap(NormalizePath::trim());
    let normal = test::init_service(normal).await;
    for path in SPELLINGS {
        for method in ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PROPFIND"] {
            let request = || anonymous(path).method(Method::from_bytes(method.as_bytes()).unwrap());
            for status in [send(&plain, request()).await.status, send(&normal, request()).await.status] {
                assert!(status == 401 || status == 404, "{method} {path}: {status}");
            }
        }
    }
    assert_eq!(ran.get(), 0);
    assert_eq!(
        send(&plain, host.get("/v1/x")).await.body,
        "secret",
        "a request with a key reaches the route"
    );
    assert_eq!(send(&plain, host.get("/v1/deep/%78")).await.body, "secret");
    assert_eq!(send(&normal, host.get("//v1//x/")).await.body, "secret");
    assert_eq!(ran.get(), 3);
    assert_eq!(send(&plain, anonymous("/healthz")).await.body, "ok");
}

#[actix_web::test]
async fn unknown_path_is_404_with_a_wrapped_resource_and_401_with_a_wrapped_scope() {
    let host = Host::new().await;
    let known = || web::resource("/v1/known").to(async || "");
    let resource = test::init_service(App::new().service(known().wrap(host.middleware()))).await;
    let scope = web::scope("/v1").wrap(host.middleware()).route("/known", web::to(async || ""));
    let scope = test::init_service(App::new().service(scope)).await;
    let app = test::init_service(App::new().service(known()).wrap(host.middleware())).await;
    let statuses = async |path: &str, with_key: bool| {
        let request = || if with_key { host.get(path) } else { anonymous(path) };
        [
            send(&resource, request()).await.status.as_u16(),
            send(&scope, request()).await.status.as_u16(),
            send(&app, request()).await.status.as_u16(),
        ]
    };
    assert_eq!(statuses("/v1/known", false).await, [401, 401, 401]);
    assert_eq!(statuses("/v1/unknown", false).await, [404, 401, 401]);
    assert_eq!(statuses("/unknown", false).await, [404, 404, 401]);
    assert_eq!(statuses("/v1/known", true).await, [200, 200, 200]);
    assert_eq!(statuses("/v1/unknown", true).await, [404, 404, 404]);
}

#[actix_web::test]
async fn event_has_the_whole_path_that_the_client_sent() {
    let (host, ran) = (Host::new().await, Rc::default());
    let app = test::init_service(App::new().configure(routes(&host, &ran))).await;
    for path in ["/v1/deep/x?y=z", "/v1/deep/%78", "/v1/no/such/path"] {
        send(&app, host.get(path)).await;
        let wanted: Uri = path.parse().unwrap();
        assert_eq!(host.requests().await.last().unwrap().meta.path(), wanted.path());
    }
    let app = App::new().configure(routes(&host, &ran)).wrap(NormalizePath::trim());
    send(&test::init_service(app).await, host.get("//v1//x/")).await;
    assert_eq!(
        host.requests().await.last().unwrap().meta.path(),
        "/v1/x",
        "the path that `NormalizePath` has rewritten"
    );
}
