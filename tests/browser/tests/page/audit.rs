use apikeys_test_browser::Browser;
use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::scene::{choose, scene};

on_each_framework![events_are_filtered_paged_and_new_ones_appear];

async fn sentences(browser: &Browser) -> Vec<String> {
    browser.select("#audit .events:not([aria-busy])").await;
    let list = browser.select("#audit .events").await;
    let sentences =
        list.script("return [...this.querySelectorAll('.sentence')].map((e) => e.innerText)").await;
    serde_json::from_value(sentences).unwrap()
}

async fn events_are_filtered_paged_and_new_ones_appear(framework: &'static str) {
    scene(framework, "page-audit", "org_professional", async |page| {
        let org = page.service.org("org_professional");
        let (one, two) = (org.create(json!({ "name": "One" })).await, org.create(json!({ "name": "Two" })).await);
        for _ in 0..55 {
            assert_eq!(page.service.whoami(&one.secret).await.status, 200);
        }
        org.get_once(&format!("/audit?key_id={}&action=request&limit=100", one.id), |log| {
            log["events"].as_array().unwrap().len() == 55
        })
        .await;
        // The page has the keys for its filter only once it has loaded them.
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        page.browser.find("tab", "Audit log").await.click().await;
        let count = "document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#audit [data-event]').length";
        page.browser.until(&format!("{count} === 50")).await;
        page.inspect("audit").await;
        page.browser.find("button", "Load older events").await.click().await;
        page.browser.until(&format!("{count} > 55")).await;
        assert!(page.browser.focused().await.is_some(), "the first older event has the focus");

        choose(&page.browser.select("[name=action]").await, "key.created").await;
        page.browser.until(&format!("{count} === 2")).await;
        assert_eq!(sentences(page.browser).await, ["demo created the key Two.", "demo created the key One."]);
        choose(&page.browser.select("[name=key_id]").await, &two.id).await;
        page.browser.until(&format!("{count} === 1")).await;
        page.browser.select("#audit summary").await.click().await;
        let raw = page.browser.select("#audit pre").await.text().await;
        let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
        assert_eq!((&raw["action"], &raw["key"]["id"]), (&json!("key.created"), &json!(two.id)));
        page.browser.screenshots(&format!("audit-event-{framework}")).await;

        // A new event appears without a reload.
        choose(&page.browser.select("[name=action]").await, "").await;
        page.browser.until(&format!("{count} === 1")).await;
        page.service.whoami(&two.secret).await;
        page.browser.until(&format!("{count} === 2")).await;
        let newest = &sentences(page.browser).await[0];
        assert!(newest.starts_with("GET /v1/whoami with the key Two got status 200"), "{newest}");
    })
    .await;
}
