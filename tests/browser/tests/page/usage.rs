use apikeys_test_browser::{Device, Scheme};
use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::{
    audit::COUNT,
    scene::{Scene, scene},
};

on_each_framework![usage_is_drawn_and_listed_in_a_table];

/// How much larger or smaller the chart is shown than it was drawn.
const SCALE: &str = "(() => {
    const chart = document.querySelector('apikeys-settings').shadowRoot.querySelector('#chart');
    return chart.clientWidth / chart.viewBox.baseVal.width;
})()";

/// Defines the function `wrong`, which returns the texts of a chart that are cut off or touch another text.
const TEXTS: &str = "const wrong = (chart) => {
    const outer = chart.getBoundingClientRect();
    const texts = [...chart.querySelectorAll('text')].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
    const touch = (one, other) => one.left < other.right + 4 && other.left < one.right + 4 && one.top < other.bottom && other.top < one.bottom;
    const isWrong = ({ box }, index) => box.left < outer.left - 0.5 || box.right > outer.right + 0.5 ||
        texts.slice(index + 1).some((other) => touch(box, other.box));
    return texts.filter(isWrong).map(({ text }) => text);
}";

/// Lets the page believe that it is `globalThis.back` hours earlier.
const CLOCK: &str = "globalThis.back = 0;
    const Real = Date;
    globalThis.Date = class extends Real {
        constructor(...values) {
            super(...(values.length ? values : [Date.now()]));
        }
        static now() {
            return Real.now() - globalThis.back * 3600_000;
        }
    };";

/// Draws the chart at each hour of a day, and for longer ranges. Returns the number of charts, the lowest number of texts
/// below a chart, and what is wrong.
const EACH_HOUR: &str = "return (async () => {
    const root = document.querySelector('apikeys-settings').shadowRoot;
    const find = (selector) => root.querySelector(selector);
    const folder = document.querySelector('script[type=module]').src.replace(/[^/]*$/, '');
    const { largeChart, slots } = await import(`${folder}chart.js`);
    const until = async (condition) => {
        while (!condition()) await new Promise(requestAnimationFrame);
    };
    await until(() => find('#chart'));
    const found = [];
    let [charts, fewest] = [0, Infinity];
    const look = (about) => {
        const chart = find('#chart');
        charts += 1;
        fewest = Math.min(fewest, [...chart.querySelectorAll('text')].filter((text) => text.getAttribute('y') > 190).length);
        found.push(...wrong(chart).map((text) => `${about}: ${text}`));
    };
    for (const range of ['24h', '7d', '30d', '90d']) {
        for (let hour = 0; hour < 24; hour += range.endsWith('d') ? 6 : 1) {
            globalThis.back = hour;
            const before = find('#chart');
            const input = find(`[name=range][value='${range}']`);
            input.checked = true;
            input.dispatchEvent(new Event('change', { bubbles: true }));
            await until(() => find('#chart') !== before);
            look(`${range}, ${hour} hours ago`);
        }
    }
    // The numbers at the left may be long.
    const many = slots([{ at: new Date(), requests: 123_456_789, denied: 0 }], 'hour', 24);
    largeChart(find('.chart-area'), many, { label: 'x', number: (value) => value.toLocaleString(), tick: () => '12:00' });
    look('long numbers');
    return [charts, fewest, found];
})()";

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_the_chart_never_touch_at_any_time_of_day_in_any_language_and_width() {
    scene("axum", "page-usage-texts", "org_starter", async |page| {
        let key = page.service.org("org_starter").create(json!({ "name": "Watched" })).await;
        page.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": CLOCK })).await;
        page.browser.open_elsewhere("about:blank").await;
        page.open(&format!("key/{}", key.id)).await;
        for language in ["en", "de"] {
            let change =
                format!("document.querySelector('apikeys-settings').setAttribute('lang', '{language}')");
            page.browser.script(&change, Vec::new()).await;
            for width in [300, 360, 480, 700, 1280] {
                let metrics =
                    json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
                page.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
                let result = page.browser.script(&format!("{TEXTS}; {EACH_HOUR}"), Vec::new()).await;
                assert_eq!((&result[0], &result[2]), (&json!(37), &json!([])), "{language} {width}");
                assert!(result[1].as_u64().unwrap() >= 2, "{language} {width}: {result}");
            }
        }
    })
    .await;
}

