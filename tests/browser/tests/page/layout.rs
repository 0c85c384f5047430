use apikeys_test_browser::Browser;
use serde_json::json;

/// Finds what is wider than the window or than its dialog, except for what the reader can scroll and for hidden texts.
const WIDE: &str = "
    const width = document.documentElement.clientWidth;
    const describe = (element) => element.outerHTML.slice(0, 200);
    const found = document.documentElement.scrollWidth > width ? ['the page'] : [];
    const inside = (root) => [...root.querySelectorAll('*')].flatMap((e) => [e, ...(e.shadowRoot ? inside(e.shadowRoot) : [])]);
    for (const element of inside(document.body)) {
        if (!element.checkVisibility({ opacityProperty: true }) || element.closest('.visually-hidden, .tip, pre, svg, thead')) continue;
        const { left, right } = element.getBoundingClientRect();
        if (right > left && (right > width + 1 || left < -1)) found.push(describe(element));
        if (element.matches('dialog, button, label, td') && element.scrollWidth > element.clientWidth + 1) found.push('inside ' + describe(element));
    }
    return found;";

/// Fails if the window does not show the whole width of the page.
pub(crate) async fn assert_fits(browser: &Browser) {
    assert_eq!(browser.script(WIDE, Vec::new()).await, json!([]), "parts of the page are too wide");
}
