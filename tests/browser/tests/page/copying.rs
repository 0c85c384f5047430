use serde_json::json;
use thirtyfour::Key;

use crate::scene::{Scene, scene};

/// The text that the reader has selected in the page's shadow root.
const SELECTED: &str =
    "return document.querySelector('apikeys-settings').shadowRoot.getSelection().toString()";

#[tokio::test(flavor = "multi_thread")]
async fn secret_and_command_are_copied_and_the_page_says_so() {
    scene("axum", "page-copy", "org_starter", async |page| {
        let allowed = json!({ "permissions": ["clipboardReadWrite"] });
        page.browser.devtools("Browser.grantPermissions", allowed).await;
        page.begin("Copied").await;
        page.submit().await;
        let secret = page.secret().await;
        let command = page.browser.select("#curl").await.text().await;
        for (button, text, label) in
            [("#copy-secret", &secret, "Copy key"), ("#copy-curl", &command, "Copy command")]
        {
            page.browser.select(button).await.click().await;
            page.browser.select(&format!("{button}.done")).await;
            assert_eq!(page.browser.select(button).await.text().await, "Copied");
            assert_eq!(said(&page).await, "Copied to the clipboard.");
            assert_eq!(
                page.browser.script("return navigator.clipboard.readText()", Vec::new()).await,
                json!(text)
            );
            // The button can be used again.
            page.browser.select(&format!("{button}:not(.done)")).await;
            assert_eq!(page.browser.select(button).await.text().await, label);
        }
        page.stored().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_without_https_is_copied_or_selected_with_advice() {
    scene("axum", "page-copy-plain", "org_starter", async |page| {
        // Browsers ignore this header without HTTPS, and say so.
        page.browser.expect("Cross-Origin-Opener-Policy");
        let origin = page.front.origin.replace("127.0.0.1", "plain.example");
        page.browser.open_elsewhere(&format!("{origin}/login?token={}&org=org_starter", apikeys_tests::TOKEN)).await;
        page.ready().await;
        let plain = "return !isSecureContext && navigator.clipboard === undefined";
        assert_eq!(page.browser.script(plain, Vec::new()).await, true);
        page.begin("Plain").await;
        page.submit().await;
        let secret = page.secret().await;
        let copy = page.browser.select("#copy-secret").await;
        copy.click().await;
        page.browser.select("#copy-secret.done").await;
        assert_eq!(said(&page).await, "Copied to the clipboard.");

        // A browser may not copy at all.
        page.browser.script("document.execCommand = () => false; getSelection().removeAllRanges()", Vec::new()).await;
        copy.click().await;
        let advice = "The browser does not let this page copy. The text is selected: copy it with Ctrl+C, on a Mac with ⌘C, or from its menu.";
        let shown = page.browser.select("dialog .hint:not([hidden])").await;
        assert_eq!((shown.text().await.as_str(), said(&page).await.as_str()), (advice, advice));
        assert_eq!(copy.text().await, "Copy key");
        assert_eq!(page.browser.script(SELECTED, Vec::new()).await, json!(secret));
        page.inspect("copy-by-hand").await;
        page.stored().await;

        // What was copied can be pasted.
        let dialog = page.begin("").await;
        let name = dialog.find("textbox", "Name").await;
        name.keys(Key::Control + "v").await;
        assert_eq!(name.value().await, secret);
    })
    .await;
}

/// Returns what the open dialog says to screen readers.
async fn said(page: &Scene<'_>) -> String {
    let status = page.browser.select("dialog [role=status]").await;
    status.script("return this.textContent").await.as_str().unwrap().to_owned()
}
