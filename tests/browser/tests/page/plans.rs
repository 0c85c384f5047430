use apikeys_core::{Actor, ApiKeys, MemoryStore, OrgId, Plan, PlanName, Plans, Quota, RateLimit};
use apikeys_example_shared::{Demo, Login};
use apikeys_test_browser::run;
use apikeys_test_leftovers::{Artifacts, note_secret};
use apikeys_tests::{InProcess, on_each_framework};
use serde_json::json;

use crate::scene::{LOG, scene};

on_each_framework![
    full_quota_says_what_to_do,
    administrator_who_loses_the_last_place_is_told_so_and_sees_all_keys,
    plan_without_api_access_says_what_to_do,
    keys_on_a_plan_without_api_access_are_seen_edited_and_deleted,
];

async fn full_quota_says_what_to_do(framework: &'static str) {
    scene(framework, "page-full", "org_starter", async |page| {
        page.create("One").await;
        page.create("Two").await;
        let notice = page.browser.select("#notice[data-kind=full]").await.text().await;
        assert!(notice.contains("All 2 keys of the Starter plan are in use"), "{notice}");
        assert!(notice.contains("upgrade to the Professional plan"), "{notice}");
        assert_eq!(page.browser.select("#quota").await.text().await, "2 of 2 keys");
        page.browser.select("#create[aria-disabled=true]").await.click().await;
        assert!(page.browser.all("dialog").await.is_empty());
        page.inspect("full").await;
        page.browser.find("button", "Delete \u{2068}One\u{2069}").await.click().await;
        page.browser.select("dialog [name=confirm]").await.fill("One").await;
        page.submit().await;
        page.browser.select("#create:not([aria-disabled])").await;
    })
    .await;
}

async fn administrator_who_loses_the_last_place_is_told_so_and_sees_all_keys(framework: &'static str) {
    scene(framework, "page-last-place", "org_starter", async |page| {
        page.browser.expect("status of 409");
        // Only the refusal makes the page ask again.
        page.ask_for_keys_after(600_000).await;
        page.log_in().await;
        page.create("First").await;
        page.begin("Too late").await;
        // The page still shows a free place.
        page.service.org("org_starter").create(json!({ "name": "Faster" })).await;
        page.submit().await;
        let error = page.browser.select("dialog [data-error=form]:not([hidden])").await.text().await;
        assert_eq!(
            error,
            "All keys of your plan are in use. Delete a key that is no longer needed, or upgrade to a higher plan."
        );
        page.browser.select("dialog [data-do=cancel]").await.click().await;
        page.browser.select("#notice[data-kind=full]").await;
        assert_eq!(page.browser.select("#quota").await.text().await, "2 of 2 keys");
        let names = "return [...this.querySelectorAll('bdi.name')].map((e) => e.textContent)";
        let names = page.browser.select("#keys tbody").await.script(names).await;
        assert_eq!(names, json!(["Faster", "First"]));
        page.browser.select("#create[aria-disabled=true]").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_without_a_rate_limit_of_its_own_follows_the_default_of_the_plan() {
    let artifacts = Artifacts::with_log("page-default-limit", LOG);
    let plan = |name: &str, default| {
        let default = RateLimit::per_minute(default).unwrap();
        Plan::new(name, Quota::Limited(5)).unwrap().default_rate_limit(default)
    };
    let plans = Plans::new([plan("small", 60), plan("large", 600)]).unwrap();
    let (keys, _maintenance) =
        ApiKeys::builder(MemoryStore::new()).prefix("demo_live").plans(plans).build().await.unwrap();
    let demo = Demo::new(keys, Login::new(Some("open")).unwrap());
    let service = InProcess::quickstart("axum", &demo).await;
    run(&artifacts, &format!("http://{}", service.address), async |browser| {
        browser.open("/login?token=open&org=org_starter").await;
        let limit = async |text: &str| {
            let shown = "document.querySelector('apikeys-settings').shadowRoot.querySelector('#keys [data-cell=rate-limit]')?.innerText";
            browser.until(&format!("{shown} === '{text}'")).await;
        };
        browser.select("#create").await.click().await;
        browser.select("dialog [name=name]").await.fill("Follower").await;
        browser.select("dialog [data-do=submit]").await.click().await;
        let secret = browser.select("#secret").await.text().await;
        note_secret(&secret[.."demo_live_0123".len()], &secret);
        browser.find("button", "I have stored it").await.click().await;
        limit("60 per minute (default)").await;
        let operator = demo.keys.operator(Actor::new("test").unwrap());
        operator.set_plan(OrgId::new("org_starter").unwrap(), PlanName::new("large").unwrap()).await.unwrap();
        limit("600 per minute (default)").await;
    })
    .await;
}

async fn plan_without_api_access_says_what_to_do(framework: &'static str) {
    scene(framework, "page-free", "org_free", async |page| {
        let notice = page.browser.select("#notice[data-kind=no-access]").await.text().await;
        assert!(notice.contains("The Free plan does not include API access"), "{notice}");
        assert!(notice.contains("upgrade to the Starter plan or a higher one"), "{notice}");
        page.browser.select("#create[aria-disabled=true]").await.click().await;
        assert!(page.browser.all("dialog").await.is_empty());
        page.inspect("free-plan").await;
    })
    .await;
}

async fn keys_on_a_plan_without_api_access_are_seen_edited_and_deleted(framework: &'static str) {
    scene(framework, "page-downgraded", "org_starter", async |page| {
        let secret = page.create("Before").await;
        page.service.org("org_starter").set_plan("free").await;
        assert_eq!(page.service.whoami(&secret).await.status, 403);
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        let notice = page.browser.select("#notice[data-kind=no-access]").await.text().await;
        assert!(notice.contains("Your keys do not work until then."), "{notice}");
        page.inspect("downgraded").await;
        page.browser.find("button", "Edit \u{2068}Before\u{2069}").await.click().await;
        page.browser.find("dialog", "Edit API key").await.find("textbox", "Name").await.fill("After").await;
        page.submit().await;
        page.browser.gone("dialog", "Edit API key").await;
        assert_eq!(page.keys().await[0]["name"], "After");
        page.browser.find("button", "Delete \u{2068}After\u{2069}").await.click().await;
        page.browser.select("dialog [name=confirm]").await.fill("After").await;
        page.submit().await;
        page.browser.gone("dialog", "Delete API key?").await;
        assert_eq!(page.keys().await.len(), 0);
    })
    .await;
}
