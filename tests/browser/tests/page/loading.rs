use apikeys_test_leftovers::Artifacts;
use apikeys_tests::{contract::MOUNT, on_each_framework};
use serde_json::{Value, json};

use crate::scene::scene_in;

on_each_framework![first_load_transfers_under_60_kb];

async fn first_load_transfers_under_60_kb(framework: &'static str) {
    load(framework).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures a time, which needs an idle machine"]
async fn first_load_is_usable_within_100_ms() {
    for framework in ["axum", "actix"] {
        let best = load(framework).await;
        assert!(best < 100.0, "{framework}: usable after {best} ms");
    }
}

/// Notes when the reader can use the button for a new key, in milliseconds since the navigation began.
const WATCH: &str = "(() => {
    const look = () => {
        const root = document.querySelector('apikeys-settings')?.shadowRoot;
        const usable = root?.querySelector('#keys-view:not([aria-busy])') && root.querySelector('#create')?.checkVisibility();
        if (usable) globalThis.usable = performance.now();
        else requestAnimationFrame(look);
    };
    look();
})()";

/// The number of files of the page that the browser has loaded.
const FILES: &str =
    "performance.getEntriesByType('resource').filter((entry) => /assets/.test(entry.name)).length";

/// Loads the page with an empty cache, and returns the milliseconds until it is usable.
///
/// Bytes are those that Chromium's network log counts, with headers, for an empty cache. The time is the best of five loads,
/// because other programs on the machine can only make a load slower.
async fn load(framework: &'static str) -> f64 {
    let mut best = f64::INFINITY;
    let artifacts = Artifacts::with_log(&format!("page-load-{framework}"), "warn");
    scene_in(artifacts, framework, "org_starter", async |page| {
        page.create("Loaded").await;
        page.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        for _ in 0..5 {
            page.browser.open_elsewhere("about:blank").await;
            page.browser.devtools("Network.clearBrowserCache", json!({})).await;
            let before = page.browser.events().await.len();
            page.browser.open(MOUNT).await;
            page.browser.until("globalThis.usable").await;
            let usable = page.browser.script("return globalThis.usable", Vec::new()).await.as_f64().unwrap();
            best = best.min(usable);
            // The modules that the list does not need are loaded after it.
            page.browser.until(&format!("{FILES} >= 23")).await;
            let bytes: f64 = page.browser.events().await[before..].iter().filter_map(transferred).sum();
            eprintln!("{framework}: {bytes} bytes, usable after {usable:.1} ms");
            assert!(bytes > 10_000.0 && bytes < 60.0 * 1024.0, "{bytes} bytes");
        }
    })
    .await;
    best
}

fn transferred(event: &Value) -> Option<f64> {
    (event["method"] == "Network.loadingFinished").then(|| event["params"]["encodedDataLength"].as_f64())?
}
