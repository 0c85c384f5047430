use apikeys_test_browser::{Device, Scheme};
use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::scene::scene;

on_each_framework![usage_is_drawn_and_listed_in_a_table];

/// How much larger or smaller the chart is shown than it was drawn.
const SCALE: &str = "(() => {
    const chart = document.querySelector('apikeys-settings').shadowRoot.querySelector('#chart');
    return chart.clientWidth / chart.viewBox.baseVal.width;
})()";

async fn usage_is_drawn_and_listed_in_a_table(framework: &'static str) {
    scene(framework, "page-usage", "org_starter", async |page| {
        let org = page.service.org("org_starter");
        let key = org.create(json!({ "name": "Counted", "rate_limit": 3 })).await;
        for _ in 0..5 {
            page.service.whoami(&key.secret).await;
        }
        org.key_once(&key.id, |key| key["request_count"] == 3).await;
        page.open(&format!("key/{}", key.id)).await;
        page.browser.find("heading", "Counted").await;
        page.browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelector('#usage-summary')?.textContent.includes('3 requests, 2 denied')").await;
        let chart = page.browser.select("#chart").await;
        assert_eq!(chart.attribute("aria-label").await.unwrap(), "Last 24 hours: 3 requests, 2 denied");
        page.browser.select("#usage-table summary").await.click().await;
        let cells = page.browser.select("#usage-table tbody").await;
        let sums = "const sum = (n) => [...this.rows].reduce((all, row) => all + Number(row.cells[n].textContent), 0);
            return [sum(1), sum(2)]";
        assert_eq!(cells.script(sums).await, json!([3, 2]));
        page.inspect("usage").await;
        // The chart is drawn for the width of the window, so that its texts keep their size.
        page.browser.show(Device::Phone, Scheme::Light).await;
        page.browser.until(&format!("{SCALE} === 1")).await;
        let outside = "const right = this.getBoundingClientRect().right;
            return [...this.querySelectorAll('text')].filter((text) => text.getBoundingClientRect().right > right + 0.5).length";
        assert_eq!(page.browser.select("#chart").await.script(outside).await, 0, "texts are cut off");
        let touching = "const texts = [...this.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
            const touch = (one, other) => one.left < other.right + 4 && other.left < one.right + 4 && one.top < other.bottom && other.top < one.bottom;
            return texts.filter((one, index) => texts.slice(index + 1).some((other) => touch(one, other))).length";
        assert_eq!(page.browser.select("#chart").await.script(touching).await, 0, "texts touch each other");
        page.browser.show(Device::Desktop, Scheme::Light).await;
        page.browser.until(&format!("{SCALE} === 1")).await;
        page.browser.select("[name=range][value='30d']").await.script("this.click()").await;
        page.browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelector('#usage-summary').textContent.includes('Days are in UTC')").await;
        page.browser.select("#back").await.click().await;
        page.browser.select("#keys-view").await;
    })
    .await;
}
