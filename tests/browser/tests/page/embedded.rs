use std::{process::Stdio, time::Duration};

use apikeys_test_browser::run;
use apikeys_test_leftovers::{Artifacts, note_secret};
use apikeys_tests::command;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::layout::assert_fits;

const SOURCE: &str = include_str!("../../../../examples/embedded/main.rs");

#[tokio::test(flavor = "multi_thread")]
async fn element_in_a_page_of_the_service_is_usable_under_its_policy_and_style() {
    assert!(SOURCE.lines().count() < 40, "the example shows that little code is needed");
    let artifacts = Artifacts::with_log("page-embedded", crate::scene::LOG);
    let mut service = command("embedded", &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let line = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
    let origin = line.strip_prefix("listening on ").unwrap().to_owned();
    run(&artifacts, &origin, async |browser| {
        browser.open("/").await;
        browser.find("heading", "Account").await;
        let create = browser.find("button", "Create API key").await;
        let style = "const style = getComputedStyle(this); return [style.backgroundColor, style.borderRadius, style.fontSize]";
        // The color and the corners are those that the page sets for the element. Its rule for buttons does not apply.
        assert_eq!(create.script(style).await, json!(["rgb(109, 40, 217)", "0px", "15px"]));

        create.click().await;
        let dialog = browser.find("dialog", "Create API key").await;
        dialog.find("textbox", "Name").await.fill("Embedded").await;
        dialog.find("button", "Create key").await.click().await;
        let secret = browser.select("#secret").await.text().await;
        let shown = browser.select("#keys code.prefix").await.script("return this.textContent").await;
        note_secret(shown.as_str().unwrap().trim_end_matches('…'), &secret);
        assert!(secret.starts_with(shown.as_str().unwrap().trim_end_matches('…')));
        browser.find("button", "I have stored it").await.click().await;
        browser.find("button", "Deactivate \u{2068}Embedded\u{2069}").await.click().await;
        browser.find("button", "Activate \u{2068}Embedded\u{2069}").await;
        // The page has its own fragments, so the element does not use them.
        browser.find("tab", "Audit log").await.click().await;
        browser.find_with_text("listitem", "ann deactivated the key Embedded.").await;
        assert_eq!(browser.script("return location.href", Vec::new()).await, json!(format!("{origin}/")));
        browser.find("tab", "API keys").await.click().await;
        browser.select("#keys tbody tr").await;
        browser.screenshots("embedded").await;
        browser.assert_accessible().await;
        browser.show(apikeys_test_browser::Device::Phone, apikeys_test_browser::Scheme::Light).await;
        assert_fits(browser).await;

        // The policy of the page is in force: it forbids an inline script, and the console says so.
        let policy = "return (await fetch('/')).headers.get('content-security-policy')";
        let policy = browser.script(&format!("return (async () => {{ {policy} }})()"), Vec::new()).await;
        assert!(policy.as_str().unwrap().starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        browser.expect("inline script");
        let planted = "const script = document.createElement('script'); script.textContent = 'globalThis.planted = true';
            document.body.append(script); return globalThis.planted ?? false";
        assert_eq!(browser.script(planted, Vec::new()).await, false);
    })
    .await;
    service.kill().await.unwrap();
}