async fn usage_is_drawn_and_listed_in_a_table(framework: &'static str) {
    scene(framework, "page-usage", "org_starter", async |page| {
        let org = page.service.org("org_starter");
        let key = org.create(json!({ "name": "Counted", "rate_limit": 3 })).await;
        for _ in 0..5 {
            page.service.whoami(&key.secret).await;
        }
        org.key_once(&key.id, |key| key["request_count"] == 3).await;
        page.open(&format!("key/{}", key.id)).await;
        page.browser.find("heading", "Counted").await;
        page.browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelector('#usage-summary')?.textContent.includes('3 requests admitted, 2 denied')").await;
        let chart = page.browser.select("#chart").await;
        assert_eq!(chart.attribute("aria-label").await.unwrap(), "Last 24 hours: 3 requests admitted, 2 denied");
        numbers_follow_the_pointer_and_the_keyboard(&page).await;
        page.browser.select("#usage-table summary").await.click().await;
        let cells = page.browser.select("#usage-table tbody").await;
        let sums = "const sum = (n) => [...this.rows].reduce((all, row) => all + Number(row.cells[n].textContent), 0);
            return [sum(1), sum(2)]";
        assert_eq!(cells.script(sums).await, json!([3, 2]));
        page.inspect("usage").await;
        // The chart is drawn for the width of the window, so that its texts keep their size.
        page.browser.show(Device::Phone, Scheme::Light).await;
        page.browser.until(&format!("{SCALE} === 1")).await;
        let wrong = format!("{TEXTS}; return wrong(this)");
        assert_eq!(page.browser.select("#chart").await.script(&wrong).await, json!([]));
        page.browser.show(Device::Desktop, Scheme::Light).await;
        page.browser.until(&format!("{SCALE} === 1")).await;
        page.browser.select("[name=range][value='30d']").await.script("this.click()").await;
        page.browser.until("document.querySelector('apikeys-settings').shadowRoot.querySelector('#usage-summary').textContent.includes('Days are in UTC')").await;
        page.browser.select("#back").await.click().await;
        page.browser.select("#keys-view").await;
    })
    .await;
}

