use serde_json::{Value, json};

use crate::support::{Bench, ask, get, path, problem};

fn names(page: &Value) -> Vec<&str> {
    page["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_returns_keys_newest_first_with_quota_and_counters() {
    let bench = Bench::new().await;
    bench.set_plan("org", "professional").await;
    let first = bench.create("first").await;
    bench.create("second").await;
    assert!(bench.call(&first).await);
    let page = bench.json(get("/api/keys")).await;
    assert_eq!(names(&page), ["second", "first"]);
    assert_eq!((&page["next_cursor"], &page["quota"]), (&json!(null), &json!({ "used": 2, "limit": 10 })));
    assert_eq!(page["keys"][1]["request_count"], 1);
    assert_eq!(page["keys"][1]["last_used_at"], "2030-01-01T00:00:00Z");
    assert_eq!(page["keys"][1], bench.json(get(&path(&first))).await);
    bench.set_plan("org", "enterprise").await;
    assert_eq!(bench.json(get("/api/keys")).await["quota"], json!({ "used": 2, "limit": null }));
}

#[tokio::test]
async fn list_of_an_unknown_organization_is_empty() {
    let bench = Bench::new().await;
    let admin = apikeys_admin::Admin::new(crate::support::org("new"), crate::support::actor("eve"));
    let page = bench.json(get("/api/keys").admin(admin)).await;
    assert_eq!(page, json!({ "keys": [], "next_cursor": null, "quota": { "used": 0, "limit": 0 } }));
}

#[tokio::test]
async fn keys_created_between_pages_neither_repeat_nor_hide_others() {
    let bench = Bench::new().await;
    for n in 0..25 {
        bench.create(&format!("old {n}")).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = bench.json(get(&format!("/api/keys?limit=4{cursor}"))).await;
        assert!(names(&page).len() <= 4);
        seen.extend(names(&page).iter().map(ToString::to_string));
        bench.create("meanwhile").await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let wanted: Vec<_> = (0..25).rev().map(|n| format!("old {n}")).collect();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn page_has_50_keys_by_default_and_at_most_100() {
    let bench = Bench::new().await;
    for n in 0..101 {
        bench.create(&n.to_string()).await;
    }
    for (query, wanted) in [("", 50), ("?limit=1", 1), ("?limit=100", 100)] {
        let page = bench.json(get(&format!("/api/keys{query}"))).await;
        assert_eq!(names(&page).len(), wanted, "{query}");
        assert!(page["next_cursor"].is_string());
    }
    for bad in ["limit=0", "limit=101", "limit=", "limit=ten", "limit=5&limit=5", "page=2", "org=other"] {
        let reply = bench.send(get(&format!("/api/keys?{bad}"))).await;
        assert_eq!(reply.problem(), problem(400, "INVALID_QUERY"), "{bad}");
    }
}

#[tokio::test]
async fn head_returns_the_same_response_as_get() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for path in ["/api/keys", "/api/audit", "/api/openapi.json", &path(&created), "/api/keys/unknown"] {
        let got = bench.send(get(path)).await;
        assert_eq!(got.status, if path == "/api/keys/unknown" { 404 } else { 200 });
        assert_eq!(bench.send(ask("HEAD", path)).await, got);
    }
}
