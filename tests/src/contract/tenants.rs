//! Separation of organizations.

use serde_json::json;

use super::{Org, Service};
use crate::{Request, Response, contract::org::assert_problem};

/// A valid id of no key.
pub(crate) const UNKNOWN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Returns every request for a key, including invalid requests. An unknown key must be reported before other errors.
pub(crate) fn calls_on(org: Org<'_>, id: &str) -> Vec<Request> {
    let key = format!("/keys/{id}");
    let patch = || org.request("PATCH", &key);
    vec![
        org.request("GET", &key),
        org.request("DELETE", &key),
        org.request("GET", &format!("{key}/usage")),
        org.request("GET", &format!("{key}/usage?step=week")),
        patch().json(&json!({})),
        patch().json(&json!({ "name": "mine", "active": false })),
        patch().json(&json!({ "expires_at": "2020-01-01T00:00:00Z" })),
        patch().body("{"),
        patch().body(" ".repeat(20_000)),
    ]
}

/// Returns the parts of a response that do not come from the HTTP server.
fn bytes(response: &Response) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let lines = response.own_lines().into_iter();
    let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (response.status, lines, response.body.clone())
}

pub async fn key_of_another_organization_has_the_response_of_an_unknown_key(service: &Service) {
    let (org, other) = (service.org("org_enterprise"), service.org("org_professional"));
    let foreign = other.create(json!({ "name": "theirs" })).await;
    let deleted = org.create(json!({ "name": "gone" })).await;
    org.delete(&deleted.id).await;
    for (number, unknown) in calls_on(org, UNKNOWN).iter().enumerate() {
        let unknown = service.send(unknown).await;
        assert_problem(&unknown, 404, "KEY_NOT_FOUND");
        for id in [&*foreign.id, &*deleted.id, "x", "%2e%2e", &foreign.id.to_uppercase()] {
            let response = service.send(&calls_on(org, id)[number]).await;
            assert_eq!(bytes(&response), bytes(&unknown), "{number} {id}");
        }
    }
    let events = format!("key_id={}", foreign.id);
    assert_eq!((org.events(&events).await.len(), other.events(&events).await.len()), (0, 1));
    assert_eq!(other.key(&foreign.id).await, foreign.key, "nothing happened to it");
    assert_eq!(service.whoami(&foreign.secret).await.status, 200);
}

pub async fn lists_contain_nothing_of_another_organization(service: &Service) {
    let (org, other) = (service.org("org_enterprise"), service.org("org_professional"));
    org.create(json!({ "name": "mine" })).await;
    let theirs = other.create(json!({ "name": "theirs" })).await;
    assert_eq!(service.whoami(&theirs.secret).await.status, 200);
    other.key_once(&theirs.id, |key| key["request_count"] == 1).await;
    for list in ["/keys", "/audit"] {
        let (own, others) = (org.get(list).await.to_string(), other.get(list).await.to_string());
        assert!(own.contains("mine") && !own.contains("theirs"), "{own}");
        assert!(others.contains("theirs") && !others.contains("mine"), "{others}");
    }
}
