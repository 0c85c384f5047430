//! A warning and a mail for unit tests.

use std::time::Duration;

use apikeys_core::{KeyId, Timestamp, warning::ExpiryWarning};

use crate::{ComposedMail, ExpiryMail};

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn expires_at() -> Timestamp {
    "2027-03-03T14:05:00Z".parse().unwrap()
}

pub(crate) fn warning(name: &str) -> ExpiryWarning {
    let key: KeyId = "aiaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    let key = (key, name.parse().unwrap(), "acme_live_7KqA".to_owned());
    ExpiryWarning::new(
        "org_1".parse().unwrap(),
        key,
        expires_at(),
        7 * DAY,
        vec!["ann@example.com".to_owned()],
    )
}

pub(crate) fn mail() -> ExpiryMail {
    ExpiryMail::builder()
        .from("Acme <keys@acme.example>")
        .service("Acme")
        .settings_url("https://acme.example/{org}/settings/developer")
        .build()
        .unwrap()
}

pub(crate) fn composed(warning: &ExpiryWarning) -> ComposedMail {
    mail().compose(warning, expires_at().saturating_sub(7 * DAY)).unwrap()
}

/// Names that could disturb a header, a sentence or a page.
pub(crate) fn hostile_names() -> Vec<String> {
    [
        "\"><script>alert(1)</script>",
        "=?utf-8?q?Subject=3A_evil?=",
        "a =?utf-8?b?ZXZpbA==?= b",
        "\\r\\nBcc: eve@example.com",
        "مفتاح الإنتاج",
        "production مفتاح key",
        "<b>&amp;' OR 1=1 --",
        "{org} {key} %s %0d%0aBcc:",
        ".",
        "x\u{301}\u{302}\u{303}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["🦀".repeat(100), "x".repeat(100), "é".repeat(100), "wide 漢字 ".repeat(10), "👩‍👩‍👧‍👦".repeat(14)])
    .collect()
}
