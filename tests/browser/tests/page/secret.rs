use std::{fs, path::Path};

use apikeys_test_browser::Browser;
use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::scene::scene;

on_each_framework![secret_is_shown_once_and_nothing_holds_it_afterwards];

async fn secret_is_shown_once_and_nothing_holds_it_afterwards(framework: &'static str) {
    scene(framework, "page-secret", "org_starter", async |page| {
        page.begin("Shown once").await;
        page.submit().await;
        let secret = page.secret().await;
        page.inspect("secret").await;
        let curl = page.browser.select("#curl").await.text().await;
        assert_eq!(curl, format!("curl -H \"Authorization: Bearer {secret}\" {}/v1/whoami", page.front.origin));
        // The command works, and its request appears.
        assert_eq!(page.service.whoami(&secret).await.status, 200);
        page.browser.script("globalThis.planted = ['planted', 'in', 'memory'].join('-')", Vec::new()).await;
        assert!(page.browser.memory().await.contains("planted-in-memory"), "the search of the memory finds texts");
        page.stored().await;
        // The page asks for its data again, and moves through its views.
        page.browser.find("tab", "Audit log").await.click().await;
        page.browser.select("#audit .events:not([aria-busy])").await;
        page.browser.session().back().await.unwrap();
        page.ready().await;

        assert_eq!(page.front.times_received(&secret), 1, "only the response to the creation has the secret");
        assert_eq!(page.front.times_sent(&secret), 0);
        let shown = "const text = (root) => root.innerHTML + [...root.querySelectorAll('*')].filter((e) => e.shadowRoot).map((e) => text(e.shadowRoot)).join('');
            return text(document) + JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href, document.cookie])";
        let shown = page.browser.script(&shown.replace("text(document)", "text(document.documentElement)"), Vec::new()).await;
        assert!(!shown.as_str().unwrap().contains(&secret));
        let history = page.browser.devtools("Page.getNavigationHistory", json!({})).await;
        assert!(!history.to_string().contains(&secret));
        assert!(!page.browser.memory().await.contains(&secret), "the memory of the page holds the secret");
        assert!(!is_in_files(&page.browser.profile(), secret.as_bytes()), "the profile holds the secret");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_the_page_asks_only_while_the_secret_is_shown() {
    scene("axum", "page-leave", "org_starter", async |page| {
        page.begin("Left").await;
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        assert_eq!(questions(page.browser).await, 0, "an open form");
        page.begin("Left").await;
        page.submit().await;
        page.secret().await;
        // Chromedriver confirms that the page is left.
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        assert_eq!(questions(page.browser).await, 1, "a secret that is shown");
        page.create("Stored").await;
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        assert_eq!(questions(page.browser).await, 1, "a secret that is stored");
    })
    .await;
}

/// Returns how often the browser has asked whether the reader wants to leave the page.
async fn questions(browser: &Browser) -> usize {
    let events = browser.events().await;
    let opened = events.iter().filter(|event| event["method"] == "Page.javascriptDialogOpening");
    opened.filter(|event| event["params"]["type"] == "beforeunload").count()
}

fn is_in_files(folder: &Path, bytes: &[u8]) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return is_in_files(&path, bytes);
        }
        fs::read(path).is_ok_and(|file| file.windows(bytes.len()).any(|window| window == bytes))
    })
}
