use apikeys_admin::AdminApi;
use apikeys_core::{ApiKeys, Plan, PlanName, Plans, Quota, RateLimit, http::Wording};
use serde_json::json;

use crate::support::{Bench, actor, bob, get, org, problem};

#[tokio::test]
async fn plan_says_what_it_allows_and_which_plan_allows_more() {
    let bench = Bench::new().await;
    for (name, display_name, api_access, upgrade_to) in [
        ("free", "Free", false, Some("Starter")),
        ("starter", "Starter", true, Some("Professional")),
        ("professional", "Professional", true, Some("Enterprise")),
        ("enterprise", "Enterprise", true, None),
    ] {
        bench.set_plan("org", name).await;
        let wanted = json!({
            "name": name,
            "display_name": display_name,
            "api_access": api_access,
            "default_rate_limit": 60,
            "upgrade_to": upgrade_to,
            "advice": null,
        });
        assert_eq!(bench.json(get("/api/plan")).await, wanted);
    }
    let other = bench.json(get("/api/plan").admin(bob())).await;
    assert_eq!(other["name"], "enterprise");
}

#[tokio::test]
async fn plan_of_a_catalogue_without_a_better_plan_has_no_upgrade() {
    let trial = Plan::new("trial", Quota::Limited(5)).unwrap().without_api_access();
    let small = Plan::new("small", Quota::Limited(5)).unwrap().with_display_name("Small & fine");
    let fast = Plan::new("fast", Quota::Limited(5)).unwrap().default_rate_limit(RateLimit::MAX);
    let mut bench = Bench::new().await;
    let (keys, _maintenance) = ApiKeys::builder(std::sync::Arc::clone(&bench.store))
        .plans(Plans::new([trial, small, fast]).unwrap())
        .build()
        .await
        .unwrap();
    bench.api = AdminApi::new(keys.clone());
    for (name, upgrade_to, limit) in
        [("trial", json!("Small & fine"), 60), ("small", json!(null), 60), ("fast", json!(null), 10_000)]
    {
        let plan = PlanName::new(name).unwrap();
        keys.operator(actor("billing")).set_plan(&org("org"), &plan).await.unwrap();
        let plan = bench.json(get("/api/plan")).await;
        assert_eq!((&plan["upgrade_to"], &plan["default_rate_limit"]), (&upgrade_to, &json!(limit)));
    }
}

#[tokio::test]
async fn plan_without_api_access_has_the_advice_that_the_service_has_set() {
    let mut bench = Bench::new().await;
    bench.api = bench.api.wording(Wording::default().plan_without_access("Buy the add-on."));
    assert_eq!(bench.json(get("/api/plan")).await["advice"], json!(null));
    bench.set_plan("org", "free").await;
    assert_eq!(bench.json(get("/api/plan")).await["advice"], "Buy the add-on.");
}

#[tokio::test]
async fn plan_refuses_parameters_strangers_and_unknown_plans() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.send(get("/api/plan?x=1")).await.problem(), problem(400, "INVALID_QUERY"));
    assert_eq!(bench.send(get("/api/plan").without_login()).await.problem(), problem(401, "ADMIN_REQUIRED"));
    let only = Plans::new([Plan::new("only", Quota::Unlimited).unwrap()]).unwrap();
    let builder = ApiKeys::builder(std::sync::Arc::clone(&bench.store)).plans(only);
    let (keys, _maintenance) = builder.build().await.unwrap();
    bench.api = AdminApi::new(keys);
    assert_eq!(bench.send(get("/api/plan")).await.problem(), problem(503, "MANAGEMENT_UNAVAILABLE"));
}
