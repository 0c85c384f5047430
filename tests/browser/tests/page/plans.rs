use apikeys_tests::on_each_framework;

use crate::scene::scene;

on_each_framework![
    full_quota_says_what_to_do,
    plan_without_api_access_says_what_to_do,
    keys_on_a_plan_without_api_access_are_seen_edited_and_deleted,
];

async fn full_quota_says_what_to_do(framework: &'static str) {
    scene(framework, "page-full", "org_starter", async |page| {
        page.create("One").await;
        page.create("Two").await;
        let notice = page.browser.select("#notice[data-kind=full]").await.text().await;
        assert!(notice.contains("All 2 keys of the Starter plan are in use"), "{notice}");
        assert!(notice.contains("upgrade to the Professional plan"), "{notice}");
        assert_eq!(page.browser.select("#quota").await.text().await, "2 of 2 keys");
        page.browser.select("#create[aria-disabled=true]").await.click().await;
        assert!(page.browser.all("dialog").await.is_empty());
        page.inspect("full").await;
        page.browser.find("button", "Delete \u{2068}One\u{2069}").await.click().await;
        page.browser.select("dialog [name=confirm]").await.fill("One").await;
        page.submit().await;
        page.browser.select("#create:not([aria-disabled])").await;
    })
    .await;
}

async fn plan_without_api_access_says_what_to_do(framework: &'static str) {
    scene(framework, "page-free", "org_free", async |page| {
        let notice = page.browser.select("#notice[data-kind=no-access]").await.text().await;
        assert!(notice.contains("The Free plan does not include API access"), "{notice}");
        assert!(notice.contains("upgrade to the Starter plan or a higher one"), "{notice}");
        page.browser.select("#create[aria-disabled=true]").await.click().await;
        assert!(page.browser.all("dialog").await.is_empty());
        page.inspect("free-plan").await;
    })
    .await;
}

async fn keys_on_a_plan_without_api_access_are_seen_edited_and_deleted(framework: &'static str) {
    scene(framework, "page-downgraded", "org_starter", async |page| {
        let secret = page.create("Before").await;
        page.service.org("org_starter").set_plan("free").await;
        assert_eq!(page.service.whoami(&secret).await.status, 403);
        page.browser.session().refresh().await.unwrap();
        page.ready().await;
        let notice = page.browser.select("#notice[data-kind=no-access]").await.text().await;
        assert!(notice.contains("Your keys do not work until then."), "{notice}");
        page.inspect("downgraded").await;
        page.browser.find("button", "Edit \u{2068}Before\u{2069}").await.click().await;
        page.browser.find("dialog", "Edit API key").await.find("textbox", "Name").await.fill("After").await;
        page.submit().await;
        page.browser.gone("dialog", "Edit API key").await;
        assert_eq!(page.keys().await[0]["name"], "After");
        page.browser.find("button", "Delete \u{2068}After\u{2069}").await.click().await;
        page.browser.select("dialog [name=confirm]").await.fill("After").await;
        page.submit().await;
        page.browser.gone("dialog", "Delete API key?").await;
        assert_eq!(page.keys().await.len(), 0);
    })
    .await;
}
