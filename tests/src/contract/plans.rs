//! The limits of a plan.

use serde_json::json;

use super::Service;
use crate::contract::org::assert_problem;

pub async fn plan_without_api_access_allows_only_management_of_existing_keys(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "stranded" })).await;
    let other = org.create(json!({ "name": "unwanted" })).await;
    org.set_plan("free").await;
    let refused = org.call_with("POST", "/keys", &json!({ "name": "new" })).await;
    assert_problem(&refused, 403, "API_ACCESS_NOT_AVAILABLE");
    assert_problem(&service.whoami(&key.secret).await, 403, "API_ACCESS_NOT_AVAILABLE");
    assert_eq!(org.get("/keys").await["quota"], json!({ "used": 2, "limit": 0 }));
    assert_eq!(org.edit(&key.id, json!({ "name": "renamed" })).await["name"], "renamed");
    org.delete(&other.id).await;
    org.set_plan("starter").await;
    assert_eq!(service.whoami(&key.secret).await.status, 200);
    assert_eq!(org.keys().await.len(), 1);
}

pub async fn creation_beyond_the_plans_quota_is_refused(service: &Service) {
    let free = service.org("org_free").call_with("POST", "/keys", &json!({ "name": "none" })).await;
    assert_problem(&free, 403, "API_ACCESS_NOT_AVAILABLE");
    for (name, quota) in [("org_starter", 2), ("org_professional", 10)] {
        let org = service.org(name);
        for number in 0..quota {
            org.create(json!({ "name": format!("key {number}") })).await;
        }
        let refused = org.call_with("POST", "/keys", &json!({ "name": "one too many" })).await;
        assert_problem(&refused, 409, "KEY_LIMIT_REACHED");
        assert_eq!((&refused.json()["quota"], &refused.json()["used"]), (&json!(quota), &json!(quota)));
        assert_eq!(org.get("/keys").await["quota"], json!({ "used": quota, "limit": quota }));
    }
    let enterprise = service.org("org_enterprise");
    for number in 0..25 {
        enterprise.create(json!({ "name": format!("key {number}") })).await;
    }
}

pub async fn deactivated_keys_count_towards_the_quota(service: &Service) {
    let org = service.org("org_starter");
    let one = org.create(json!({ "name": "one" })).await;
    let two = org.create(json!({ "name": "two" })).await;
    let refused = async || {
        let response = org.call_with("POST", "/keys", &json!({ "name": "three" })).await;
        assert_problem(&response, 409, "KEY_LIMIT_REACHED");
    };
    org.edit(&one.id, json!({ "active": false })).await;
    refused().await;
    org.edit(&one.id, json!({ "active": true })).await;
    refused().await;
    org.delete(&two.id).await;
    org.create(json!({ "name": "three" })).await;
    refused().await;
}

pub async fn creation_after_a_downgrade_is_refused_until_the_quota_has_room(service: &Service) {
    let org = service.org("org_professional");
    let mut keys = Vec::new();
    for number in 0..3 {
        keys.push(org.create(json!({ "name": format!("key {number}") })).await);
    }
    org.set_plan("starter").await;
    for key in &keys {
        assert_eq!(service.whoami(&key.secret).await.status, 200, "they go on working");
    }
    for (key, used) in keys.iter().zip([3, 2]) {
        let refused = org.call_with("POST", "/keys", &json!({ "name": "new" })).await;
        assert_problem(&refused, 409, "KEY_LIMIT_REACHED");
        assert_eq!((&refused.json()["quota"], &refused.json()["used"]), (&json!(2), &json!(used)));
        org.delete(&key.id).await;
    }
    org.create(json!({ "name": "new" })).await;
}

pub async fn change_of_plan_records_one_event(service: &Service) {
    let org = service.org("org_professional");
    org.set_plan("starter").await;
    org.set_plan("starter").await;
    let events = org.events("action=plan.changed").await;
    assert_eq!(events.len(), 2, "the demo's own and this one");
    assert_eq!(events[0]["changes"], json!({ "plan": { "from": "professional", "to": "starter" } }));
    assert_eq!((&events[0]["actor"], &events[0]["key"]), (&json!("demo"), &json!(null)));
}
