use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Bench, delete, get, patch, path, problem};

async fn edit(bench: &Bench, key: &Value, body: Value) -> Value {
    bench.json(patch(&path(key)).json(&body)).await
}

async fn actions(bench: &Bench) -> Vec<String> {
    let events = bench.json(get("/api/audit")).await["events"].clone();
    events.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn update_changes_and_clears_name_expiration_and_limit() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let edited = edit(
        &bench,
        &created,
        json!({ "name": " b ", "expires_at": "2030-02-01T00:00:00Z", "rate_limit": 1 }),
    )
    .await;
    assert_eq!(edited["name"], "b");
    assert_eq!(edited["expires_at"], "2030-02-01T00:00:00Z");
    assert_eq!((&edited["rate_limit"], &edited["effective_rate_limit"]), (&json!(1), &json!(1)));
    assert_eq!(bench.json(get(&path(&created))).await, edited);
    let cleared = edit(&bench, &created, json!({ "expires_at": null, "rate_limit": null })).await;
    assert_eq!((&cleared["expires_at"], &cleared["rate_limit"]), (&json!(null), &json!(null)));
    assert_eq!((&cleared["effective_rate_limit"], &cleared["name"]), (&json!(60), &json!("b")));
}

#[tokio::test]
async fn deactivation_and_activation_take_effect_at_once() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let off = edit(&bench, &created, json!({ "active": false })).await;
    assert_eq!((&off["active"], &off["status"]), (&json!(false), &json!("deactivated")));
    assert!(!bench.call(&created).await);
    let on = edit(&bench, &created, json!({ "active": true })).await;
    assert_eq!((&on["active"], &on["status"]), (&json!(true), &json!("active")));
    assert!(bench.call(&created).await);
}

#[tokio::test]
async fn expired_key_works_again_when_its_expiration_is_extended() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    edit(&bench, &created, json!({ "expires_at": "2030-01-01T00:00:01Z" })).await;
    bench.clock.advance(Duration::from_secs(1)).await;
    assert_eq!(bench.json(get(&path(&created))).await["status"], "expired");
    assert!(!bench.call(&created).await);
    let both = edit(&bench, &created, json!({ "active": false })).await;
    assert_eq!(both["status"], "deactivated", "deactivated wins");
    edit(&bench, &created, json!({ "active": true, "expires_at": "2030-01-02T00:00:00Z" })).await;
    assert!(bench.call(&created).await);
}

#[tokio::test]
async fn update_without_changes_records_no_event_and_name_with_active_records_two() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let before = actions(&bench).await;
    for nothing in
        [json!({}), json!({ "name": "a" }), json!({ "active": true, "expires_at": null, "rate_limit": null })]
    {
        assert_eq!(edit(&bench, &created, nothing).await, created["key"]);
    }
    assert_eq!(actions(&bench).await, before);
    edit(&bench, &created, json!({ "name": "b", "active": false })).await;
    assert_eq!(actions(&bench).await[..2], ["key.deactivated", "key.updated"]);
}

#[tokio::test]
async fn update_with_invalid_members_changes_nothing() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for (body, pointers) in [
        (r#"{"name":null}"#, &["/name"][..]),
        (r#"{"active":null,"name":"b"}"#, &["/active"]),
        (r#"{"active":1,"name":"b","rate_limit":1e2,"id":"x"}"#, &["/active", "/rate_limit", "/id"]),
        (r#"{"name":"b","expires_at":"2029-12-31T23:59:59Z"}"#, &["/expires_at"]),
        (r#"{"name":"b","secret":"x"}"#, &["/secret"]),
    ] {
        let reply = bench.send(patch(&path(&created)).body(body)).await;
        assert_eq!(reply.problem(), problem(422, "VALIDATION_FAILED"), "{body}");
        assert_eq!(reply.pointers(), pointers, "{body}");
    }
    assert_eq!(bench.json(get(&path(&created))).await, created["key"]);
}

#[tokio::test]
async fn deleted_key_is_refused_and_not_found() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let reply = bench.send(delete(&path(&created))).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert!(!bench.call(&created).await);
    for ask in
        [delete(&path(&created)), get(&path(&created)), patch(&path(&created)).body(r#"{"active":true}"#)]
    {
        assert_eq!(bench.send(ask).await.problem(), problem(404, "KEY_NOT_FOUND"));
    }
    assert_eq!(bench.json(get("/api/keys")).await["quota"]["used"], 0);
}
