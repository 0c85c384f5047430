//! The management API's document. Its content is tested beside its source; here it checks the
//! answers of all other cases.

use std::collections::BTreeSet;

use super::Service;

pub async fn document_is_openapi_3_1_and_names_its_own_mount(service: &Service) {
    let document = service.org("org_demo").get("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["servers"][0]["url"], "/settings/developer");
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["/api/audit", "/api/keys", "/api/keys/{id}", "/api/keys/{id}/usage", "/api/openapi.json"];
    assert_eq!(paths, wanted.into());
    let cookie = &document["components"]["securitySchemes"];
    assert!(cookie.to_string().contains("demo_session"), "{cookie}");
}
