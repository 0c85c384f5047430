use std::time::{Duration, SystemTime};

use apikeys_core::Timestamp;
use apikeys_test_browser::{Browser, run};
use apikeys_test_leftovers::{Artifacts, note_secret};
use apikeys_tests::{Quickstart, Request, TOKEN, contract::MOUNT, on_each_framework};
use serde_json::json;

use crate::scene::{LOG, Scene, choose, scene};

on_each_framework![
    events_are_filtered_paged_and_new_ones_appear,
    events_of_a_deleted_key_are_found_from_one_of_its_events,
];

/// The number of events that the page shows.
pub(crate) const COUNT: &str =
    "document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#audit [data-event]').length";

/// The part of the page with the events.
const LOG_ROOT: &str = "document.querySelector('apikeys-settings').shadowRoot.querySelector('#audit')";

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

        // A rename also changes the events that are older than the newest page.
        org.edit(&one.id, json!({ "name": "First" })).await;
        let old = format!("[...{LOG_ROOT}.querySelectorAll('.sentence')].filter((e) => e.innerText.includes('with the key One '))");
        page.browser.until(&format!("{LOG_ROOT}.textContent.includes('name from One to First')")).await;
        page.browser.until(&format!("{old}.length === 0")).await;

        choose(&page.browser.select("[name=action]").await, "key.created").await;
        page.browser.until(&format!("{COUNT} === 2")).await;
        assert_eq!(sentences(page.browser).await, ["demo created the key Two.", "demo created the key First."]);
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
        let callers = "return [...this.querySelectorAll('.caller')].map((e) => e.lastChild.textContent)";
        let callers = page.browser.select("#audit .events").await.script(callers).await;
        assert_eq!(callers, json!(["127.0.0.1"]), "only requests have a caller");
        names_of_events_that_are_shown_change(&page, &two.id).await;
    })
    .await;
}

/// The log shows two events of the key. A rename changes them as a reload would, and an open event stays open.
async fn names_of_events_that_are_shown_change(page: &Scene<'_>, id: &str) {
    page.browser.select("#audit li:last-child summary").await.click().await;
    page.service.org("org_professional").edit(id, json!({ "name": "Renamed" })).await;
    page.browser.until(&format!("{COUNT} === 3")).await;
    let shown = sentences(page.browser).await;
    assert!(shown[1].starts_with("GET /v1/whoami with the key Renamed got status 200"), "{shown:?}");
    assert_eq!(shown[2], "demo created the key Renamed.");
    let raw = page.browser.select("#audit li:last-child details[open] pre").await.text().await;
    let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(raw["key"]["name"], "Renamed");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_denials_within_a_minute_are_one_sentence_with_their_number() {
    scene("axum", "page-flood", "org_starter", async |page| {
        let org = page.service.org("org_starter");
        let key = org.create(json!({ "name": "Flooded" })).await;
        org.edit(&key.id, json!({ "active": false })).await;
        // More than sixty are in one minute, even if the minute ends meanwhile.
        for _ in 0..125 {
            assert_eq!(page.service.whoami(&key.secret).await.status, 401);
        }
        let path = format!("/audit?key_id={}&action=request&limit=100", key.id);
        let count = |event: &serde_json::Value| event["request"]["count"].as_u64();
        let all = |log: &serde_json::Value| -> u64 {
            log["events"].as_array().unwrap().iter().map(|event| count(event).unwrap_or(1)).sum()
        };
        let log = org.get_once(&path, |log| all(log) == 125).await;
        let number = log["events"].as_array().unwrap().iter().find_map(count).unwrap();
        let requests = if number == 1 { "request" } else { "requests" };
        let were = if number == 1 { "was" } else { "were" };
        let sentence =
            format!("{number} more {requests} with the key Flooded {were} refused: the key was deactivated.");
        page.open(&format!("key/{}", key.id)).await;
        page.browser.until(&format!("{COUNT} === 50")).await;
        page.browser.select("#older").await.click().await;
        page.browser.until(&format!("{COUNT} > 50")).await;
        assert!(sentences(page.browser).await.contains(&sentence), "{sentence}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warning_of_an_expiration_is_a_sentence_of_the_log() {
    let artifacts = Artifacts::with_log("page-warning", LOG);
    let environment = [("DATABASE_URL", "memory:"), ("ADMIN_TOKEN", TOKEN), ("EXPIRY_WARNING", "10s")];
    let service = Quickstart::start_with(&artifacts, "axum", "quickstart", &environment).await;
    let end = Timestamp::from(SystemTime::now()).saturating_add(Duration::from_secs(11));
    let create = Request::post(format!("{MOUNT}/api/keys"), "").admin("org_starter");
    let created = service.send(&create.json(&json!({ "name": "Old", "expires_at": end.to_string() }))).await;
    assert_eq!(created.status, 201);
    let created: serde_json::Value = serde_json::from_str(created.text()).unwrap();
    note_secret(created["key"]["prefix"].as_str().unwrap(), created["secret"].as_str().unwrap());
    run(&artifacts, &format!("http://{}", service.address), async |browser| {
        browser.open(&format!("/login?token={TOKEN}&org=org_starter")).await;
        browser.select("#keys-view:not([aria-busy])").await;
        browser.find("tab", "Audit log").await.click().await;
        choose(&browser.select("[name=action]").await, "key.expiry_warned").await;
        browser.until(&format!("{COUNT} === 1")).await;
        assert_eq!(sentences(browser).await, ["A warning was sent that the key Old expires soon."]);
    })
    .await;
    assert!(service.stop().await.success());
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
        let text = format!("Deleted: \u{2068}Gone\u{2069} ({}…)", gone.key["prefix"].as_str().unwrap());
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
