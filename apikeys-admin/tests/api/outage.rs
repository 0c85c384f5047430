use apikeys_core::conformance::faults::{Fault, Method};

use crate::support::{Bench, delete, get, patch, path, post, problem};

#[tokio::test]
async fn failing_store_returns_503_without_the_message_of_the_store() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let key = path(&created);
    for (request, methods) in [
        (post("/api/keys").body(r#"{"name":"b"}"#), &[Method::Org, Method::Commit][..]),
        (get("/api/keys"), &[Method::Org, Method::Keys]),
        (get(&key), &[Method::Key]),
        (patch(&key).body(r#"{"name":"b"}"#), &[Method::Key, Method::Commit]),
        (patch(&key).body("{"), &[Method::Key]),
        (delete(&key), &[Method::Commit]),
        (get("/api/audit"), &[Method::Audit]),
        (get(&format!("{key}/usage")), &[Method::Key, Method::Usage]),
    ] {
        for method in methods {
            for fault in [Fault::Error, Fault::Rejected, Fault::Hang] {
                bench.faults.set(*method, fault);
                let reply = bench.pass_time_until(bench.send(request.clone())).await;
                bench.faults.clear();
                assert_eq!(
                    reply.problem(),
                    problem(503, "MANAGEMENT_UNAVAILABLE"),
                    "{request:?} {method} {fault:?}"
                );
                assert_eq!(reply.header("retry-after"), Some("1"));
                let whole = "Try again in a moment. Before you repeat a change, check whether it was made.";
                assert_eq!(reply.json()["detail"], whole);
            }
        }
    }
    assert_eq!(bench.json(get(&key)).await, created["key"], "nothing was changed");
    bench.faults.set_all(Fault::Error);
    assert_eq!(bench.send(get("/api/openapi.json")).await.status, 200);
    assert_eq!(
        bench.send(get("/api/keys/x")).await.status,
        404,
        "an invalid id needs no access to the store"
    );
}

#[tokio::test]
async fn commit_without_a_response_of_the_store_creates_one_key_with_one_secret() {
    let bench = Bench::new().await;
    bench.faults.once(Method::Commit, Fault::AfterCommit);
    let created = bench.pass_time_until(bench.create("a")).await;
    assert!(bench.call(&created).await);
    assert_eq!(bench.json(get("/api/keys")).await["quota"]["used"], 1);
    let events = bench.json(get("/api/audit?action=key.created")).await["events"].clone();
    assert_eq!(events.as_array().unwrap().len(), 1);
    bench.faults.once(Method::Commit, Fault::AfterCommit);
    assert_eq!(bench.pass_time_until(bench.send(delete(&path(&created)))).await.status, 204);
    assert!(!bench.call(&created).await);
}

#[tokio::test]
async fn create_on_an_unknown_plan_returns_503_while_keys_can_be_listed() {
    use apikeys_core::{ApiKeys, Plan, Plans, Quota};
    let store = apikeys_core::MemoryStore::new();
    let plans = Plans::new([
        Plan::new("gone", Quota::Unlimited).unwrap(),
        Plan::new("old", Quota::Unlimited).unwrap(),
    ]);
    let (before, _) = ApiKeys::builder(store.clone()).plans(plans.unwrap()).build().await.unwrap();
    let old = apikeys_core::PlanName::new("old").unwrap();
    before
        .operator(crate::support::actor("billing"))
        .set_plan(&crate::support::org("org"), &old)
        .await
        .unwrap();
    let mut bench = Bench::new().await;
    (bench.keys, _) = ApiKeys::builder(store).build().await.unwrap();
    bench.api = apikeys_admin::AdminApi::new(bench.keys.clone());
    let create = post("/api/keys").body(r#"{"name":"a"}"#);
    let reply = bench.send(create).await;
    assert_eq!(reply.problem(), problem(503, "MANAGEMENT_UNAVAILABLE"));
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("must add the plan to the catalogue or set another plan."), "{detail}");
    assert_eq!(reply.header("retry-after"), None, "only the operator can correct the error");
    let quota = bench.json(get("/api/keys")).await["quota"].clone();
    assert_eq!(quota, serde_json::json!({ "used": 0, "limit": 0 }));
}
