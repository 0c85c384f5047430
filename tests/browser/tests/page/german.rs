use apikeys_admin::Language;
use apikeys_test_browser::{Browser, Device, Scheme, run};
use apikeys_test_leftovers::{Artifacts, note_secret};
use apikeys_tests::{InProcess, Request};
use serde_json::json;

use crate::{
    layout::assert_fits,
    scene::{LOG, choose},
    surroundings::starter,
};

/// Returns the English texts that the page shows or that its elements have as names. Texts that both languages share are
/// left out, and so is the JSON of events. A text with places is compared in pieces.
const ENGLISH: &str = r"return (async () => {
    const folder = document.querySelector('script[type=module]').src.replace(/[^/]*$/, '');
    const [en, de] = await Promise.all(['en', 'de'].map((tag) => import(`${folder}texts-${tag}.js`)));
    const german = Object.values(de.texts).join('\n').replace(/\{\w+\}/g, '|');
    const word = (text) => new RegExp(`(?<!\\p{L})${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?!\\p{L})`, 'u');
    const pieces = Object.values(en.texts).flatMap((text) => text.split(/\{\w+\}/)).map((text) => text.trim());
    const english = [...new Set(pieces)].filter((text) => /\p{L}/u.test(text) && !word(text).test(german));
    const shown = [document.title];
    const read = (node) => {
        if (node.nodeType === Node.TEXT_NODE) shown.push(node.data);
        if (node.nodeType !== Node.ELEMENT_NODE || node.matches('pre, code, noscript, style, bdi') || !node.checkVisibility()) return;
        for (const name of ['aria-label', 'title', 'placeholder', 'label']) if (node.hasAttribute(name)) shown.push(node.getAttribute(name));
        for (const child of (node.shadowRoot ?? node).childNodes) read(child);
    };
    read(document.body);
    const all = shown.join('\n');
    if (english.length < 100 || all.length < 100) return ['the comparison is empty'];
    return english.filter((text) => word(text).test(all));
})()";

/// Checks that the page is in German, fits on a phone, and is accessible, and leaves pictures.
async fn inspect(browser: &Browser, name: &str) {
    assert_eq!(browser.script(ENGLISH, Vec::new()).await, json!([]), "{name}: English texts");
    let languages = "return [document.documentElement.lang, document.querySelector('apikeys-settings').shadowRoot.querySelector('#app').lang]";
    assert_eq!(browser.script(languages, Vec::new()).await, json!(["de", "de"]));
    // Other tests check and show the dark scheme.
    let name = format!("german-{name}");
    browser.screenshot(&name, Device::Desktop, Scheme::Light).await;
    browser.screenshot(&name, Device::Phone, Scheme::Light).await;
    assert_fits(browser).await;
    browser.assert_accessible().await;
    browser.show(Device::Desktop, Scheme::Light).await;
}

