use std::sync::Arc;

use serde_json::json;

use crate::support::{Bench, get, path, post, problem};

#[tokio::test]
async fn create_returns_the_key_its_secret_and_its_location() {
    let bench = Bench::new().await;
    let body =
        json!({ "name": "  CI deploys ", "expires_at": "2031-01-01T01:00:00+01:00", "rate_limit": 600 });
    let reply = bench.send(post("/api/keys").json(&body)).await;
    assert_eq!(reply.status, 201);
    let created = reply.json();
    let secret = created["secret"].as_str().unwrap();
    assert_eq!(reply.header("location"), Some(format!("/settings/developer{}", path(&created)).as_str()));
    assert_eq!(
        created["key"],
        json!({
            "id": created["key"]["id"],
            "name": "CI deploys",
            "prefix": &secret[.."test_key_".len() + 4],
            "status": "active",
            "active": true,
            "created_at": "2030-01-01T00:00:00Z",
            "created_by": "ann",
            "expires_at": "2031-01-01T00:00:00Z",
            "rate_limit": 600,
            "effective_rate_limit": 600,
            "last_used_at": null,
            "request_count": 0,
        })
    );
    assert!(bench.call(&created).await);
}

#[tokio::test]
async fn create_without_expiration_and_limit_uses_the_defaults() {
    let bench = Bench::new().await;
    for body in [json!({ "name": "a" }), json!({ "name": "a", "expires_at": null, "rate_limit": null })] {
        let key = bench.json(post("/api/keys").json(&body)).await["key"].clone();
        assert_eq!((&key["expires_at"], &key["rate_limit"]), (&json!(null), &json!(null)));
        assert_eq!(key["effective_rate_limit"], 60);
    }
}

#[tokio::test]
async fn create_with_invalid_members_lists_all_of_them_and_creates_nothing() {
    let bench = Bench::new().await;
    for (body, pointers) in [
        (r"{}", &["/name"][..]),
        (r#"{"name":"a","org":"other"}"#, &["/org"]),
        (r#"{"name":"a","active":false}"#, &["/active"]),
        (r#"{"name":"a","name":"b"}"#, &["/name"]),
        (r#"{"name":"a","rate_limit":60.0}"#, &["/rate_limit"]),
        (r#"{"name":"a","rate_limit":"60"}"#, &["/rate_limit"]),
        (r#"{"name":"a","expires_at":"2030-01-01T00:00:00Z"}"#, &["/expires_at"]),
        (
            r#"{"rate_limit":0,"x/~":{},"expires_at":"soon"}"#,
            &["/rate_limit", "/x~1~0", "/expires_at", "/name"],
        ),
        (r"[]", &[""]),
        (r"null", &[""]),
        (r#""name""#, &[""]),
    ] {
        let reply = bench.send(post("/api/keys").body(body)).await;
        assert_eq!(reply.problem(), problem(422, "VALIDATION_FAILED"), "{body}");
        assert_eq!(reply.pointers(), pointers, "{body}");
    }
    assert_eq!(bench.json(get("/api/keys")).await["quota"]["used"], 0);
}

#[tokio::test]
async fn create_on_a_plan_without_api_access_is_refused_while_existing_keys_stay_manageable() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    bench.set_plan("org", "free").await;
    let reply = bench.send(post("/api/keys").json(&json!({ "name": "b" }))).await;
    assert_eq!(reply.problem(), problem(403, "API_ACCESS_NOT_AVAILABLE"));
    assert_eq!(bench.json(get(&path(&created))).await["name"], "a");
    assert_eq!(bench.json(get("/api/keys")).await["quota"], json!({ "used": 1, "limit": 0 }));
    let reply = bench.send(crate::support::delete(&path(&created))).await;
    assert_eq!(reply.status, 204);
}

/// The detail names a plan of the service's catalogue, unless the wording replaces the detail.
#[tokio::test]
async fn create_on_a_plan_without_api_access_names_the_first_plan_of_the_catalogue_with_access() {
    use apikeys_core::{ApiKeys, MemoryStore, Plan, Plans, Quota, http::Wording};
    let plans = Plans::new([
        Plan::new("trial", Quota::Limited(0)).unwrap().without_api_access(),
        Plan::new("gold", Quota::Limited(5)).unwrap().with_display_name("Gold 2030"),
        Plan::new("platinum", Quota::Unlimited).unwrap(),
    ]);
    let builder = ApiKeys::builder(MemoryStore::new()).plans(plans.unwrap());
    let mut bench = Bench::new().await;
    (bench.keys, _) = builder.build().await.unwrap();
    for (wording, detail) in [
        (Wording::default(), "Upgrade to the Gold 2030 plan or a higher one."),
        (Wording::default().plan_without_access("Ask sales."), "Ask sales."),
    ] {
        bench.api = apikeys_admin::AdminApi::new(bench.keys.clone()).wording(wording);
        let reply = bench.send(post("/api/keys").json(&json!({ "name": "a" }))).await;
        assert_eq!(reply.problem(), problem(403, "API_ACCESS_NOT_AVAILABLE"));
        assert_eq!(reply.json()["detail"], detail);
    }
}

#[tokio::test]
async fn sixty_concurrent_creations_create_exactly_the_ten_keys_of_the_plan() {
    let bench = Arc::new(Bench::new().await);
    bench.set_plan("org", "professional").await;
    let racers: Vec<_> = (0..60)
        .map(|n| {
            let bench = Arc::clone(&bench);
            std::thread::spawn(move || {
                pollster::block_on(bench.send(post("/api/keys").json(&json!({ "name": format!("key {n}") }))))
            })
        })
        .collect();
    let replies: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 10);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(refused.problem(), problem(409, "KEY_LIMIT_REACHED"));
        let body = refused.json();
        assert_eq!((&body["quota"], &body["used"]), (&json!(10), &json!(10)));
    }
    assert_eq!(bench.json(get("/api/keys")).await["quota"], json!({ "used": 10, "limit": 10 }));
}

#[tokio::test]
async fn concurrent_creations_with_room_for_one_key_create_one_key() {
    for _ in 0..20 {
        let bench = Arc::new(Bench::new().await);
        bench.set_plan("org", "starter").await;
        bench.create("first").await;
        let racers: Vec<_> = (0..16)
            .map(|_| {
                let bench = Arc::clone(&bench);
                std::thread::spawn(move || {
                    pollster::block_on(bench.send(post("/api/keys").json(&json!({ "name": "racer" })))).status
                })
            })
            .collect();
        let mut statuses: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[15]), (201, 409, 409));
    }
}
