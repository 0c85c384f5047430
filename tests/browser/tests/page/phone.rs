use apikeys_test_browser::{Browser, Device, Element, Scheme};
use apikeys_tests::contract::Created;
use serde_json::json;

use crate::scene::{Scene, scene};

/// Finds what is wrong with the message that has a button. The text has room for a few words in each line, and the button is
/// at the edge, beside the text if both have room.
const MESSAGE: &str = "return (async () => {
    const root = document.querySelector('apikeys-settings').shadowRoot;
    const frame = () => new Promise(requestAnimationFrame);
    await frame(); await frame();
    const [toast, text, button] = ['#toast', '#live', '#undo'].map((selector) => root.querySelector(selector).getBoundingClientRect());
    const { paddingLeft, paddingRight, columnGap } = getComputedStyle(root.querySelector('#toast'));
    const [left, right] = [toast.left + parseFloat(paddingLeft), toast.right - parseFloat(paddingRight)];
    const label = document.createRange();
    label.selectNodeContents(root.querySelector('#undo'));
    const words = document.createRange();
    words.selectNodeContents(root.querySelector('#live'));
    const lines = [...words.getClientRects()];
    const beside = button.top < text.bottom && text.top < button.bottom;
    const room = right - left - button.width - parseFloat(columnGap);
    scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
    const end = root.querySelector('#view').getBoundingClientRect().bottom;
    const wrong = {
        'a part is outside': [text, button, ...lines].some((box) => box.left < left - 1 || box.right > right + 1 || box.top < toast.top || box.bottom > toast.bottom),
        'the window cuts the message off': toast.left < 8 || toast.right > innerWidth - 8 || toast.top < 0 || toast.bottom > innerHeight - 8,
        'the button has several lines': label.getClientRects().length !== 1,
        'the button is not at the edge': Math.abs(button.right - right) > 1,
        'the button covers the text': beside && lines.some((box) => box.right > button.left),
        'the button is below although there is room beside the text': !beside && room >= 192,
        'the text is narrow': text.width < Math.min(180, right - left) && lines.length > 1,
        'the button is too low for a finger': matchMedia('(pointer: coarse)').matches && button.height < 40,
        'the message covers the end of the page': toast.top < end,
    };
    return Object.keys(wrong).filter((name) => wrong[name]);
})()";

#[tokio::test(flavor = "multi_thread")]
async fn message_with_a_button_is_readable_on_a_phone_and_on_a_desktop_in_each_language() {
    scene("axum", "page-message", "org_professional", async |page| {
        let browser = page.browser;
        let org = page.service.org("org_professional");
        let long = "x".repeat(100);
        for name in ["Lagerverwaltung", &long] {
            let key = org.create(json!({ "name": name })).await;
            for language in ["de", "en"] {
                speak(browser, language).await;
                for action in ["deactivate", "activate"] {
                    let button = format!("[data-key='{}'] [data-do={action}]", key.id);
                    browser.select(&button).await.click().await;
                    browser.select("#toast.shown #undo:not([hidden])").await;
                    for device in [Device::Phone, Device::Desktop] {
                        browser.show(device, Scheme::Light).await;
                        let wrong = browser.script(MESSAGE, Vec::new()).await;
                        assert_eq!(wrong, json!([]), "{name} {language} {action} {device:?}");
                    }
                }
            }
        }
        let about = "const root = document.querySelector('apikeys-settings').shadowRoot; return root.querySelector('#undo').textContent";
        assert_eq!(browser.script(about, Vec::new()).await, "Undo");
    })
    .await;
}

/// Returns the smallest distance in pixels between a button that deletes and another button of the same key, as the number of
/// buttons that delete and the distance.
const DISTANCE: &str = "
    const distances = [...this.querySelectorAll('[data-do=delete]')].map((button) => {
        const box = button.getBoundingClientRect();
        const others = [...button.parentElement.querySelectorAll('button')].filter((other) => other !== button);
        return Math.min(...others.map((other) => {
            const { left, right, top, bottom } = other.getBoundingClientRect();
            return Math.hypot(Math.max(0, left - box.right, box.left - right), Math.max(0, top - box.bottom, box.top - bottom));
        }));
    });
    return [distances.length, Math.min(...distances)];";

