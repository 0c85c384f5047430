use apikeys_tests::contract::MOUNT;
use serde_json::json;

use crate::scene::{Scene, scene};

const SAID: &str = "A part of the page could not be loaded. Reload the page.";

/// Opens the page in a browser that cannot load the module of a part. The list of keys needs no part.
async fn open_without(page: &Scene<'_>, module: &str, fragment: &str) {
    page.browser.devtools("Network.enable", json!({})).await;
    page.browser.devtools("Network.setBlockedURLs", json!({ "urls": [format!("*/{module}")] })).await;
    page.browser.devtools("Network.clearBrowserCache", json!({})).await;
    page.browser.open_elsewhere("about:blank").await;
    page.browser.open(&format!("{MOUNT}{fragment}")).await;
}

/// Waits until the page says that a part is missing, and lets the page forget this.
async fn said(page: &Scene<'_>) {
    page.browser.select("#toast.shown").await;
    let live = page.browser.select("#live").await;
    assert_eq!(live.text().await, SAID);
    let forget = "this.textContent = ''; this.parentElement.classList.remove('shown')";
    live.script(forget).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_that_cannot_be_loaded_is_said_and_the_rest_of_the_page_works() {
    scene("axum", "page-part", "org_professional", async |page| {
        let browser = page.browser;
        page.create("Kept").await;
        for (module, button) in [
            ("audit-log.js", "[data-tab=audit]"),
            ("key-page.js", "#keys [data-do=open]"),
            ("key-form.js", "#create"),
            ("key-form.js", "#keys [data-do=edit]"),
            ("delete-dialog.js", "#keys [data-do=delete]"),
        ] {
            open_without(&page, module, "").await;
            page.ready().await;
            assert_eq!(browser.select("#live").await.text().await, "", "{module}: nothing was asked for");
            browser.select(button).await.click().await;
            said(&page).await;
            if module == "audit-log.js" || module == "key-page.js" {
                // The view says so for as long as the reader stays there.
                let missing = browser.select("#view > #part-missing").await;
                assert_eq!(missing.text().await, SAID);
                assert_eq!(browser.all("table").await.len(), 0);
                browser.find("tab", "API keys").await.click().await;
            }
            // The reader can go on with the list.
            page.ready().await;
            browser.select("#keys [data-do=deactivate]").await.click().await;
            browser.select("#keys [data-do=activate]").await.click().await;
            browser.select("#keys [data-do=deactivate]").await;
            // The same button says so again.
            browser.select(button).await.click().await;
            browser.until(&format!("document.querySelector('apikeys-settings').shadowRoot.querySelector('#live').textContent === '{SAID}'")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_begins_with_a_part_that_cannot_be_loaded_says_so_and_leads_to_the_keys() {
    scene("axum", "page-first-part", "org_starter", async |page| {
        let browser = page.browser;
        open_without(&page, "audit-log.js", "#audit").await;
        said(&page).await;
        browser.select("apikeys-settings:not([aria-busy])").await;
        assert_eq!(browser.select("#part-missing").await.text().await, SAID);
        page.inspect("part-missing").await;
        browser.find("tab", "API keys").await.click().await;
        page.ready().await;

        // Without the charts, the list is complete.
        page.service.org("org_starter").create(json!({ "name": "Without a chart" })).await;
        open_without(&page, "usage.js", "").await;
        said(&page).await;
        browser.find("button", "Without a chart").await;
        assert_eq!(browser.select("#keys .chart").await.text().await, "");
    })
    .await;
}