async fn submit(browser: &Browser) {
    browser.select("dialog [data-do=submit]").await.click().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_in_german_has_only_german_texts_and_fits_on_a_phone() {
    let artifacts = Artifacts::with_log("page-german", LOG);
    let demo = starter().await.language(Language::German);
    let service = InProcess::quickstart("axum", &demo).await;
    run(&artifacts, &format!("http://{}", service.address), async |browser| {
        browser.open("/login?token=open&org=org_starter").await;
        browser.find("heading", "Entwicklereinstellungen").await;
        browser.select("#empty:not([hidden])").await;
        inspect(browser, "empty").await;
        creation(browser, &service).await;
        editing(browser).await;
        key_page(browser).await;
        audit_log(browser).await;
        deletion(browser).await;
        plans(browser).await;
        expired_login(browser).await;
    })
    .await;
}

async fn creation(browser: &Browser, service: &InProcess) {
    browser.find("button", "API-Schlüssel erstellen").await.click().await;
    let dialog = browser.find("dialog", "API-Schlüssel erstellen").await;
    dialog.find("textbox", "Höchstrate (Anfragen pro Minute)").await.fill("0").await;
    choose(&browser.select("[name=expiration]").await, "date").await;
    submit(browser).await;
    browser.select("dialog [data-error=rate_limit]:not([hidden])").await;
    inspect(browser, "errors").await;
    dialog.find("textbox", "Name").await.fill("Lagerverwaltung").await;
    dialog.find("textbox", "Höchstrate (Anfragen pro Minute)").await.fill("2").await;
    choose(&browser.select("[name=expiration]").await, "7").await;
    inspect(browser, "create").await;
    submit(browser).await;
    let secret = browser.select("#secret").await.text().await;
    let prefix = browser.select("#keys code.prefix").await.script("return this.textContent").await;
    note_secret(prefix.as_str().unwrap().trim_end_matches('…'), &secret);
    inspect(browser, "secret").await;
    browser.find("button", "Schlüssel kopieren").await;
    browser.find("button", "Ich habe ihn gespeichert").await.click().await;
    browser.gone("dialog", "Ihr neuer API-Schlüssel").await;
    for status in [200, 200, 429] {
        let response = Request::get("/v1/whoami").bearer(&secret).send(service.address).await;
        assert_eq!(response.status, status);
    }
    browser.session().refresh().await.unwrap();
    browser.select("#keys-view:not([aria-busy])").await;
}

async fn editing(browser: &Browser) {
    browser.find("button", "Deaktivieren \u{2068}Lagerverwaltung\u{2069}").await.click().await;
    let activate = browser.find("button", "Aktivieren \u{2068}Lagerverwaltung\u{2069}").await;
    let said = browser.select("#live").await.text().await;
    assert!(said.ends_with("ist deaktiviert. Anfragen mit diesem Schlüssel werden abgelehnt."), "{said}");
    inspect(browser, "deactivated").await;
    activate.click().await;
    browser.find("button", "Bearbeiten \u{2068}Lagerverwaltung\u{2069}").await.click().await;
    browser
        .find("dialog", "API-Schlüssel bearbeiten")
        .await
        .find("textbox", "Name")
        .await
        .fill("Versand")
        .await;
    inspect(browser, "edit").await;
    submit(browser).await;
    browser.gone("dialog", "API-Schlüssel bearbeiten").await;
    let created = browser.select("#keys .created").await.text().await;
    assert!(created.starts_with("Erstellt von demo, "), "{created}");
    inspect(browser, "keys").await;
}

async fn key_page(browser: &Browser) {
    browser.select("#keys [data-do=open]").await.click().await;
    browser.find("heading", "Versand").await;
    browser.select("#chart").await;
    browser.select("#usage-table summary").await.click().await;
    inspect(browser, "usage").await;
    browser.select("#back").await.click().await;
    browser.select("#keys tbody tr").await;
}

async fn audit_log(browser: &Browser) {
    browser.find("tab", "Protokoll").await.click().await;
    choose(&browser.select("[name=action]").await, "key.created").await;
    browser.find_with_text("listitem", "demo hat den Schlüssel Versand erstellt.").await;
    browser.select("#audit summary").await.click().await;
    browser.find("button", "Nur Ereignisse dieses Schlüssels").await;
    choose(&browser.select("[name=time]").await, "range").await;
    inspect(browser, "audit-event").await;
    choose(&browser.select("[name=action]").await, "").await;
    browser.find_with_text("listitem", "abgelehnt: die Höchstrate war überschritten").await;
    inspect(browser, "audit").await;
    browser.find("tab", "API-Schlüssel").await.click().await;
}

async fn deletion(browser: &Browser) {
    browser.find("button", "Löschen \u{2068}Versand\u{2069}").await.click().await;
    browser.find("dialog", "API-Schlüssel löschen?").await;
    submit(browser).await;
    browser.select("dialog [data-error=form]:not([hidden])").await;
    inspect(browser, "delete").await;
    browser.select("dialog [name=confirm]").await.fill("Versand").await;
    submit(browser).await;
    browser.gone("dialog", "API-Schlüssel löschen?").await;
}

async fn plans(browser: &Browser) {
    for name in ["Eins", "Zwei"] {
        browser.select("#create:not([aria-disabled])").await.click().await;
        browser
            .find("dialog", "API-Schlüssel erstellen")
            .await
            .find("textbox", "Name")
            .await
            .fill(name)
            .await;
        submit(browser).await;
        let secret = browser.select("#secret").await.text().await;
        note_secret(&secret[..secret.rfind('_').unwrap() + 5], &secret);
        browser.find("button", "Ich habe ihn gespeichert").await.click().await;
        browser.gone("dialog", "Ihr neuer API-Schlüssel").await;
    }
    browser.select("#notice[data-kind=full]").await;
    inspect(browser, "full").await;
    browser.open("/login?token=open&org=org_free").await;
    browser.select("#notice[data-kind=no-access]").await;
    inspect(browser, "free-plan").await;
}

async fn expired_login(browser: &Browser) {
    browser.expect("status of 401");
    browser.devtools("Network.clearBrowserCookies", json!({})).await;
    browser.find("tab", "Protokoll").await.click().await;
    browser.select("#banner[data-kind=login]:not([hidden])").await;
    inspect(browser, "login").await;
}
