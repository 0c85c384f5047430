//! The audit log.

use serde_json::{Value, json};

use super::{Created, Org, Service};
use crate::{
    Request,
    contract::org::{assert_problem, time},
};

pub async fn every_change_is_recorded_with_old_and_new_values(service: &Service) {
    let org = service.org("org_starter");
    let created = org.create(json!({ "name": "a", "rate_limit": 9 })).await;
    let expiry = "2099-01-01T00:00:00Z";
    let all = json!({ "name": "b", "rate_limit": null, "expires_at": expiry, "active": false });
    org.edit(&created.id, all).await;
    org.edit(&created.id, json!({ "active": true })).await;
    org.edit(&created.id, json!({ "rate_limit": 7, "expires_at": null })).await;
    org.delete(&created.id).await;
    let changed = |member: &str, from: Value, to: Value| json!({ member: { "from": from, "to": to } });
    let mut edited = changed("name", json!("a"), json!("b"));
    edited["rate_limit"] = json!({ "from": 9, "to": null });
    edited["expires_at"] = json!({ "from": null, "to": expiry });
    let mut taken_back = changed("rate_limit", json!(null), json!(7));
    taken_back["expires_at"] = json!({ "from": expiry, "to": null });
    let wanted = [
        ("key.deleted", json!(null)),
        ("key.updated", taken_back),
        ("key.activated", changed("active", json!(false), json!(true))),
        ("key.deactivated", changed("active", json!(true), json!(false))),
        ("key.updated", edited),
        (
            "key.created",
            json!({ "name": { "from": null, "to": "a" }, "rate_limit": { "from": null, "to": 9 } }),
        ),
    ];
    let events = org.events(&format!("key_id={}", created.id)).await;
    assert_eq!(events.len(), wanted.len());
    for (event, (action, changes)) in events.iter().zip(&wanted) {
        assert_eq!((&event["action"], &event["changes"]), (&json!(action), changes));
        assert_eq!(event["actor"], "demo");
        // Events show the last name of the key, also after the key was deleted.
        assert_eq!(event["key"], json!({ "id": created.id, "name": "b", "prefix": created.key["prefix"] }));
        assert!(time(&event["at"]) >= time(&created.key["created_at"]));
    }
}

/// Waits until `count` requests of a key are recorded, and returns them, newest first.
async fn requests(org: Org<'_>, key: &Created, count: usize) -> Vec<Value> {
    let of_key = format!("/audit?key_id={}&action=request&limit=100", key.id);
    let page = org.get_once(&of_key, |page| page["events"].as_array().unwrap().len() == count).await;
    page["events"].as_array().unwrap().clone()
}

/// The details are time, method, path, status, latency, address, user agent and request id.
pub async fn every_request_is_recorded_with_its_details(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "recorded" })).await;
    let request = Request::post("/v1/echo?query=secret", "body")
        .bearer(&key.secret)
        .line("User-Agent", "curl/8\t\u{202e}x")
        .line("X-Request-Id", "req-1:a/b+c=d.e_f")
        .line("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .line("X-Forwarded-For", "203.0.113.7");
    assert_eq!(service.send(&request).await.status, 200);
    let event = requests(org, &key, 1).await.remove(0);
    assert_eq!((&event["action"], &event["actor"]), (&json!("request"), &json!(null)));
    assert_eq!(event["key"], json!({ "id": key.id, "name": "recorded", "prefix": key.key["prefix"] }));
    let latency = event["request"]["latency_ms"].as_f64().unwrap();
    assert!((0.0..5_000.0).contains(&latency), "{latency}");
    assert_eq!(
        event["request"],
        json!({
            "method": "POST",
            "path": "/v1/echo",
            "status": 200,
            "outcome": "answered",
            "latency_ms": latency,
            "ip": "127.0.0.1",
            "user_agent": "curl/8\\u{9}\\u{202e}x",
            "request_id": "req-1:a/b+c=d.e_f",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        })
    );
}