#[tokio::test(flavor = "multi_thread")]
async fn delete_keeps_its_distance_from_the_other_buttons_on_each_width_in_each_language() {
    scene("axum", "page-distance", "org_professional", async |page| {
        let org = page.service.org("org_professional");
        let key = org.create(json!({ "name": "Active" })).await;
        let paused = org.create(json!({ "name": "Paused" })).await;
        org.edit(&paused.id, json!({ "active": false })).await;
        for (fragment, view, buttons) in
            [("keys".to_owned(), "#keys", 2), (format!("key/{}", key.id), "#key-page .actions", 1)]
        {
            page.open(&fragment).await;
            for language in ["en", "de"] {
                speak(page.browser, language).await;
                let view = page.browser.select(view).await;
                page.browser.select("[data-key] [data-do=activate], #key-page [data-do=deactivate]").await;
                for width in [320, 360, 412, 600, 768, 1024, 1280] {
                    let metrics =
                        json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": true });
                    page.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
                    let found = view.script(DISTANCE).await;
                    assert_eq!(found[0], buttons, "{fragment} {language} {width}");
                    let distance = found[1].as_f64().unwrap();
                    assert!(
                        distance >= 16.0,
                        "{fragment} {language} {width}: Delete is {distance} pixels away"
                    );
                }
            }
        }
    })
    .await;
}

/// A key whose last hour has one request, and whose earlier hours have none.
async fn used_key(page: &Scene<'_>) -> Created {
    let org = page.service.org(page.org);
    let key = org.create(json!({ "name": "Counted" })).await;
    assert_eq!(page.service.whoami(&key.secret).await.status, 200);
    org.key_once(&key.id, |key| key["request_count"] == 1).await;
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn finger_on_the_chart_shows_its_numbers_and_the_hint_says_so_in_each_language() {
    scene("axum", "page-tap", "org_starter", async |page| {
        let browser = page.browser;
        let key = used_key(&page).await;
        page.open(&format!("key/{}", key.id)).await;
        for (language, tap, one, none) in [
            ("en", "Tap the chart to read its numbers.", ": 1 request admitted, 0 denied", ": 0 requests admitted, 0 denied"),
            (
                "de",
                "Tippen Sie auf das Diagramm, um die Zahlen zu lesen.",
                ": 1 Anfrage zugelassen, 0 abgelehnt",
                ": 0 Anfragen zugelassen, 0 abgelehnt",
            ),
        ] {
            speak(browser, language).await;
            browser.select("#chart").await;
            let point = browser.select("#usage-point").await;
            let with_pointer = point.text().await;
            assert_ne!(with_pointer, tap, "{language}: a device with a mouse");
            // The hint follows the device, as when a tablet is taken off its keyboard.
            browser.show(Device::Phone, Scheme::Light).await;
            let says = async |text: &str| {
                let shown = "document.querySelector('apikeys-settings').shadowRoot.querySelector('#usage-point').textContent";
                browser.until(&format!("{shown}.endsWith({text:?})")).await;
            };
            says(tap).await;
            assert_eq!(browser.find("slider", &label(browser).await).await.description().await, tap);
            // The chart is drawn again for the new width.
            browser.until("(() => { const chart = document.querySelector('apikeys-settings').shadowRoot.querySelector('#chart');
                return chart.clientWidth === chart.viewBox.baseVal.width })()").await;
            slot(browser, 23).await.tap().await;
            says(one).await;
            slot(browser, 4).await.tap().await;
            says(none).await;
            // A finger that moves sideways reads one hour after the other.
            slot(browser, 12).await.drag_to(&slot(browser, 23).await).await;
            says(one).await;
            // A tap beside the chart brings the hint back.
            browser.select("#usage-summary").await.tap().await;
            says(tap).await;
            browser.show(Device::Desktop, Scheme::Light).await;
            says(&with_pointer).await;
        }
    })
    .await;
}

/// Returns the bar of an hour with the space above it.
async fn slot(browser: &Browser, hour: usize) -> Element<'_> {
    browser.select(&format!("[data-slot='{hour}'] .area")).await
}

async fn label(browser: &Browser) -> String {
    browser.select(".chart-area").await.attribute("aria-label").await.unwrap()
}

/// Shows the page in a language.
async fn speak(browser: &Browser, language: &str) {
    let change = format!("document.querySelector('apikeys-settings').setAttribute('lang', '{language}')");
    browser.script(&change, Vec::new()).await;
    browser.select(&format!("#app[lang={language}]:not([hidden])")).await;
    browser.select("apikeys-settings:not([aria-busy])").await;
}
