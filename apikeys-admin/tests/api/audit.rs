use std::time::Duration;

use apikeys_core::{
    Clock, DenialCode, RequestMeta,
    audit::{Action, AuditEvent, ChangeValue, Changes, Detail, Outcome, RequestId, RequestRecord, TraceId},
    conformance::faults::{Fault, Method},
    id::{EventId, WriterId},
    store::{Batch, KeyStore},
};
use serde_json::{Value, json};

use crate::support::{Bench, actor, delete, get, org, patch, path, problem};

async fn events(bench: &Bench, query: &str) -> Vec<Value> {
    bench.json(get(&format!("/api/audit{query}"))).await["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn changes_are_recorded_with_actor_and_old_and_new_values() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let key =
        |name: &str| json!({ "id": created["key"]["id"], "name": name, "prefix": created["key"]["prefix"] });
    let body = json!({ "name": "b", "rate_limit": 5, "expires_at": "2031-01-01T00:00:00Z", "active": false });
    bench.json(patch(&path(&created)).json(&body)).await;
    bench.json(patch(&path(&created)).body(r#"{"active":true}"#)).await;
    bench.send(delete(&path(&created))).await;
    let events = events(&bench, "").await;
    let wanted = [
        json!({ "action": "key.deleted" }),
        json!({ "action": "key.activated", "changes": { "active": { "from": false, "to": true } } }),
        json!({ "action": "key.deactivated", "changes": { "active": { "from": true, "to": false } } }),
        json!({ "action": "key.updated", "changes": {
            "name": { "from": "a", "to": "b" },
            "expires_at": { "from": null, "to": "2031-01-01T00:00:00Z" },
            "rate_limit": { "from": null, "to": 5 },
        } }),
        json!({ "action": "key.created", "changes": { "name": { "from": null, "to": "a" } } }),
        json!({ "action": "plan.changed", "changes": { "plan": { "from": "free", "to": "enterprise" } } }),
    ];
    assert_eq!(events.len(), wanted.len());
    for (event, mut wanted) in events.iter().zip(wanted) {
        let plan = wanted["action"] == "plan.changed";
        wanted["id"] = event["id"].clone();
        wanted["at"] = json!("2030-01-01T00:00:00Z");
        wanted["actor"] = json!(if plan { "billing" } else { "ann" });
        wanted["key"] = if plan { json!(null) } else { key("b") };
        assert_eq!(*event, wanted);
    }
}

#[tokio::test]
async fn requests_are_listed_with_every_recorded_member() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let meta = RequestMeta::new("POST", "/v1/items?secret=1")
        .with_client_ip("203.0.113.7".parse().ok())
        .with_user_agent(b"curl/8 \x1b[31m")
        .with_request_id(RequestId::from_header(b"r-1"))
        .with_trace_id("4bf92f3577b34da6a3ce929d0e0e4736".parse::<TraceId>().ok());
    let secret = created["secret"].as_str().unwrap();
    let admission = bench.keys.verify(secret.as_bytes(), meta).await.unwrap();
    bench.clock.advance(Duration::from_micros(12_345)).await;
    admission.finish(201).await.unwrap();
    let aborted = bench.keys.verify(secret.as_bytes(), RequestMeta::new("GET", "/v1/slow")).await.unwrap();
    drop(aborted);
    bench.keys.flush().await.unwrap();
    let events = events(&bench, "?action=request").await;
    assert_eq!(events.len(), 2);
    let answered = &events[1];
    assert_eq!((&answered["actor"], &answered["at"]), (&json!(null), &json!("2030-01-01T00:00:00Z")));
    assert_eq!(answered["key"]["name"], "a");
    assert_eq!(
        answered["request"],
        json!({
            "method": "POST",
            "path": "/v1/items",
            "status": 201,
            "outcome": "answered",
            "latency_ms": 12.345,
            "ip": "203.0.113.7",
            "user_agent": "curl/8 \\u{1b}[31m",
            "request_id": "r-1",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        })
    );
    let aborted = &events[0]["request"];
    assert_eq!((&aborted["outcome"], &aborted["status"]), (&json!("aborted"), &json!(null)));
    assert_eq!((&aborted["ip"], &aborted["trace_id"]), (&json!(null), &json!(null)));
    assert!(aborted["request_id"].is_string());
}

#[tokio::test]
async fn denials_beyond_sixty_in_a_minute_become_one_event_with_a_count() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    bench.json(patch(&path(&created)).body(r#"{"active":false}"#)).await;
    for _ in 0..100 {
        assert!(!bench.call(&created).await);
    }
    let events = events(&bench, "?action=request&limit=100").await;
    let counted: Vec<_> = events.iter().filter(|event| event["request"]["count"].is_u64()).collect();
    assert_eq!((events.len(), counted.len()), (61, 1));
    assert_eq!(counted[0]["request"]["count"], 40);
    for event in &events {
        let request = &event["request"];
        assert_eq!((&request["outcome"], &request["status"]), (&json!("denied"), &json!(401)));
        assert_eq!(request["denial"], "API_KEY_DEACTIVATED");
    }
    let key = bench.json(get(&path(&created))).await;
    assert_eq!((&key["request_count"], &key["last_used_at"]), (&json!(0), &json!(null)));
}

#[tokio::test]
async fn event_of_a_gap_has_the_number_of_lost_events() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    bench.faults.times(2, Method::Record, Fault::Rejected);
    assert!(bench.call(&created).await);
    let events = events(&bench, "?action=audit.gap").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["lost"], &events[0]["actor"], &events[0]["key"]),
        (&json!(1), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn events_are_filtered_by_key_action_and_time() {
    let bench = Bench::new().await;
    let (first, second) = (bench.create("first").await, bench.create("second").await);
    bench.clock.advance(Duration::from_secs(60)).await;
    assert!(bench.call(&first).await && bench.call(&second).await);
    bench.clock.advance(Duration::from_secs(60)).await;
    bench.send(delete(&path(&first))).await;
    let id = first["key"]["id"].as_str().unwrap();
    let actions = |query: String| {
        let bench = &bench;
        async move {
            let events = events(bench, &query).await;
            events.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(actions(format!("?key_id={id}")).await, ["key.deleted", "request", "key.created"]);
    assert_eq!(actions(format!("?key_id={id}&action=request")).await, ["request"]);
    assert_eq!(actions("?action=request".to_owned()).await, ["request", "request"]);
    assert_eq!(actions("?since=2030-01-01T00:02:00Z".to_owned()).await, ["key.deleted"]);
    let minute = "?since=2030-01-01T00:01:00Z&until=2030-01-01T01:02:00%2B01:00";
    assert_eq!(actions(minute.to_owned()).await, ["request", "request"]);
    assert_eq!(actions("?until=2030-01-01T00:00:00Z".to_owned()).await, Vec::<String>::new());
    assert_eq!(
        actions("?since=2031-01-01T00:00:00Z&until=2030-01-01T00:00:00Z".to_owned()).await,
        Vec::<String>::new()
    );
    for bad in [
        "key_id=x",
        "action=deleted",
        "since=yesterday",
        "until=",
        "actor=ann",
        "action=request&action=request",
    ] {
        let reply = bench.send(get(&format!("/api/audit?{bad}"))).await;
        assert_eq!(reply.problem(), problem(400, "INVALID_QUERY"), "{bad}");
    }
}

#[tokio::test]
async fn paging_through_the_log_returns_every_event_once() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for n in 0..23 {
        bench.call_as(&created, RequestMeta::new("GET", &format!("/{n}"))).await;
        bench.clock.advance(Duration::from_secs(1)).await;
    }
    let (mut paths, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.json(get(&format!("/api/audit?action=request&limit=5{cursor}"))).await;
        for event in page["events"].as_array().unwrap() {
            paths.push(event["request"]["path"].as_str().unwrap().to_owned());
        }
        bench.call_as(&created, RequestMeta::new("GET", "/meanwhile")).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paths, (0..23).rev().map(|n| format!("/{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn forgotten_organization_keeps_one_event_without_names() {
    let bench = Bench::new().await;
    bench.create("a").await;
    bench.keys.operator(actor("privacy")).forget(&org("org")).await.unwrap();
    let events = events(&bench, "").await;
    assert_eq!(events.len(), 1);
    let at = bench.clock.wall().to_string();
    assert_eq!(
        events[0],
        json!({ "id": events[0]["id"], "at": at, "action": "organization.forgotten", "actor": "privacy", "key": null })
    );
}

/// `events` also checks that the document allows the values.
#[tokio::test]
async fn values_that_a_newer_version_stored_are_shown_as_they_are() {
    let bench = Bench::new().await;
    let event = |number: u8, detail| {
        let id = EventId::from_bytes([number; 16]);
        let action = Action::from_stored(if number == 1 { "key.rotated" } else { "request" });
        let mut event = AuditEvent::new(id, bench.clock.wall(), org("org"), action);
        event.detail = detail;
        event
    };
    let meta = RequestMeta::new("GET", "/v1/items");
    let mut record = RequestRecord::new(meta, Outcome::from_stored("queued"), Duration::ZERO);
    record.denial = Some(DenialCode::from_stored("NETWORK_NOT_ALLOWED"));
    let scopes = Changes::one("scopes", ChangeValue::Null, ChangeValue::Other(r#"["read"]"#.into()));
    let writer = WriterId::from_bytes([1; 16]);
    bench.store.open_writer(writer).await.unwrap();
    let batch =
        Batch::new(writer, 1, vec![event(1, Detail::Changes(scopes)), event(2, Detail::Request(record))]);
    bench.store.record(&batch).await.unwrap();

    let events = events(&bench, "").await;
    let changed = events.iter().find(|event| event["action"] == "key.rotated").unwrap();
    assert_eq!(changed["changes"], json!({ "scopes": { "from": null, "to": ["read"] } }));
    let request = &events.iter().find(|event| event["action"] == "request").unwrap()["request"];
    assert_eq!((&request["outcome"], &request["denial"]), (&json!("queued"), &json!("NETWORK_NOT_ALLOWED")));
}
