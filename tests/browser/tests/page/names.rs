use apikeys_tests::{contract::MOUNT, on_each_framework};
use serde_json::json;

use crate::scene::scene;

on_each_framework![names_are_shown_as_text_and_never_become_markup];

async fn names_are_shown_as_text_and_never_become_markup(framework: &'static str) {
    scene(framework, "page-names", "org_professional", async |page| {
        let org = page.service.org("org_professional");
        let emoji = "\u{1f525}".repeat(100);
        let names = [
            emoji.as_str(),
            "\u{5de}\u{5e4}\u{5ea}\u{5d7} (\u{5d0})",
            "\"><script>alert(1)</script>",
            "=?utf-8?B?PGI+?=",
            "<img src=x onerror=alert(1)>",
            "a'b&amp;c",
        ];
        for name in names {
            let created = org.create(json!({ "name": name })).await;
            assert_eq!(page.service.whoami(&created.secret).await.status, 200);
        }
        for refused in ["a\r\nBcc: b", "a\u{202e}gnp.exe"] {
            assert_eq!(org.call_with("POST", "/keys", &json!({ "name": refused })).await.status, 422);
        }
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        let shown = page.browser.select("#keys tbody").await;
        let shown = shown.script("return [...this.querySelectorAll('bdi.name')].map((e) => e.textContent)").await;
        let newest_first: Vec<_> = names.iter().rev().collect();
        assert_eq!(shown, json!(newest_first));
        page.inspect("names").await;
        page.browser.open(&format!("{MOUNT}#audit")).await;
        page.browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelectorAll('#audit [data-event]').length >= 12").await;
        page.inspect("names-audit").await;
        let planted = "const root = document.querySelector('apikeys-settings').shadowRoot; return root.querySelectorAll('script, img').length";
        assert_eq!(page.browser.script(planted, Vec::new()).await, 0);
    })
    .await;
}
