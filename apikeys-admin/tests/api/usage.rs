use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Bench, get, patch, path, problem};

async fn usage(bench: &Bench, key: &Value, query: &str) -> Value {
    bench.json(get(&format!("{}/usage{query}", path(key)))).await["points"].clone()
}

#[tokio::test]
async fn usage_counts_requests_and_denials_by_hour_and_day() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    assert_eq!(usage(&bench, &created, "").await, json!([]));
    assert!(bench.call(&created).await && bench.call(&created).await);
    assert_eq!(
        usage(&bench, &created, "").await,
        json!([{ "at": "2030-01-01T00:00:00Z", "requests": 2, "denied": 0 }])
    );
    bench.clock.advance(Duration::from_secs(2 * 3_600 + 60)).await;
    assert!(bench.call(&created).await);
    bench.json(patch(&path(&created)).body(r#"{"active":false}"#)).await;
    assert!(!bench.call(&created).await);
    let second = json!({ "at": "2030-01-01T02:00:00Z", "requests": 1, "denied": 1 });
    let first = json!({ "at": "2030-01-01T00:00:00Z", "requests": 2, "denied": 0 });
    assert_eq!(usage(&bench, &created, "").await, json!([first, second]));
    assert_eq!(
        usage(&bench, &created, "?step=hour&since=2030-01-01T02:59:59Z&until=2030-01-01T03:00:00Z").await,
        json!([second])
    );
    assert_eq!(usage(&bench, &created, "?until=2030-01-01T02:00:00Z").await, json!([first]));
    let day = json!([{ "at": "2030-01-01T00:00:00Z", "requests": 3, "denied": 1 }]);
    assert_eq!(usage(&bench, &created, "?step=day").await, day);
    bench.clock.advance(Duration::from_secs(25 * 3_600)).await;
    assert_eq!(usage(&bench, &created, "").await, json!([]), "24 hours unless asked for more");
    assert_eq!(usage(&bench, &created, "?step=day").await, day);
    bench.clock.advance(Duration::from_secs(31 * 86_400)).await;
    assert_eq!(usage(&bench, &created, "?step=day").await, json!([]), "30 days unless asked for more");
    assert_eq!(usage(&bench, &created, "?step=day&since=2029-01-01T00:00:00Z").await, day);
}

#[tokio::test]
async fn usage_range_must_be_valid_and_bounded() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for (query, status) in [
        ("since=2030-01-01T00:00:00Z&until=2030-04-01T00:00:00Z", 200),
        ("since=2029-12-31T23:59:59Z&until=2030-04-01T00:00:00Z", 400),
        ("step=day&since=2027-01-01T00:00:00Z&until=2030-01-01T00:00:00Z", 200),
        ("step=day&since=2026-01-01T00:00:00Z&until=2030-01-01T00:00:00Z", 400),
        ("since=0000-01-01T00:00:00Z", 400),
        ("until=0000-01-01T00:00:00Z", 400),
        ("until=9999-12-31T23:59:59Z", 200),
        ("since=9999-12-31T23:59:59Z", 400),
        ("since=2030-01-01T00:00:00Z&until=2030-01-01T00:00:00Z", 400),
        ("since=2030-01-02T00:00:00Z&until=2030-01-01T00:00:00Z", 400),
        ("step=minute", 400),
        ("step=day&step=day", 400),
        ("limit=5", 400),
    ] {
        let reply = bench.send(get(&format!("{}/usage?{query}", path(&created)))).await;
        assert_eq!(reply.status, status, "{query}");
        if status == 400 {
            assert_eq!(reply.problem(), problem(400, "INVALID_QUERY"));
        }
    }
    for (query, detail) in [
        ("since=2029-01-01T00:00:00Z", "The time from since to until must be at most 90 days (2,160 hours)."),
        (
            "step=day&since=2026-01-01T00:00:00Z",
            "The time from since to until must be at most 1,100 days (26,400 hours).",
        ),
    ] {
        let reply = bench.send(get(&format!("{}/usage?{query}", path(&created)))).await;
        assert_eq!(reply.json()["detail"], detail);
    }
}
