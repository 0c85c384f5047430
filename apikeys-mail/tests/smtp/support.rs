use std::{error::Error, time::Duration};

use apikeys_core::{
    KeyId, Timestamp,
    warning::{ExpiryWarning, Notifier, NotifyError},
};
use apikeys_mail::{ExpiryMail, SmtpNotifier, SmtpServer, apikeys_core};
use apikeys_test_leftovers::Artifacts;
use apikeys_test_smtp::MailServer;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A warning about a key with this name that expires in 7 days.
pub(crate) fn warning_about(name: &str, recipients: &[&str]) -> ExpiryWarning {
    let key: KeyId = "aiaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    let key = (key, name.parse().unwrap(), "acme_live_7KqA".to_owned());
    let now = Timestamp::from(std::time::SystemTime::now());
    let recipients = recipients.iter().map(|&recipient| recipient.to_owned()).collect();
    ExpiryWarning::new("org_1".parse().unwrap(), key, now.saturating_add(7 * DAY), 7 * DAY, recipients)
}

pub(crate) fn warning(recipients: &[&str]) -> ExpiryWarning {
    warning_about("CI deploys", recipients)
}

pub(crate) fn mail() -> ExpiryMail {
    ExpiryMail::builder()
        .from("Acme <keys@acme.example>")
        .service("Acme")
        .settings_url("https://acme.example/{org}/settings/developer")
        .build()
        .unwrap()
}

pub(crate) fn notifier(server: &MailServer) -> SmtpNotifier {
    notifier_with(&server.url(), |server| server)
}

pub(crate) fn notifier_with(url: &str, settings: impl FnOnce(SmtpServer) -> SmtpServer) -> SmtpNotifier {
    SmtpNotifier::new(settings(SmtpServer::from_url(url).unwrap()), mail()).unwrap()
}

/// Sends a warning, which must fail. Returns whether the error is temporary, and its text with those of its sources.
/// The text is kept for the search for passwords.
pub(crate) async fn failure(
    artifacts: &Artifacts,
    notifier: &SmtpNotifier,
    warning: &ExpiryWarning,
) -> (bool, String) {
    let error = notifier.notify(warning).await.expect_err("the warning cannot be sent");
    (error.is_temporary(), chain(artifacts, &error))
}

pub(crate) fn chain(artifacts: &Artifacts, error: &NotifyError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    artifacts.leave("errors.txt", &format!("{text}\n{error:?}"));
    // The causes do not repeat each other.
    let mut parts: Vec<_> = text.split(": ").collect();
    let all = parts.len();
    parts.sort_unstable();
    parts.dedup();
    assert_eq!(parts.len(), all, "{text}");
    text
}
