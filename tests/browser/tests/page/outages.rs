use apikeys_tests::{TOKEN, on_each_framework};
use serde_json::json;

use crate::scene::scene;

on_each_framework![
    lost_connection_is_shown_and_the_page_recovers,
    expired_login_is_shown_and_the_page_recovers
];

async fn lost_connection_is_shown_and_the_page_recovers(framework: &'static str) {
    scene(framework, "page-offline", "org_starter", async |page| {
        page.browser.expect("net::ERR_");
        page.begin("Lost").await;
        page.front.go_down();
        page.submit().await;
        let error = page.browser.select("dialog [data-error=form]:not([hidden])").await;
        assert!(error.text().await.contains("the key may or may not have been created"));
        page.browser.select("dialog [data-do=cancel]").await.click().await;
        let banner = page.browser.select("#banner[data-kind=offline]:not([hidden])").await;
        assert!(banner.text().await.starts_with("The connection to the service is lost."));
        page.inspect("offline").await;
        page.front.come_back();
        page.browser.select("#banner-retry").await.click().await;
        page.browser.select("#banner[hidden]").await;
        page.create("Found").await;
        assert_eq!(page.keys().await.len(), 1);
    })
    .await;
}

async fn expired_login_is_shown_and_the_page_recovers(framework: &'static str) {
    scene(framework, "page-login", "org_starter", async |page| {
        page.browser.expect("status of 401");
        page.begin("Kept").await;
        page.browser.devtools("Network.clearBrowserCookies", json!({})).await;
        page.submit().await;
        let error = page.browser.select("dialog [data-error=form]:not([hidden])").await;
        assert!(error.text().await.contains("Your login has expired."));
        page.inspect("denied").await;
        page.browser.select("#banner[data-kind=login]:not([hidden])").await;
        // The administrator logs in again in another tab, and what was typed is still there.
        let tab = page.browser.session().window().await.unwrap();
        let other = page.browser.session().new_tab().await.unwrap();
        page.browser.session().switch_to_window(other).await.unwrap();
        page.browser.open(&format!("/login?token={TOKEN}&org=org_starter")).await;
        page.browser.session().close_window().await.unwrap();
        page.browser.session().switch_to_window(tab).await.unwrap();
        page.submit().await;
        page.secret().await;
        page.stored().await;
        page.browser.select("#banner[hidden]").await;
        assert_eq!(page.keys().await[0]["name"], "Kept");
    })
    .await;
}
