use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::scene::{Scene, scene};

/// Lets the page ask again after a tenth of a second, where it does so after three or five seconds.
const OFTEN: &str = "const real = setTimeout;
    globalThis.setTimeout = (act, pause) => real(act, pause === 3000 || pause === 5000 ? 100 : pause);";

/// Browsers let the timers of hidden pages run once a second.
const HIDDEN: Duration = Duration::from_secs(3);

/// Waits until the page has sent `count` more requests that begin with `request`.
async fn sent(page: &Scene<'_>, request: &str, count: usize) {
    let before = page.front.times_sent(request);
    let enough = async {
        while page.front.times_sent(request) < before + count {
            sleep(Duration::from_millis(15)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(15), enough).await;
    assert!(in_time.is_ok(), "the page does not ask: {request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_asks_for_nothing_while_it_is_hidden_and_at_once_when_it_is_shown() {
    scene("axum", "page-hidden", "org_starter", async |page| {
        let session = page.browser.session();
        let key = page.service.org("org_starter").create(json!({ "name": "Watched" })).await;
        page.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": OFTEN })).await;
        page.browser.open_elsewhere("about:blank").await;
        let tab = session.window().await.unwrap();
        let other = session.new_tab().await.unwrap();
        let api = "GET /settings/developer/api/";
        let (list, key_itself) = (format!("{api}keys?"), format!("{api}keys/{} ", key.id));
        let events = format!("{api}audit?");
        for (fragment, requests) in [
            ("keys", vec![list]),
            ("audit", vec![events.clone()]),
            (&format!("key/{}", key.id), vec![key_itself, events]),
        ] {
            page.open(fragment).await;
            for request in &requests {
                sent(&page, request, 3).await;
            }
            session.switch_to_window(other.clone()).await.unwrap();
            // Requests that are on their way arrive.
            sleep(Duration::from_millis(500)).await;
            let before = page.front.times_sent(api);
            sleep(HIDDEN).await;
            assert_eq!(page.front.times_sent(api), before, "{fragment}: the page asks while it is hidden");
            session.switch_to_window(tab.clone()).await.unwrap();
            for request in &requests {
                sent(&page, request, 3).await;
            }
        }
        session.switch_to_window(other).await.unwrap();
        session.close_window().await.unwrap();
        session.switch_to_window(tab).await.unwrap();
    })
    .await;
}
