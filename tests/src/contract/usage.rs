//! A key's usage by hour and day.

use serde_json::{Value, json};

use super::Service;
use crate::contract::org::assert_problem;

/// The hour may change during the case, so the points are added up.
pub async fn requests_and_denials_are_counted_by_hour_and_day(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "counted", "rate_limit": 3 })).await;
    let path = format!("/keys/{}/usage", key.id);
    assert_eq!(org.get(&path).await, json!({ "points": [] }));
    for _ in 0..5 {
        service.whoami(&key.secret).await;
    }
    org.key_once(&key.id, |key| key["request_count"] == 3).await;
    for (query, length) in [("", "00:00Z"), ("?step=hour", "00:00Z"), ("?step=day", "T00:00:00Z")] {
        let sums = |usage: &Value| {
            let points = usage["points"].as_array().unwrap();
            (sum(points, "requests"), sum(points, "denied"))
        };
        let usage = org.get_once(&format!("{path}{query}"), |usage| sums(usage) == (3, 2)).await;
        let points = usage["points"].as_array().unwrap();
        assert!(points.iter().all(|point| point["at"].as_str().unwrap().ends_with(length)), "{usage}");
    }
    let past = format!("{path}?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z");
    assert_eq!(org.get(&past).await, json!({ "points": [] }));
}

pub async fn invalid_time_span_is_refused(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "counted" })).await;
    for query in [
        "step=week",
        "step=",
        "since=x",
        "limit=5",
        "since=2020-01-02T00:00:00Z&until=2020-01-01T00:00:00Z",
        "since=2000-01-01T00:00:00Z",
    ] {
        let response = org.call("GET", &format!("/keys/{}/usage?{query}", key.id)).await;
        assert_problem(&response, 400, "INVALID_QUERY");
    }
}

fn sum(points: &[Value], member: &str) -> u64 {
    points.iter().map(|point| point[member].as_u64().unwrap()).sum()
}
