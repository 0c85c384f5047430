//! The API's document. What is in it is tested where it is written; here it is what judges every
//! other case.

use std::collections::BTreeSet;

use super::Service;

pub async fn the_document_is_openapi_3_1_for_where_it_was_asked_for(service: &Service) {
    let document = &service.document().json;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["servers"][0]["url"], "/settings/developer");
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["/api/audit", "/api/keys", "/api/keys/{id}", "/api/keys/{id}/usage", "/api/openapi.json"];
    assert_eq!(paths, wanted.into());
    let cookie = &document["components"]["securitySchemes"];
    assert!(cookie.to_string().contains("demo_session"), "{cookie}");
}
