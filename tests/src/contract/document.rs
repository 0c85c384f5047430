//! The OpenAPI document of the management API. Its content is tested in `apikeys-admin`. The responses of all other
//! cases are checked against the document.

use std::collections::BTreeSet;

use super::Service;

pub async fn document_is_openapi_3_1_with_the_mount_as_server(service: &Service) {
    let document = service.org("org_demo").get("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["servers"][0]["url"], "/settings/developer");
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = [
        "/api/audit",
        "/api/keys",
        "/api/keys/{id}",
        "/api/keys/{id}/usage",
        "/api/openapi.json",
        "/api/plan",
    ];
    assert_eq!(paths, wanted.into());
    let cookie = &document["components"]["securitySchemes"];
    assert!(cookie.to_string().contains("demo_session"), "{cookie}");
}
