//! Creating keys.

use serde_json::json;

use super::Service;
use crate::contract::org::{Created, assert_problem, in_an_hour, pointers};

pub async fn created_key_has_the_given_values_and_works_at_once(service: &Service) {
    let org = service.org("org_starter");
    let body =
        json!({ "name": "  CI deploys ", "expires_at": "2099-01-01T01:00:00+01:00", "rate_limit": 600 });
    let response = org.call_with("POST", "/keys", &body).await;
    let created = Created::read(&response);
    assert_eq!(response.status, 201);
    let location = format!("/settings/developer/api/keys/{}", created.id);
    assert_eq!(response.header("location"), Some(&*location));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let shown = &created.secret[.."demo_live_0123".len()];
    let expected = json!({
        "id": created.id,
        "name": "CI deploys",
        "prefix": shown,
        "status": "active",
        "active": true,
        "created_at": created.key["created_at"],
        "created_by": "demo",
        "expires_at": "2099-01-01T00:00:00Z",
        "rate_limit": 600,
        "effective_rate_limit": 600,
        "last_used_at": null,
        "request_count": 0,
    });
    assert_eq!(created.key, expected);
    assert_eq!(org.key(&created.id).await, expected);
    let whoami = service.whoami(&created.secret).await;
    assert_eq!(whoami.status, 200);
    assert_eq!(whoami.json(), json!({ "org": "org_starter", "key_id": created.id, "name": "CI deploys" }));
}

pub async fn creation_without_optional_members_uses_defaults(service: &Service) {
    let org = service.org("org_enterprise");
    for body in [json!({ "name": "a" }), json!({ "name": "b", "expires_at": null, "rate_limit": null })] {
        let key = org.create(body).await.key;
        assert_eq!((&key["expires_at"], &key["rate_limit"]), (&json!(null), &json!(null)));
        assert_eq!(key["effective_rate_limit"], 60);
    }
}

pub async fn name_has_1_to_100_characters_after_trimming(service: &Service) {
    let org = service.org("org_enterprise");
    let long = "\u{1f511}".repeat(100);
    for name in ["x", "Ünïcödé 鍵", "<b>\"&'", &long, "\u{2003}spaced\u{2003}"] {
        let key = org.create(json!({ "name": name })).await.key;
        assert_eq!(key["name"], name.trim());
    }
    for name in [
        json!(""),
        json!(" \t "),
        json!("x".repeat(101)),
        json!("a\u{0}b"),
        json!("a\nb"),
        json!("\u{1b}[31mred"),
        json!("a\u{85}b"),
        json!(null),
        json!(7),
        json!(["a"]),
    ] {
        let response = org.call_with("POST", "/keys", &json!({ "name": name })).await;
        assert_problem(&response, 422, "VALIDATION_FAILED");
        assert_eq!(pointers(&response), ["/name"], "{name}");
    }
    assert_eq!(org.keys().await.len(), 5);
}

pub async fn rate_limit_is_1_to_10000_a_minute(service: &Service) {
    let org = service.org("org_enterprise");
    for limit in [1, 60, 10_000] {
        let key = org.create(json!({ "name": "limited", "rate_limit": limit })).await.key;
        assert_eq!((&key["rate_limit"], &key["effective_rate_limit"]), (&json!(limit), &json!(limit)));
    }
    for limit in ["0", "10001", "-1", "1.5", "60.0", "1e2", "\"60\"", "true", "[]", "99999999999999999999"] {
        let body = format!(r#"{{"name":"a","rate_limit":{limit}}}"#);
        let request = org.request("POST", "/keys").line("Content-Type", "application/json").body(body);
        let response = service.send(&request).await;
        assert_problem(&response, 422, "VALIDATION_FAILED");
        assert_eq!(pointers(&response), ["/rate_limit"], "{limit}");
    }
}

pub async fn expiration_date_must_be_in_the_future(service: &Service) {
    let org = service.org("org_enterprise");
    let soon = in_an_hour();
    assert_eq!(org.create(json!({ "name": "a", "expires_at": soon })).await.key["expires_at"], json!(soon));
    for date in [
        json!("2020-01-01T00:00:00Z"),
        json!("1969-12-31T23:59:59Z"),
        json!("2099-01-01"),
        json!("2099-01-01T00:00:00"),
        json!("2099-02-30T00:00:00Z"),
        json!("tomorrow"),
        json!(""),
        json!(4_070_908_800_u64),
    ] {
        let response = org.call_with("POST", "/keys", &json!({ "name": "a", "expires_at": date })).await;
        assert_problem(&response, 422, "VALIDATION_FAILED");
        assert_eq!(pointers(&response), ["/expires_at"], "{date}");
    }
}

/// Unknown members are rejected too, such as a member that names another organization.
pub async fn creation_with_several_invalid_members_names_each(service: &Service) {
    let org = service.org("org_professional");
    for (body, wrong) in [
        ("{}", &["/name"][..]),
        (r#"{"name":"a","org":"org_enterprise"}"#, &["/org"]),
        (r#"{"name":"a","active":false}"#, &["/active"]),
        (r#"{"name":"a","name":"a"}"#, &["/name"]),
        (
            r#"{"rate_limit":0,"x/~":1,"expires_at":"soon"}"#,
            &["/rate_limit", "/x~1~0", "/expires_at", "/name"],
        ),
        ("[]", &[""]),
        ("null", &[""]),
    ] {
        let request = org.request("POST", "/keys").line("Content-Type", "application/json").body(body);
        let response = service.send(&request).await;
        assert_problem(&response, 422, "VALIDATION_FAILED");
        assert_eq!(pointers(&response), wrong, "{body}");
    }
    assert_eq!(org.keys().await.len(), 0);
}

pub async fn secret_appears_only_in_the_response_to_its_creation(service: &Service) {
    let org = service.org("org_enterprise");
    let created = org.create(json!({ "name": "hidden" })).await;
    assert_eq!(service.whoami(&created.secret).await.status, 200);
    org.key_once(&created.id, |key| key["request_count"] == 1).await;
    org.edit(&created.id, json!({ "name": "renamed", "active": false })).await;
    assert_eq!(service.whoami(&created.secret).await.status, 401);
    let key = format!("/keys/{}", created.id);
    for path in ["/keys", &key, &format!("{key}/usage"), "/audit", "/openapi.json"] {
        org.get(path).await;
    }
    org.delete(&created.id).await;
    org.get("/audit").await;
    let hidden = &created.secret["demo_live_0123".len()..];
    let answers = service.exchanges();
    let holding: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| format!("{:?} {}", answer.lines, answer.text()).contains(hidden))
        .map(|(request, _)| (request.method(), request.path()))
        .collect();
    assert_eq!(holding, [("POST", "/settings/developer/api/keys")]);
}
