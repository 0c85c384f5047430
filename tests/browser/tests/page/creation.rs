use std::time::{Duration, SystemTime};

use apikeys_core::Timestamp;
use apikeys_tests::on_each_framework;

use crate::scene::{choose, scene};

const DAY: u64 = 24 * 60 * 60;

on_each_framework![
    key_is_created_with_each_expiration_and_works_at_once,
    key_with_a_date_and_a_rate_limit_has_both,
    double_click_creates_one_key,
    invalid_fields_are_named_at_the_fields,
    refusal_of_the_api_is_shown_at_the_field,
    key_is_created_with_the_keyboard_alone_and_the_focus_returns,
];

async fn key_is_created_with_each_expiration_and_works_at_once(framework: &'static str) {
    scene(framework, "page-presets", "org_enterprise", async |page| {
        page.inspect("empty").await;
        for days in ["none", "7", "30", "60", "90"] {
            let name = format!("Expires {days}");
            page.begin(&name).await;
            choose(&page.browser.select("select[name=expiration]").await, days).await;
            let hint = "The key works until the end of that day in your time zone.";
            let described = page.browser.find("combobox", "Expiration").await.description().await;
            assert_eq!(described, if days == "none" { "" } else { hint }, "{days}");
            assert_eq!(
                page.browser.select("dialog").await.text().await.contains(hint),
                days != "none",
                "{days}"
            );
            page.submit().await;
            let secret = page.secret().await;
            page.stored().await;
            assert_eq!(page.service.whoami(&secret).await.status, 200);
            let keys = page.keys().await;
            let key = keys.iter().find(|key| key["name"] == name.as_str()).unwrap();
            let Ok(days) = days.parse::<u64>() else {
                assert!(key["expires_at"].is_null());
                continue;
            };
            let expires: Timestamp = serde_json::from_value(key["expires_at"].clone()).unwrap();
            let left = expires.as_micros() - Timestamp::from(SystemTime::now()).as_micros();
            let left = Duration::from_micros(u64::try_from(left).unwrap());
            let most = Duration::from_secs((days + 1) * DAY);
            assert!(left > most - Duration::from_secs(DAY) && left <= most, "{days}: {left:?}");
        }
        assert_eq!(page.browser.select("#quota").await.text().await, "5 keys");
        page.inspect("keys").await;
    })
    .await;
}

async fn key_with_a_date_and_a_rate_limit_has_both(framework: &'static str) {
    scene(framework, "page-date", "org_starter", async |page| {
        let dialog = page.begin("Dated").await;
        choose(&page.browser.select("select[name=expiration]").await, "date").await;
        page.browser.select("input[name=date]").await.script("this.value = '2031-02-03'").await;
        dialog.find("textbox", "Rate limit (requests per minute)").await.fill("120").await;
        page.inspect("create").await;
        page.submit().await;
        page.secret().await;
        page.stored().await;
        let keys = page.keys().await;
        assert_eq!(keys[0]["rate_limit"], 120);
        // The browser of the tests is in the time zone UTC or near to it.
        let date = keys[0]["expires_at"].as_str().unwrap();
        assert!(date.starts_with("2031-02-03") || date.starts_with("2031-02-04"), "{date}");
    })
    .await;
}

async fn double_click_creates_one_key(framework: &'static str) {
    scene(framework, "page-double-click", "org_professional", async |page| {
        page.begin("Once").await;
        let submit = page.browser.select("dialog [data-do=submit]").await;
        submit.script("this.click(); this.click(); this.form.requestSubmit()").await;
        page.secret().await;
        page.stored().await;
        assert_eq!(page.keys().await.len(), 1);
        assert_eq!(page.front.times_sent("POST /settings/developer/api/keys "), 1);
    })
    .await;
}

async fn invalid_fields_are_named_at_the_fields(framework: &'static str) {
    scene(framework, "page-invalid", "org_professional", async |page| {
        let dialog = page.begin(" ").await;
        dialog.find("textbox", "Rate limit (requests per minute)").await.fill("10001").await;
        choose(&page.browser.select("select[name=expiration]").await, "date").await;
        page.submit().await;
        for (field, pointer, text) in [
            ("[name=name]", "name", "Enter a name."),
            ("[name=date]", "expires_at", "Choose a date."),
            (
                "[name=rate_limit]",
                "rate_limit",
                "Enter a whole number from 1 to 10,000, or leave the field empty.",
            ),
        ] {
            let field = page.browser.select(&format!("dialog {field}[aria-invalid=true]")).await;
            let error = page.browser.select(&format!("dialog [data-error={pointer}]:not([hidden])")).await;
            assert_eq!(error.text().await, text);
            let described = field.attribute("aria-describedby").await.unwrap();
            assert_eq!(error.attribute("id").await.as_deref(), described.split(' ').next());
        }
        assert!(
            page.browser.find("textbox", "Name").await.has_focus().await,
            "the first wrong field has the focus"
        );
        page.inspect("field-errors").await;
        // An error is about the value that was sent, and goes when the value changes.
        page.browser.find("textbox", "Name").await.fill("x").await;
        page.browser.select("dialog [name=name]:not([aria-invalid])").await;
        page.browser.select("dialog [data-error=name][hidden]").await;
        choose(&page.browser.select("select[name=expiration]").await, "none").await;
        page.browser.select("dialog [data-error=expires_at][hidden]").await;
        assert_eq!(page.keys().await.len(), 0);
        assert_eq!(page.front.times_sent("POST /settings/developer/api/keys "), 0);
    })
    .await;
}

async fn refusal_of_the_api_is_shown_at_the_field(framework: &'static str) {
    scene(framework, "page-refused", "org_professional", async |page| {
        page.browser.expect("status of 422");
        page.begin("x").await;
        page.browser.select("dialog [name=name]").await.script("this.value = 'a\\u0007b'").await;
        page.submit().await;
        page.browser.select("dialog [name=name][aria-invalid=true]").await;
        let error = page.browser.select("dialog [data-error=name]:not([hidden])").await;
        assert_eq!(error.text().await, "Enter 1 to 100 characters without control characters.");
        assert_eq!(page.keys().await.len(), 0);
    })
    .await;
}

async fn key_is_created_with_the_keyboard_alone_and_the_focus_returns(framework: &'static str) {
    scene(framework, "page-keyboard", "org_professional", async |page| {
        let browser = page.browser;
        browser.tab_to("Create API key").await;
        browser.press_key("Enter").await;
        browser.find("dialog", "Create API key").await;
        browser.tab_to("Name").await;
        browser.type_text("Keyboard").await;
        browser.press_key("Escape").await;
        browser.gone("dialog", "Create API key").await;
        assert_eq!(browser.focused().await.unwrap().name, "Create API key");
        browser.press_key("Enter").await;
        browser.tab_to("Name").await;
        browser.type_text("Keyboard").await;
        browser.press_key("Enter").await;
        page.secret().await;
        // Escape does not lose the secret.
        browser.press_key("Escape").await;
        browser.find("dialog", "Your new API key").await;
        browser.tab_to("I have stored it").await;
        browser.press_key("Enter").await;
        browser.gone("dialog", "Your new API key").await;
        assert_eq!(browser.focused().await.unwrap().name, "Create API key");
        assert_eq!(page.keys().await[0]["name"], "Keyboard");
    })
    .await;
}