pub async fn invalid_request_id_is_replaced(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "identified" })).await;
    let long = "x".repeat(129);
    let unfit = ["", "a b", "a,b", "<script>", "é", &long];
    for id in unfit {
        let request = Request::get("/v1/whoami").bearer(&key.secret).line("X-Request-Id", id);
        assert_eq!(service.send(&request).await.status, 200);
    }
    let events = requests(org, &key, unfit.len()).await;
    let mut ids: Vec<_> =
        events.iter().map(|event| event["request"]["request_id"].as_str().unwrap()).collect();
    for id in &ids {
        assert!(!id.is_empty() && !unfit.contains(id), "{id}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), unfit.len());
}

pub async fn every_denial_of_a_known_key_is_recorded_with_its_code(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "denied", "rate_limit": 1 })).await;
    assert_eq!(service.whoami(&key.secret).await.status, 200);
    assert_eq!(service.whoami(&key.secret).await.status, 429);
    org.edit(&key.id, json!({ "active": false })).await;
    assert_eq!(service.whoami(&key.secret).await.status, 401);
    org.edit(&key.id, json!({ "active": true })).await;
    org.set_plan("free").await;
    assert_eq!(service.whoami(&key.secret).await.status, 403);
    let events = requests(org, &key, 4).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let request = &event["request"];
            (request["status"].as_u64().unwrap(), request["outcome"].clone(), request["denial"].clone())
        })
        .collect();
    let denied = |status: u64, code: &str| (status, json!("denied"), json!(code));
    assert_eq!(
        told,
        [
            denied(403, "API_ACCESS_NOT_AVAILABLE"),
            denied(401, "API_KEY_DEACTIVATED"),
            denied(429, "RATE_LIMITED"),
            (200, json!("answered"), json!(null)),
        ]
    );
}

/// Sixty denials in a minute have an event each, and one event has the count of the others. The minute may change
/// during the test.
pub async fn flood_of_denials_records_sixty_events_and_a_count(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "flooded", "rate_limit": 1 })).await;
    let mut connection = service.connect().await;
    let request = Request::get("/v1/whoami").bearer(&key.secret);
    for number in 0..90 {
        let status = service.send_on(&mut connection, &request).await.status;
        assert_eq!(status, if number == 0 { 200 } else { 429 });
    }
    let denied = |page: &Value| {
        let events = page["events"].as_array().unwrap().iter();
        let denied = events.filter(|event| event["request"]["outcome"] == "denied");
        denied.map(|event| event["request"]["count"].as_u64().unwrap_or(1)).sum::<u64>()
    };
    let of_key = format!("/audit?key_id={}&action=request&limit=100", key.id);
    let page = org.get_once(&of_key, |page| denied(page) == 89).await;
    let events = page["events"].as_array().unwrap();
    let counts = events.iter().filter(|event| event["request"]["count"].is_u64()).count();
    let minute = |event: &Value| event["at"].as_str().unwrap()[.."2026-01-01T00:00".len()].to_owned();
    if minute(&events[0]) == minute(&events[events.len() - 1]) {
        assert_eq!((events.len(), counts), (1 + 60 + 1, 1), "{page}");
    }
    assert!(events.len() <= 90 && counts <= 2, "{page}");
    assert_eq!(org.key(&key.id).await["request_count"], 1);
}

pub async fn log_can_be_filtered_by_key_action_and_time(service: &Service) {
    let org = service.org("org_professional");
    let (one, two) = (org.create(json!({ "name": "one" })).await, org.create(json!({ "name": "two" })).await);
    assert_eq!(service.whoami(&one.secret).await.status, 200);
    requests(org, &one, 1).await;
    org.delete(&one.id).await;
    let actions = async |filter: &str| {
        let events = org.events(filter).await;
        events.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (of_one, of_two) = (format!("key_id={}", one.id), format!("key_id={}", two.id));
    assert_eq!(actions(&of_one).await, ["key.deleted", "request", "key.created"]);
    assert_eq!(actions(&of_two).await, ["key.created"]);
    assert_eq!(actions("action=key.created").await, ["key.created", "key.created"]);
    assert_eq!(actions(&format!("{of_two}&action=request")).await.len(), 0);
    let created = two.key["created_at"].as_str().unwrap();
    assert_eq!(actions(&format!("{of_two}&since={created}")).await, ["key.created"]);
    assert_eq!(actions(&format!("{of_two}&until={created}")).await.len(), 0, "until is not included");
    assert_eq!(actions(&format!("{of_two}&since=2099-01-01T00:00:00Z")).await.len(), 0);
    assert_eq!(actions("key_id=aaaaaaaaaaaaaaaaaaaaaaaaaa").await.len(), 0);
    for wrong in ["key_id=x", "action=deleted", "since=yesterday", "until=", "actor=demo"] {
        assert_problem(&org.call("GET", &format!("/audit?{wrong}")).await, 400, "INVALID_QUERY");
    }
}
