//! Updating and deleting keys.

use std::time::Duration;

use serde_json::json;

use super::Service;
use crate::contract::org::{assert_problem, in_an_hour, in_future, pointers};

pub async fn deactivation_and_activation_apply_to_the_next_request(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create_busy("switched").await;
    for _ in 0..20 {
        let off = org.edit(&key.id, json!({ "active": false })).await;
        assert_eq!((&off["status"], &off["active"]), (&json!("deactivated"), &json!(false)));
        assert_problem(&service.whoami(&key.secret).await, 401, "API_KEY_DEACTIVATED");
        let on = org.edit(&key.id, json!({ "active": true })).await;
        assert_eq!((&on["status"], &on["active"]), (&json!("active"), &json!(true)));
        assert_eq!(service.whoami(&key.secret).await.status, 200);
    }
}

pub async fn name_expiration_and_rate_limit_can_be_changed_and_reset(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "before", "rate_limit": 5 })).await;
    let mut expected = key.key.clone();
    let later = in_an_hour();
    for (edit, member, value) in [
        (json!({ "name": " after " }), "name", json!("after")),
        (json!({ "expires_at": later }), "expires_at", json!(later)),
        (json!({ "rate_limit": 7 }), "rate_limit", json!(7)),
        (json!({ "expires_at": null }), "expires_at", json!(null)),
        (json!({ "rate_limit": null }), "rate_limit", json!(null)),
    ] {
        expected[member] = value;
        expected["effective_rate_limit"] = json!(expected["rate_limit"].as_u64().unwrap_or(60));
        assert_eq!(org.edit(&key.id, edit).await, expected);
        assert_eq!(org.key(&key.id).await, expected);
    }
    let policy = service.whoami(&key.secret).await;
    assert_eq!(policy.header("ratelimit-policy"), Some("\"per-key\";q=60;w=60"));
}

pub async fn expired_key_works_again_once_extended(service: &Service) {
    let org = service.org("org_enterprise");
    let soon = in_future(Duration::from_millis(500));
    let extended = org.create(json!({ "name": "extended", "expires_at": soon })).await;
    let freed = org.create(json!({ "name": "freed", "expires_at": soon })).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    for (key, edit) in
        [(&extended, json!({ "expires_at": in_an_hour() })), (&freed, json!({ "expires_at": null }))]
    {
        assert_problem(&service.whoami(&key.secret).await, 401, "API_KEY_EXPIRED");
        assert_eq!(org.key(&key.id).await["status"], "expired");
        assert_eq!(org.edit(&key.id, edit).await["status"], "active");
        assert_eq!(service.whoami(&key.secret).await.status, 200);
    }
}

pub async fn deleted_key_is_not_found_and_never_works_again(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "deleted" })).await;
    assert_eq!(service.whoami(&key.secret).await.status, 200);
    let path = format!("/keys/{}", key.id);
    org.delete(&key.id).await;
    assert_problem(&service.whoami(&key.secret).await, 401, "INVALID_API_KEY");
    for response in [
        org.call("DELETE", &path).await,
        org.call("GET", &path).await,
        org.call("GET", &format!("{path}/usage")).await,
        org.call_with("PATCH", &path, &json!({ "active": true })).await,
        org.call_with("PATCH", &path, &json!({ "name": "again" })).await,
    ] {
        assert_problem(&response, 404, "KEY_NOT_FOUND");
    }
    assert_eq!(org.get("/keys").await["quota"]["used"], 0);
    assert_problem(&service.whoami(&key.secret).await, 401, "INVALID_API_KEY");
}

pub async fn update_records_one_event_per_kind_of_change_and_none_without_changes(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "same", "rate_limit": 5 })).await;
    for nothing in
        [json!({}), json!({ "name": " same", "rate_limit": 5, "expires_at": null, "active": true })]
    {
        assert_eq!(org.edit(&key.id, nothing).await, key.key);
    }
    let filter = format!("key_id={}", key.id);
    assert_eq!(org.events(&filter).await.len(), 1);
    org.edit(&key.id, json!({ "name": "other", "active": false })).await;
    let events = org.events(&filter).await;
    let mut actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["key.created", "key.deactivated", "key.updated"]);
}

pub async fn update_with_invalid_members_changes_nothing(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "unchanged" })).await;
    for (body, wrong) in [
        (r#"{"name":null}"#, &["/name"][..]),
        (r#"{"active":null,"name":"b"}"#, &["/active"]),
        (r#"{"active":1,"name":"","rate_limit":0,"id":"x"}"#, &["/active", "/name", "/rate_limit", "/id"]),
        (r#"{"name":"b","expires_at":"2020-01-01T00:00:00Z"}"#, &["/expires_at"]),
        (r#"{"name":"b","request_count":0}"#, &["/request_count"]),
        (r#"{"name":"b","name":"c"}"#, &["/name"]),
    ] {
        let request = org.request("PATCH", &format!("/keys/{}", key.id));
        let request = request.line("Content-Type", "application/json").body(body);
        let response = service.send(&request).await;
        assert_problem(&response, 422, "VALIDATION_FAILED");
        assert_eq!(pointers(&response), wrong, "{body}");
    }
    assert_eq!(org.key(&key.id).await, key.key);
}