/// Checks the line below the chart, whose last slot has all requests.
async fn numbers_follow_the_pointer_and_the_keyboard(page: &Scene<'_>) {
    let browser = page.browser;
    let hint = "Point at the chart, or move in it with the arrow keys, to read its numbers.";
    let point = browser.select("#usage-point").await;
    assert_eq!(point.text().await, hint);
    let slots = "const slots = this.querySelectorAll('[data-slot]'); const at = (slot, type) =>
        slot.firstChild.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerType: 'mouse' }));";
    let chart = browser.select(".chart-area").await;
    chart.script(&format!("{slots} at(slots[23], 'pointermove')")).await;
    assert!(point.text().await.ends_with(": 3 requests admitted, 2 denied"), "{}", point.text().await);
    chart.script(&format!("{slots} at(slots[0], 'pointermove')")).await;
    assert!(point.text().await.ends_with(": 0 requests admitted, 0 denied"), "{}", point.text().await);
    chart.script("this.dispatchEvent(new PointerEvent('pointerleave', { pointerType: 'mouse' }))").await;
    assert_eq!(point.text().await, hint);

    // The keyboard begins at the last slot. A screen reader reads the same text as the value.
    let spoken = async || browser.select(".chart-area").await.attribute("aria-valuetext").await.unwrap();
    browser.select(".chart-area").await.script("this.focus()").await;
    for (key, shown) in [
        ("", "3 requests admitted, 2 denied"),
        ("ArrowLeft", "0 requests admitted, 0 denied"),
        ("Home", "0 requests admitted, 0 denied"),
        ("End", "3 requests admitted, 2 denied"),
    ] {
        let press =
            format!("this.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))");
        chart.script(&press).await;
        assert!(point.text().await.ends_with(&format!(": {shown}")), "{key}: {}", point.text().await);
        assert_eq!(spoken().await, point.text().await);
    }
    chart.script("this.blur()").await;
    assert_eq!(point.text().await, hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_key_are_new_as_soon_as_its_log_is() {
    scene("axum", "page-usage-news", "org_starter", async |page| {
        let org = page.service.org("org_starter");
        let key = org.create(json!({ "name": "Watched", "rate_limit": 1 })).await;
        // The page still asks for events.
        page.ask_for_keys_after(600_000).await;
        page.open(&format!("key/{}", key.id)).await;
        page.browser.until(&format!("{COUNT} === 1")).await;
        for (status, requests) in [(200, "1 request admitted, 0 denied"), (429, "1 request admitted, 1 denied")] {
            let before = page.browser.script(&format!("return {COUNT}"), Vec::new()).await;
            assert_eq!(page.service.whoami(&key.secret).await.status, status);
            page.browser.until(&format!("{COUNT} > {before}")).await;
            let summary = format!("document.querySelector('apikeys-settings').shadowRoot.querySelector('#usage-summary').textContent.endsWith('{requests}')");
            page.browser.until(&summary).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_counts_are_in_the_right_form() {
    scene("axum", "page-forms", "org_starter", async |page| {
        let forms = "return (async () => {
            const folder = document.querySelector('script[type=module]').src.replace(/[^/]*$/, '');
            const { Format, Texts } = await import(`${folder}format.js`);
            const { sentence } = await import(`${folder}event-text.js`);
            const result = [];
            for (const language of ['en', 'de']) {
                const { texts } = await import(`${folder}texts-${language}.js`);
                const format = new Format(language, texts['time.now']);
                const now = Date.now();
                for (const seconds of [59, 59.9, 60, 119.9]) result.push(format.relative(now - seconds * 1000, now));
                const all = new Texts(texts, format);
                for (const count of [1, 2]) {
                    result.push(all.count('usage.point', count, { time: '9', denied: 0 }));
                    result.push(all.countNodes('request.refused-count', count, { key: 'K', reason: 'R' }).join(''));
                }
                const app = { texts: all, format, t: (key, values) => all.t(key, values) };
                for (const latency_ms of [0.04, 0.06, 1234.56]) {
                    const request = { method: 'GET', path: '/a', outcome: 'answered', status: 200, latency_ms };
                    const nodes = sentence(app, { action: 'request', key: { name: 'K' }, request });
                    result.push(nodes.map((node) => node.textContent ?? node).join(''));
                }
            }
            return result;
        })()";
        let english = [
            "59 seconds ago",
            "59 seconds ago",
            "1 minute ago",
            "1 minute ago",
            "9: 1 request admitted, 0 denied",
            "1 more request with the key K was refused: R.",
            "9: 2 requests admitted, 0 denied",
            "2 more requests with the key K were refused: R.",
            "GET /a with the key K got status 200 in <0.1 ms.",
            "GET /a with the key K got status 200 in 0.1 ms.",
            "GET /a with the key K got status 200 in 1,234.6 ms.",
        ];
        let german = [
            "vor 59 Sekunden",
            "vor 59 Sekunden",
            "vor 1 Minute",
            "vor 1 Minute",
            "9: 1 Anfrage zugelassen, 0 abgelehnt",
            "1 weitere Anfrage mit dem Schlüssel K wurde abgelehnt: R.",
            "9: 2 Anfragen zugelassen, 0 abgelehnt",
            "2 weitere Anfragen mit dem Schlüssel K wurden abgelehnt: R.",
            "GET /a mit dem Schlüssel K: Status 200 nach <0,1 ms.",
            "GET /a mit dem Schlüssel K: Status 200 nach 0,1 ms.",
            "GET /a mit dem Schlüssel K: Status 200 nach 1.234,6 ms.",
        ];
        assert_eq!(page.browser.script(forms, Vec::new()).await, json!([english, german].concat()));
    })
    .await;
}
