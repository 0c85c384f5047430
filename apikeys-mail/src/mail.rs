use std::{fmt, sync::Arc};

use apikeys_core::{Timestamp, warning::ExpiryWarning};
use lettre::message::Mailbox;

use crate::{
    MailDetails, MailTexts, SettingsError, address,
    html_part::html_part,
    settings_url::SettingsUrl,
    text_part::{one_line, text_part},
    texts::Texts,
};

/// The mail that is sent before a key expires: sender, link and texts.
///
/// ```
/// use apikeys_mail::ExpiryMail;
///
/// let mail = ExpiryMail::builder()
///     .from("Acme <keys@acme.example>")
///     .service("Acme")
///     .settings_url("https://acme.example/{org}/settings/developer")
///     .build()?;
/// # Ok::<(), apikeys_mail::SettingsError>(())
/// ```
#[derive(Clone)]
pub struct ExpiryMail {
    pub(crate) from: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
    pub(crate) service: String,
    pub(crate) settings_url: SettingsUrl,
    texts: Texts,
}

impl ExpiryMail {
    /// Returns a builder. `from`, `service` and `settings_url` must be set.
    pub fn builder() -> ExpiryMailBuilder {
        ExpiryMailBuilder::default()
    }

    /// Writes the mail about a warning. `now` is the current time. The mail says how much time is left until the
    /// key expires. Use this method to show the mail or to send it in another way.
    ///
    /// # Errors
    ///
    /// Returns an error if the function passed to
    /// [`settings_url_with`](ExpiryMailBuilder::settings_url_with) does not return the address of a web page.
    pub fn compose(&self, warning: &ExpiryWarning, now: Timestamp) -> Result<ComposedMail, SettingsError> {
        let details = MailDetails::new(self, warning, now)?;
        let texts = (self.texts)(&details);
        Ok(ComposedMail {
            subject: one_line(&texts.subject),
            text: text_part(&details, &texts),
            html: html_part(&details, &texts),
            details,
        })
    }
}

impl fmt::Debug for ExpiryMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiryMail")
            .field("from", &self.from.to_string())
            .field("service", &self.service)
            .field("settings_url", &self.settings_url)
            .finish_non_exhaustive()
    }
}

/// The content of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComposedMail {
    /// The facts from which the texts were written.
    pub details: MailDetails,
    /// The subject, on one line.
    pub subject: String,
    /// The text part. Lines end with a line feed and have at most 76 columns, except for the line with the
    /// link.
    pub text: String,
    /// The HTML part. It loads nothing from the network.
    pub html: String,
}

/// Creates an [`ExpiryMail`].
#[derive(Default)]
#[must_use = "call `build`"]
pub struct ExpiryMailBuilder {
    from: Option<String>,
    reply_to: Option<String>,
    service: Option<String>,
    settings_url: Option<Result<SettingsUrl, SettingsError>>,
    texts: Option<Texts>,
}

impl ExpiryMailBuilder {
    /// Sets the sender, with or without a name: `Acme <keys@acme.example>` or `keys@acme.example`. This
    /// address also receives the reports of mail servers about mails that could not be delivered.
    pub fn from(mut self, from: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Sets the address for answers, in the format of [`from`](Self::from). Without this setting, answers go to
    /// the sender.
    pub fn reply_to(mut self, reply_to: impl Into<String>) -> Self {
        self.reply_to = Some(reply_to.into());
        self
    }

    /// Sets the name of the service, as the readers know it.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Sets the address of the page where a key is extended. `{org}` stands for the id of the organization and
    /// `{key}` for the id of the key. Both are percent-encoded.
    pub fn settings_url(mut self, template: impl AsRef<str>) -> Self {
        self.settings_url = Some(SettingsUrl::template(template.as_ref()));
        self
    }

    /// Sets a function that returns the address of the page where a key is extended. Use this method if the
    /// address has other parts than the ids, such as a short name of the organization.
    pub fn settings_url_with(
        mut self,
        address: impl Fn(&ExpiryWarning) -> String + Send + Sync + 'static,
    ) -> Self {
        self.settings_url = Some(Ok(SettingsUrl::Function(Arc::new(address))));
        self
    }

    /// Sets the function that writes the subject and the texts. The default is [`MailTexts::english`].
    pub fn texts(mut self, texts: impl Fn(&MailDetails) -> MailTexts + Send + Sync + 'static) -> Self {
        self.texts = Some(Arc::new(texts));
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is missing or invalid.
    pub fn build(self) -> Result<ExpiryMail, SettingsError> {
        let from = self.from.ok_or(SettingsError::new("from", "missing; expected Name <address@host>"))?;
        let from = address::mailbox(&from).ok_or(SettingsError::new(
            "from",
            "expected an address, such as keys@acme.example or Acme <keys@acme.example>",
        ))?;
        let reply_to = self.reply_to.map(|reply_to| {
            address::mailbox(&reply_to).ok_or(SettingsError::new(
                "reply_to",
                "expected an address, such as support@acme.example or Acme <support@acme.example>",
            ))
        });
        let service =
            self.service.map(|service| service.trim().to_owned()).filter(|service| !service.is_empty());
        let service =
            service.ok_or(SettingsError::new("service", "missing; expected the name of the service"))?;
        if service.chars().any(char::is_control) {
            return Err(SettingsError::new("service", "expected a name without control characters"));
        }
        let settings_url = self.settings_url.ok_or(SettingsError::new(
            "settings_url",
            "missing; expected the address of the page where keys are extended",
        ))??;
        let texts = self.texts.unwrap_or_else(|| Arc::new(MailTexts::english));
        Ok(ExpiryMail { from, reply_to: reply_to.transpose()?, service, settings_url, texts })
    }
}

impl fmt::Debug for ExpiryMailBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiryMailBuilder")
            .field("from", &self.from)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{mail, warning};

    #[test]
    fn missing_or_invalid_setting_is_named_by_the_error() {
        let all =
            || ExpiryMail::builder().from("keys@acme.example").service("Acme").settings_url("https://h");
        assert!(all().build().is_ok());
        for (builder, setting) in [
            (ExpiryMail::builder().service("Acme").settings_url("https://h"), "from"),
            (ExpiryMail::builder().from("keys@acme.example").settings_url("https://h"), "service"),
            (ExpiryMail::builder().from("keys@acme.example").service("Acme"), "settings_url"),
            (all().from("Acme"), "from"),
            (all().from("keys@acme.example\r\nBcc: eve@example.com"), "from"),
            (all().reply_to("support"), "reply_to"),
            (all().service(" "), "service"),
            (all().service("Acme\r\nBcc: eve@example.com"), "service"),
            (all().settings_url("acme.example/settings"), "settings_url"),
        ] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.setting(), setting, "{error}");
            assert!(error.to_string().starts_with(&format!("{setting}: ")), "{error}");
        }
    }

    #[test]
    fn function_that_returns_no_web_address_is_an_error_of_the_mail() {
        let mail =
            ExpiryMail { settings_url: SettingsUrl::Function(Arc::new(|_| "page".to_owned())), ..mail() };
        let now = Timestamp::from_micros(0);
        assert_eq!(mail.compose(&warning("CI"), now).unwrap_err().setting(), "settings_url");
    }
}
