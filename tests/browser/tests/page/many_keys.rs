use apikeys_test_leftovers::Artifacts;
use apikeys_tests::{Admin, on_each_framework};
use serde_json::{Value, json};

use crate::{
    audit::{COUNT, sentences},
    scene::{choose, scene_in},
};

on_each_framework![
    thousand_keys_are_sorted_and_filtered,
    page_with_more_than_a_thousand_keys_says_so_and_loads_them_when_asked,
];

async fn thousand_keys_are_sorted_and_filtered(framework: &'static str) {
    sort_and_filter(framework).await;
}

async fn page_with_more_than_a_thousand_keys_says_so_and_loads_them_when_asked(framework: &'static str) {
    let artifacts = Artifacts::with_log(&format!("page-portions-{framework}"), "warn");
    issue(&artifacts, 1_030).await;
    scene_in(artifacts, framework, "org_enterprise", async |page| {
        let browser = page.browser;
        let more = browser.select("#more:not([hidden])").await;
        let said = more.text().await;
        assert!(
            said.starts_with(
                "Of 1,030 keys, the newest 1,000 are loaded. Only these are sorted and filtered."
            ),
            "{said}"
        );
        assert_eq!(browser.select("#quota").await.text().await, "1,030 keys");
        // The oldest key is not loaded, and the page does not say that there is no such key.
        let filter = browser.find("searchbox", "Filter by name").await;
        filter.keys("Key 0000").await;
        let none = browser.select("#empty:not([hidden])").await.text().await;
        assert_eq!(
            none,
            "None of the newest 1,000 keys has this text in its name. Older keys are not loaded."
        );
        page.inspect("more-keys").await;
        more.find("button", "Load more keys").await.click().await;
        browser.select("#more[hidden]").await;
        browser.select("#keys tbody tr").await;
        assert_eq!(browser.select("#live").await.text().await, "1,030 keys are loaded.");
        assert!(browser.focused().await.is_some(), "the focus has a place after the button is gone");

        // The log filters by every key, too.
        browser.session().refresh().await.unwrap();
        page.ready().await;
        browser.find("tab", "Audit log").await.click().await;
        let more = browser.select("#more-keys:not([hidden])").await;
        let said = more.text().await;
        assert!(said.starts_with("Of 1,030 keys, the newest 1,000 are listed."), "{said}");
        let key = browser.select("[name=key_id]").await;
        let oldest =
            "return [...this.options].find((option) => option.text.includes('Key 0000'))?.value ?? ''";
        assert_eq!(key.script(oldest).await, "");
        more.find("button", "Load more keys").await.click().await;
        browser.select("#more-keys[hidden]").await;
        let oldest = key.script(oldest).await;
        choose(&key, oldest.as_str().unwrap()).await;
        browser.until(&format!("{COUNT} === 1")).await;
        assert_eq!(sentences(browser).await, ["test created the key Key 0000."]);
    })
    .await;
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
    issue(&artifacts, 1_000).await;
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

/// Creates keys in the database of a quickstart that starts later.
async fn issue(artifacts: &Artifacts, count: usize) {
    let admin = Admin::on_sqlite(&artifacts.sqlite_url("keys")).await;
    admin.set_plan("org_enterprise", "enterprise").await;
    for number in 0..count {
        admin.issue("org_enterprise", &format!("Key {number:04}"), |key| key).await;
    }
    admin.keys().shutdown().await.unwrap();
}
