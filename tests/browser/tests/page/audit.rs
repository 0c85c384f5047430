use apikeys_test_browser::Browser;
use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::scene::{choose, scene};

on_each_framework![
    events_are_filtered_paged_and_new_ones_appear,
    events_of_a_deleted_key_are_found_from_one_of_its_events,
];

/// The number of events that the page shows.
pub(crate) const COUNT: &str =
    "document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#audit [data-event]').length";

pub(crate) async fn sentences(browser: &Browser) -> Vec<String> {
    browser.select("#audit .events:not([aria-busy])").await;
    let list = browser.select("#audit .events").await;
    let sentences =
        list.script("return [...this.querySelectorAll('.sentence')].map((e) => e.innerText)").await;
    serde_json::from_value(sentences).unwrap()
}

async fn events_are_filtered_paged_and_new_ones_appear(framework: &'static str) {
    scene(framework, "page-audit", "org_professional", async |page| {
        let org = page.service.org("org_professional");
        let (one, two) =
            (org.create(json!({ "name": "One" })).await, org.create(json!({ "name": "Two" })).await);
        for _ in 0..55 {
            assert_eq!(page.service.whoami(&one.secret).await.status, 200);
        }
        org.get_once(&format!("/audit?key_id={}&action=request&limit=100", one.id), |log| {
            log["events"].as_array().unwrap().len() == 55
        })
        .await;
        page.browser.find("tab", "Audit log").await.click().await;
        page.browser.until(&format!("{COUNT} === 50")).await;
        page.inspect("audit").await;
        page.browser.find("button", "Load older events").await.click().await;
        page.browser.until(&format!("{COUNT} > 55")).await;
        assert!(page.browser.focused().await.is_some(), "the first older event has the focus");

        choose(&page.browser.select("[name=action]").await, "key.created").await;
        page.browser.until(&format!("{COUNT} === 2")).await;
        assert_eq!(sentences(page.browser).await, ["demo created the key Two.", "demo created the key One."]);
        choose(&page.browser.select("[name=key_id]").await, &two.id).await;
        page.browser.until(&format!("{COUNT} === 1")).await;
        page.browser.select("#audit summary").await.click().await;
        let raw = page.browser.select("#audit pre").await.text().await;
        let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
        assert_eq!((&raw["action"], &raw["key"]["id"]), (&json!("key.created"), &json!(two.id)));
        page.inspect("audit-event").await;

        // The time is a filter, too.
        choose(&page.browser.select("[name=time]").await, "hour").await;
        page.browser.until(&format!("{COUNT} === 1")).await;
        choose(&page.browser.select("[name=time]").await, "range").await;
        let until = page.browser.select("[name=until]").await;
        until.script("this.value = '2020-01-01T00:00'; this.dispatchEvent(new Event('change'))").await;
        page.browser.until(&format!("{COUNT} === 0")).await;
        page.browser.select("#audit .empty:not([hidden])").await;
        choose(&page.browser.select("[name=time]").await, "any").await;

        // A new event appears without a reload.
        choose(&page.browser.select("[name=action]").await, "").await;
        page.browser.until(&format!("{COUNT} === 1")).await;
        page.service.whoami(&two.secret).await;
        page.browser.until(&format!("{COUNT} === 2")).await;
        let newest = &sentences(page.browser).await[0];
        assert!(newest.starts_with("GET /v1/whoami with the key Two got status 200"), "{newest}");
    })
    .await;
}

async fn events_of_a_deleted_key_are_found_from_one_of_its_events(framework: &'static str) {
    scene(framework, "page-deleted-key", "org_professional", async |page| {
        let org = page.service.org("org_professional");
        let gone = org.create(json!({ "name": "Gone" })).await;
        org.create(json!({ "name": "Kept" })).await;
        assert_eq!(org.call("DELETE", &format!("/keys/{}", gone.id)).await.status, 204);
        page.open("audit").await;
        page.browser.until(&format!("{COUNT} === 4")).await;

        page.browser
            .find_with_text("listitem", "deleted the key Gone")
            .await
            .script("this.querySelector('summary').click()")
            .await;
        page.browser.find("button", "Only events of this key").await.click().await;
        page.browser.until(&format!("{COUNT} === 2")).await;
        let events = ["demo deleted the key Gone.", "demo created the key Gone."];
        assert_eq!(sentences(page.browser).await, events);
        let filter = page.browser.select("[name=key_id]").await;
        assert!(filter.has_focus().await);
        let chosen = "return this.selectedOptions[0].text";
        let text = format!("\u{2068}Gone\u{2069} ({}…), deleted", gone.key["prefix"].as_str().unwrap());
        assert_eq!(filter.script(chosen).await, json!(text));

        // The key stays in the filter when other events are shown, and when the view is opened again.
        choose(&filter, "").await;
        page.browser.until(&format!("{COUNT} === 4")).await;
        choose(&page.browser.select("[name=action]").await, "key.deleted").await;
        page.browser.until(&format!("{COUNT} === 1")).await;
        page.browser.find("tab", "API keys").await.click().await;
        page.browser.find("tab", "Audit log").await.click().await;
        choose(&page.browser.select("[name=action]").await, "").await;
        choose(&filter, &gone.id).await;
        page.browser.until(&format!("{COUNT} === 2")).await;
        assert_eq!(sentences(page.browser).await, events);
    })
    .await;
}
