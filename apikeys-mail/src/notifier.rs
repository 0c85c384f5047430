use std::{fmt, time::SystemTime};

use apikeys_core::warning::{ExpiryWarning, Notifier, NotifyError};
use async_trait::async_trait;
use lettre::Address;

use crate::{
    ExpiryMail, SettingsError, SmtpError, SmtpServer, address::address, dialogue::Dialogue, message::message,
};

/// Sends warnings as e-mails over SMTP.
///
/// ```no_run
/// use apikeys_mail::{ExpiryMail, SmtpNotifier, SmtpServer};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = SmtpServer::from_url(&std::env::var("SMTP_URL")?)?; // smtps://user:password@mail.example.com
/// let mail = ExpiryMail::builder()
///     .from("Acme <keys@acme.example>")
///     .service("Acme")
///     .settings_url("https://acme.example/{org}/settings/developer")
///     .build()?;
/// let notifier = SmtpNotifier::new(server, mail)?;
/// # Ok(())
/// # }
/// ```
///
/// # Recipients
///
/// One mail is sent to all administrators of an organization, in one SMTP transaction.
///
/// * If the server refuses some of the recipients, the others receive the mail, and the warning counts as sent.
///   The notifier logs each refused recipient and does not try again, because the others would receive the mail
///   again.
/// * If the server refuses all recipients, none has received the mail. If at least one of the refusals is
///   temporary, the error is temporary. Otherwise, the error is permanent.
/// * Invalid addresses count as permanently refused. An address whose part before the `@` is not ASCII is
///   invalid.
/// * A mail has at most [`MAX_RECIPIENTS`](Self::MAX_RECIPIENTS) recipients. Further recipients do not receive
///   the warning, and the notifier logs their number.
///
/// # Errors
///
/// The source of a [`NotifyError`] is an [`SmtpError`]. These errors are permanent:
///
/// * No recipient has a valid address.
/// * The server refuses all recipients permanently, or refuses the mail itself permanently. A refusal is permanent
///   if its code is from 500 to 599, except for 530, 534, 535 and 538. These four codes are about the login.
/// * The texts cannot be encoded as an e-mail.
///
/// All other errors are temporary, because their cause can be removed before the next attempt. A refused login or
/// sender is therefore a temporary error. After a temporary error, [`apikeys_core`](apikeys_core::warning) sends the
/// warning again later.
///
/// If the connection ends after the mail was sent and before the server has responded, the server may have
/// accepted the mail. The next attempt then sends the mail again, with the same Message-ID.
///
/// # Runtime
///
/// A notifier needs tokio with its timer and its I/O driver, which both `tokio::main` and `actix_web::main`
/// enable. On another runtime, each attempt fails with a temporary error.
pub struct SmtpNotifier {
    mail: ExpiryMail,
    dialogue: Dialogue,
}

impl SmtpNotifier {
    /// The maximum number of recipients of a mail. Every mail server must accept this number (RFC 5321, section
    /// 4.5.3.1.8).
    pub const MAX_RECIPIENTS: usize = 100;

    /// Creates a notifier. The notifier does not connect to the mail server before the first warning.
    /// [`check_connection`](Self::check_connection) finds errors in the settings earlier.
    ///
    /// # Errors
    ///
    /// Returns an error if the server requires TLS and the certificate roots cannot be loaded.
    pub fn new(server: SmtpServer, mail: ExpiryMail) -> Result<Self, SettingsError> {
        let dialogue = Dialogue::new(server, mail.from.email.domain())?;
        Ok(Self { mail, dialogue })
    }

    /// Connects to the mail server, logs in if the [`SmtpServer`] contains a user name and a password, and
    /// disconnects. No mail is sent.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is wrong with the connection or the login.
    pub async fn check_connection(&self) -> Result<(), SmtpError> {
        self.dialogue.check().await
    }

    async fn send(&self, warning: &ExpiryWarning) -> Result<(), SmtpError> {
        let recipients = recipients(warning);
        if recipients.is_empty() {
            return Err(SmtpError::InvalidRecipients);
        }
        let now = SystemTime::now().into();
        let composed = self.mail.compose(warning, now).map_err(|source| SmtpError::Compose { source })?;
        let bytes = message(&self.mail, warning, &composed, &recipients)
            .map_err(|source| SmtpError::Message { source })?;
        let refusals = self.dialogue.send(&self.mail.from.email, &recipients, &bytes).await?;
        for refusal in refusals {
            tracing::warn!(
                key = %warning.key,
                recipient = refusal.recipient.as_ref() as &str,
                reply = %refusal.reply,
                "an administrator does not receive a warning before a key expires"
            );
        }
        Ok(())
    }
}

/// Returns the valid recipients of a warning, each once.
fn recipients(warning: &ExpiryWarning) -> Vec<Address> {
    let mut valid = Vec::new();
    let mut too_many = 0_usize;
    for text in &warning.recipients {
        match address(text) {
            None => tracing::warn!(
                key = %warning.key,
                recipient = ?text,
                "an administrator does not receive a warning before a key expires: the address is invalid"
            ),
            Some(address) if valid.contains(&address) => {}
            Some(_) if valid.len() == SmtpNotifier::MAX_RECIPIENTS => too_many += 1,
            Some(address) => valid.push(address),
        }
    }
    if too_many > 0 {
        tracing::warn!(
            key = %warning.key,
            org = %warning.org,
            too_many,
            "administrators beyond the first {} do not receive a warning before a key expires",
            SmtpNotifier::MAX_RECIPIENTS
        );
    }
    valid
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn notify(&self, warning: &ExpiryWarning) -> Result<(), NotifyError> {
        self.send(warning).await.map_err(NotifyError::from)
    }
}

impl fmt::Debug for SmtpNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpNotifier")
            .field("server", self.dialogue.server())
            .field("mail", &self.mail)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::warning;

    #[test]
    fn recipients_are_valid_distinct_and_at_most_a_hundred() {
        let mut warning = warning("CI");
        warning.recipients = ["ann@example.com", "not an address", " ann@example.com", "bob@example.com"]
            .map(str::to_owned)
            .into();
        let texts = |warning: &ExpiryWarning| -> Vec<String> {
            recipients(warning).iter().map(ToString::to_string).collect()
        };
        assert_eq!(texts(&warning), ["ann@example.com", "bob@example.com"]);
        warning.recipients = (0..250).map(|number| format!("admin{number}@example.com")).collect();
        let texts = texts(&warning);
        assert_eq!(texts.len(), 100);
        assert_eq!(texts[99], "admin99@example.com");
    }
}
