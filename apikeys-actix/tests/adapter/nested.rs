//! Tests of middleware inside the same middleware.

use actix_web::{App, HttpMessage, HttpRequest, test, web};
use apikeys_actix::{ApiKeyMiddleware, Caller};

use crate::support::{Host, HostExt as _, send};

async fn organization(request: HttpRequest) -> String {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>();
    caller.map_or_else(|| "no caller".to_owned(), |caller| caller.org().to_string())
}

/// The two middlewares verify the keys of different services.
#[actix_web::test]
async fn inner_middleware_ignores_the_caller_of_the_outer_middleware() {
    let (outer, inner) = (Host::new().await, Host::new().await);
    let nested = async |around: ApiKeyMiddleware, within: ApiKeyMiddleware| {
        let app = App::new().service(web::resource("/").wrap(within).to(organization)).wrap(around);
        send(&test::init_service(app).await, outer.get("/")).await
    };
    let reply = nested(outer.middleware(), inner.middleware().optional()).await;
    assert_eq!(reply.body, "no caller");
    assert_eq!(nested(outer.middleware(), inner.middleware()).await.code(), "MISSING_API_KEY");
    let kept = outer.middleware().keep_credential();
    assert_eq!(nested(kept, inner.middleware()).await.code(), "INVALID_API_KEY");
}

/// The request is denied in two ways: without a key at once, and with an unknown key after the store was read.
#[actix_web::test]
async fn request_that_the_inner_middleware_denies_has_no_caller() {
    let (outer, inner) = (Host::new().await, Host::new().await);
    for around in [outer.middleware(), outer.middleware().keep_credential()] {
        let within = inner.middleware();
        let app = App::new().service(web::resource("/").wrap(within).to(organization)).wrap(around);
        let request = outer.get("/").to_request();
        let response = test::call_service(&test::init_service(app).await, request).await;
        assert_eq!(response.status(), 401);
        assert!(response.request().extensions().get::<Caller>().is_none());
    }
}
