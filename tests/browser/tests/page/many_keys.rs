use apikeys_test_leftovers::Artifacts;
use apikeys_tests::{Admin, on_each_framework};
use serde_json::{Value, json};

use crate::scene::{choose, scene_in};

on_each_framework![thousand_keys_are_sorted_and_filtered];

async fn thousand_keys_are_sorted_and_filtered(framework: &'static str) {
    sort_and_filter(framework).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures a time, which needs an idle machine"]
async fn thousand_keys_are_sorted_and_filtered_without_tasks_over_50_ms() {
    for framework in ["axum", "actix"] {
        assert_eq!(sort_and_filter(framework).await, json!([]), "{framework}: milliseconds of long tasks");
    }
}

/// Sorts and filters a thousand keys, and returns the milliseconds of the tasks over 50 ms meanwhile.
async fn sort_and_filter(framework: &'static str) -> Value {
    let mut long_tasks = Value::Null;
    let artifacts = Artifacts::with_log(&format!("page-thousand-{framework}"), "warn");
    let admin = Admin::on_sqlite(&artifacts.sqlite_url("keys")).await;
    admin.set_plan("org_enterprise", "enterprise").await;
    for number in 0..1_000 {
        admin.issue("org_enterprise", &format!("Key {number:04}"), |key| key).await;
    }
    admin.keys().shutdown().await.unwrap();
    scene_in(artifacts, framework, "org_enterprise", async |page| {
        let browser = page.browser;
        browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelector('#pager-next')?.parentElement.textContent.includes('1,000')").await;
        browser.script("globalThis.long = []; new PerformanceObserver((list) => long.push(...list.getEntries().map((task) => task.duration))).observe({ type: 'longtask' })", Vec::new()).await;
        let sort = browser.select("#sort").await;
        for order in ["name", "oldest", "used", "requests", "expires", "newest"] {
            choose(&sort, order).await;
        }
        let filter = browser.find("searchbox", "Filter by name").await;
        filter.keys("Key 0123").await;
        browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#keys tbody tr').length === 1").await;
        filter.fill("").await;
        choose(&sort, "name").await;
        let first = browser.select("#keys tbody").await.script("return this.querySelector('bdi.name').textContent").await;
        assert_eq!(first, "Key 0000");
        long_tasks = browser.script("await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return long", Vec::new()).await;
    })
    .await;
    long_tasks
}
