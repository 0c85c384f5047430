use std::time::{Duration, SystemTime};

use apikeys_core::Timestamp;
use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::scene::{choose, scene};

on_each_framework![
    list_shows_the_state_and_the_use_of_each_key_and_an_expired_key_is_extended,
    keys_are_sorted_in_each_order_and_filtered_by_their_name_or_prefix,
];

const DAY: u64 = 24 * 60 * 60;

/// Returns the time that is this number of seconds ahead.
fn after(seconds: u64) -> String {
    Timestamp::from(SystemTime::now()).saturating_add(Duration::from_secs(seconds)).to_string()
}

async fn list_shows_the_state_and_the_use_of_each_key_and_an_expired_key_is_extended(
    framework: &'static str,
) {
    scene(framework, "page-list", "org_professional", async |page| {
        let org = page.service.org("org_professional");
        let expired = org.create(json!({ "name": "Expired", "expires_at": after(1) })).await;
        let paused = org.create(json!({ "name": "Paused", "rate_limit": 5 })).await;
        org.edit(&paused.id, json!({ "active": false })).await;
        let used = org.create(json!({ "name": "Used", "expires_at": after(3 * DAY) })).await;
        assert_eq!(page.service.whoami(&used.secret).await.status, 200);
        org.key_once(&used.id, |key| key["request_count"] == 1).await;
        org.key_once(&expired.id, |key| key["status"] == "expired").await;
        assert_eq!(page.service.whoami(&expired.secret).await.status, 401);

        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        let rows = "const shown = (cell, column) => (column && cell.querySelector('time') || cell).innerText.split('\\n')[0];
            return [...this.rows].map((row) => [...row.cells].slice(0, 6).map(shown))";
        let rows = page.browser.select("#keys tbody").await.script(rows).await;
        let first = ["Used", "Active", "just now", "1", "in 3 days", "60 per minute (default)"];
        let second = ["Paused", "Deactivated", "Never", "0", "Never", "5 per minute"];
        assert_eq!((&rows[0], &rows[1]), (&json!(first), &json!(second)));
        assert_eq!((&rows[2][0], &rows[2][1]), (&json!("Expired"), &json!("Expired")));
        // A key that expires within seven days is marked, and the exact time is shown on focus.
        let soon = page.browser.select("#keys .soon").await;
        assert!(soon.text().await.starts_with("Expires soon:"));
        let tip = "const when = this.querySelector('.when'); when.focus(); const tip = when.querySelector('.tip');
            return [tip.checkVisibility(), tip.textContent.includes(String(new Date(when.querySelector('time').dateTime).getFullYear()))]";
        assert_eq!(soon.script(tip).await, json!([true, true]));
        let prefix = page.browser.select(&format!("[data-key='{}'] code.prefix", used.id)).await.text().await;
        assert_eq!(prefix, format!("{}…", used.key["prefix"].as_str().unwrap()));
        page.browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#keys .period').length === 3").await;
        page.inspect("states").await;

        page.browser.find("button", "Edit \u{2068}Expired\u{2069}").await.click().await;
        choose(&page.browser.select("dialog [name=expiration]").await, "30").await;
        page.submit().await;
        page.browser.gone("dialog", "Edit API key").await;
        page.browser.select(&format!("[data-key='{}'] [data-status=active]", expired.id)).await;
        assert_eq!(page.service.whoami(&expired.secret).await.status, 200);
    })
    .await;
}

async fn keys_are_sorted_in_each_order_and_filtered_by_their_name_or_prefix(framework: &'static str) {
    scene(framework, "page-orders", "org_professional", async |page| {
        let browser = page.browser;
        let org = page.service.org("org_professional");
        let ten = org.create(json!({ "name": "Key 10", "expires_at": after(3 * DAY) })).await;
        let nine = org.create(json!({ "name": "key 9" })).await;
        org.create(json!({ "name": "Älter", "expires_at": after(DAY) })).await;
        org.create(json!({ "name": "Zeta" })).await;
        for (key, requests) in [(&nine, 2), (&ten, 1)] {
            for _ in 0..requests {
                assert_eq!(page.service.whoami(&key.secret).await.status, 200);
            }
            org.key_once(&key.id, |key| key["request_count"] == requests).await;
        }
        browser.session().refresh().await.unwrap();
        page.ready().await;
        let names = "[...document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#keys bdi.name')].map((name) => name.textContent)";
        let shown = async |wanted: &[&str]| {
            browser.until(&format!("JSON.stringify({names}) === '{}'", json!(wanted))).await;
        };
        let sort = browser.find("combobox", "Sort by").await;
        for (order, names) in [
            ("oldest", ["Key 10", "key 9", "Älter", "Zeta"]),
            ("name", ["Älter", "key 9", "Key 10", "Zeta"]),
            ("used", ["Key 10", "key 9", "Zeta", "Älter"]),
            ("requests", ["key 9", "Key 10", "Zeta", "Älter"]),
            ("expires", ["Älter", "Key 10", "Zeta", "key 9"]),
            ("newest", ["Zeta", "Älter", "key 9", "Key 10"]),
        ] {
            choose(&sort, order).await;
            shown(&names).await;
        }
        // A new key takes its place in the order.
        choose(&sort, "name").await;
        let last = org.create(json!({ "name": "key 9b" })).await;
        shown(&["Älter", "key 9", "key 9b", "Key 10", "Zeta"]).await;
        let filter = browser.find("searchbox", "Filter by name").await;
        for (text, names) in [
            ("KEY", &["key 9", "key 9b", "Key 10"][..]),
            (" ält ", &["Älter"]),
            (last.key["prefix"].as_str().unwrap(), &["key 9b"]),
            ("none", &[]),
        ] {
            filter.fill(text).await;
            shown(names).await;
        }
        let empty = browser.select("#empty:not([hidden])").await;
        assert_eq!(empty.text().await, "No key has this text in its name.");
        filter.fill("").await;
        shown(&["Älter", "key 9", "key 9b", "Key 10", "Zeta"]).await;
    })
    .await;
}
