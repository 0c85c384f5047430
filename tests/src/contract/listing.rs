//! Listing keys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Org, Service};
use crate::contract::org::{assert_problem, in_future, time};

pub async fn keys_are_listed_newest_first_with_the_quota(service: &Service) {
    let org = service.org("org_professional");
    assert_eq!(
        org.get("/keys").await,
        json!({ "keys": [], "next_cursor": null, "quota": { "used": 0, "limit": 10 } })
    );
    let mut created = Vec::new();
    for name in ["first", "second", "third"] {
        created.insert(0, org.create(json!({ "name": name })).await.key);
    }
    let quota = json!({ "used": 3, "limit": 10 });
    assert_eq!(org.get("/keys").await, json!({ "keys": created, "next_cursor": null, "quota": quota }));
    let unlimited = service.org("org_enterprise").get("/keys").await;
    assert_eq!(unlimited["quota"], json!({ "used": 0, "limit": null }));
}

pub async fn deactivated_and_expired_key_is_listed_as_deactivated(service: &Service) {
    let org = service.org("org_enterprise");
    let soon = in_future(Duration::from_millis(700));
    let one = org.create(json!({ "name": "expires", "expires_at": soon })).await;
    let other = org.create(json!({ "name": "both", "expires_at": soon })).await;
    assert_eq!(one.key["status"], "active");
    org.edit(&other.id, json!({ "active": false })).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let status = async |id| {
        let key = org.key(id).await;
        (key["status"].clone(), key["active"].clone())
    };
    assert_eq!(status(&one.id).await, (json!("expired"), json!(true)));
    assert_eq!(status(&other.id).await, (json!("deactivated"), json!(false)));
    org.edit(&other.id, json!({ "active": true })).await;
    assert_eq!(status(&other.id).await, (json!("expired"), json!(true)));
}

/// Both values lag by at most the flush interval of 100 ms. The case waits longer, because the machine may be slow.
pub async fn last_use_and_request_count_follow_admissions_and_ignore_denials(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "used", "rate_limit": 3 })).await;
    for _ in 0..3 {
        assert_eq!(service.whoami(&key.secret).await.status, 200);
    }
    let answered = Instant::now();
    let seen = org.key_once(&key.id, |key| key["request_count"] == 3).await;
    assert!(answered.elapsed() < Duration::from_secs(2), "{:?}", answered.elapsed());
    assert!(time(&seen["last_used_at"]) > time(&seen["created_at"]));
    assert_eq!(service.whoami(&key.secret).await.status, 429);
    org.edit(&key.id, json!({ "active": false })).await;
    assert_eq!(service.whoami(&key.secret).await.status, 401);
    let of_key = format!("/audit?key_id={}&action=request", key.id);
    org.get_once(&of_key, |page| page["events"].as_array().unwrap().len() == 5).await;
    let after = org.key(&key.id).await;
    assert_eq!((&after["request_count"], &after["last_used_at"]), (&json!(3), &seen["last_used_at"]));
}

pub async fn cursors_of_successive_pages_list_every_key_once(service: &Service) {
    let org = service.org("org_enterprise");
    let mut created = Vec::new();
    for number in 0..7 {
        created.insert(0, json!(org.create(json!({ "name": format!("key {number}") })).await.id));
    }
    for limit in [1, 2, 3, 6, 7, 100] {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        for _ in 0..created.len() {
            let page = org.get(&format!("/keys?limit={limit}{cursor}")).await;
            let keys = page["keys"].as_array().unwrap();
            assert!(!keys.is_empty() && keys.len() <= limit);
            ids.extend(keys.iter().map(|key| key["id"].clone()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(ids, created, "by {limit}");
    }
}

pub async fn page_limit_is_1_to_100(service: &Service) {
    let org = service.org("org_enterprise");
    for limit in ["1", "50", "100"] {
        assert_eq!(org.call("GET", &format!("/keys?limit={limit}")).await.status, 200);
    }
    for query in ["limit=0", "limit=101", "limit=-1", "limit=1.5", "limit=x", "limit=", "limit=5&limit=5"] {
        assert_problem(&org.call("GET", &format!("/keys?{query}")).await, 400, "INVALID_QUERY");
        assert_problem(&org.call("GET", &format!("/audit?{query}")).await, 400, "INVALID_QUERY");
    }
}

/// A cursor is opaque, and valid only for the list and organization that it was made for.
pub async fn forged_or_foreign_cursor_is_refused(service: &Service) {
    let (org, other) = (service.org("org_enterprise"), service.org("org_professional"));
    for number in 0..3 {
        org.create(json!({ "name": format!("key {number}") })).await;
        other.create(json!({ "name": format!("key {number}") })).await;
    }
    let page = org.get("/keys?limit=1").await;
    let cursor = text(&page["next_cursor"]);
    assert!(!cursor.contains(&text(&page["keys"][0]["id"])));
    assert_ne!(org.get("/keys?limit=1").await["next_cursor"], cursor, "it never looks the same twice");
    assert_eq!(org.get(&format!("/keys?cursor={cursor}")).await["keys"].as_array().unwrap().len(), 2);
    let foreign = text(&other.get("/keys?limit=1").await["next_cursor"]);
    let log = text(&org.get("/audit?limit=1").await["next_cursor"]);
    let (start, end) = cursor.split_at(cursor.len() / 2);
    let flipped = format!("{start}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    for wrong in [&*foreign, &log, &flipped, start, "x", "", &format!("{cursor}A")] {
        let response = org.call("GET", &format!("/keys?cursor={wrong}")).await;
        assert_problem(&response, 400, "INVALID_CURSOR");
    }
}

pub async fn log_cursor_is_refused_for_another_organization_or_filter(service: &Service) {
    let (org, other) = (service.org("org_enterprise"), service.org("org_professional"));
    for number in 0..3 {
        org.create(json!({ "name": format!("key {number}") })).await;
        other.create(json!({ "name": format!("key {number}") })).await;
    }
    let next = async |org: Org<'_>, filter: &str| {
        text(&org.get(&format!("/audit?limit=1&{filter}")).await["next_cursor"])
    };
    let created = "action=key.created";
    let cursor = next(org, created).await;
    let rest = org.get(&format!("/audit?{created}&cursor={cursor}")).await;
    assert_eq!(rest["events"].as_array().unwrap().len(), 2);
    for (filter, wrong) in [
        (created, next(other, created).await),
        (created, next(org, "").await),
        ("action=key.deleted", cursor.clone()),
        ("action=key.created&until=2099-01-01T00:00:00Z", cursor.clone()),
        ("", cursor),
    ] {
        let response = org.call("GET", &format!("/audit?{filter}&cursor={wrong}")).await;
        assert_problem(&response, 400, "INVALID_CURSOR");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
