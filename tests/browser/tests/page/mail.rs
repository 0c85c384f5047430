use std::time::Duration;

use apikeys_core::{KeyId, Timestamp, warning::ExpiryWarning};
use apikeys_mail::{ComposedMail, ExpiryMail};
use apikeys_test_browser::{Browser, Device, Scheme, run};
use apikeys_test_leftovers::Artifacts;
use axum::{Router, response::Html, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use unicode_width::UnicodeWidthStr;

use crate::layout::assert_fits;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SETTINGS: &str = "https://acme.example/org_1/settings/developer";

/// Names that are hard to lay out: a usual one, one without a place for a line break, and one that is read from the right.
const NAMES: [(&str, &str); 3] = [
    ("mail", "CI deploys"),
    (
        "mail-long",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    ("mail-right-to-left", "مفتاح الإنتاج"),
];

fn compose(name: &str) -> ComposedMail {
    let mail = ExpiryMail::builder()
        .from("Acme <keys@acme.example>")
        .service("Acme")
        .settings_url("https://acme.example/{org}/settings/developer")
        .build()
        .unwrap();
    let key: KeyId = "aiaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    let key = (key, name.parse().unwrap(), "acme_live_7KqA".to_owned());
    let expires: Timestamp = "2027-03-03T14:05:00Z".parse().unwrap();
    let to = vec!["ann@example.com".to_owned()];
    let warning = ExpiryWarning::new("org_1".parse().unwrap(), key, expires, 7 * DAY, to);
    mail.compose(&warning, expires.saturating_sub(7 * DAY)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_readable_on_a_phone_and_on_a_desktop() {
    let artifacts = Artifacts::with_log("mail", crate::scene::LOG);
    let mut app = Router::new().route("/favicon.ico", get(async || ""));
    for (path, name) in NAMES {
        app = app.route(&format!("/{path}"), get(async move || Html(compose(name).html)));
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    run(&artifacts, &origin, async |browser| {
        for (path, name) in NAMES {
            browser.open(&format!("/{path}")).await;
            browser.screenshots(path).await;
            for device in [Device::Phone, Device::Desktop] {
                for scheme in [Scheme::Light, Scheme::Dark] {
                    browser.show(device, scheme).await;
                    assert_fits(browser).await;
                    browser.assert_accessible().await;
                    assert_readable(browser).await;
                }
            }
            let shown = browser.text().await;
            for part in [name, "acme_live_7KqA", "3 March 2027 at 14:05 UTC", "in 7 days", SETTINGS] {
                assert!(shown.contains(part), "{part}: {shown}");
            }
            let link = browser.find("link", "Extend or replace the key").await;
            assert_eq!(link.attribute("href").await.as_deref(), Some(SETTINGS));
        }
    })
    .await;
    serving.abort();
}

/// Fails if a text is smaller than 14 pixels or cut off, or if it is hard to tell from the background.
///
/// axe-core does not see what opacity does to the contrast of a text.
async fn assert_readable(browser: &Browser) {
    let found = browser.script(TEXTS, Vec::new()).await;
    let texts = found.as_array().unwrap();
    assert!(texts.len() > 10, "{found}");
    for text in texts {
        assert!(text["size"].as_f64().unwrap() >= 14.0, "{text}");
        assert!(text["contrast"].as_f64().unwrap() >= 4.5, "{text}");
        assert_eq!(text["cut"], Value::Bool(false), "{text}");
    }
    assert_ne!(found, json!([]));
}

const TEXTS: &str = "
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const blend = (front, back, share) => front.slice(0, 3).map((value, index) => value * share + back[index] * (1 - share));
    // A page without a background shows the canvas of the browser.
    const canvas = document.createElement('div');
    canvas.style.color = 'canvas';
    document.body.append(canvas);
    const ground = channels(getComputedStyle(canvas).color);
    canvas.remove();
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (!walker.currentNode.data.trim()) continue;
        const element = walker.currentNode.parentElement;
        const style = getComputedStyle(element);
        let share = 1;
        let back = ground;
        for (let up = element; up; up = up.parentElement) {
            share *= Number(getComputedStyle(up).opacity);
            const color = channels(getComputedStyle(up).backgroundColor);
            if (back === ground && (color[3] ?? 1) === 1 && getComputedStyle(up).backgroundColor !== 'rgba(0, 0, 0, 0)') back = color;
        }
        const [one, other] = [luminance(blend(channels(style.color), back, share)), luminance(back)];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const cut = element.scrollWidth > element.clientWidth + 1 && style.display !== 'inline';
        found.push({ text: walker.currentNode.data, size: parseFloat(style.fontSize), contrast, cut });
    }
    return found;";

#[test]
fn text_part_of_a_mail_is_readable_in_a_text_reader() {
    for (_, name) in NAMES {
        let text = compose(name).text;
        for line in text.lines() {
            assert!(line.width() <= 78, "{line:?} has {} columns", line.width());
        }
        // A long name continues on the next line.
        let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
        for part in [name, "acme_live_7KqA", "3 March 2027 at 14:05 UTC", "in 7 days"] {
            assert!(without_spaces(&text).contains(&without_spaces(part)), "{part}: {text}");
        }
        assert!(text.contains(&format!("\n{SETTINGS}\n")), "{text}");
    }
}
