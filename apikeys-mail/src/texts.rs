use std::sync::Arc;

use time::OffsetDateTime;

use crate::{MailDetails, TimeLeft};

/// The texts of a mail, as plain text.
///
/// The mail's HTML is made from the same texts, and special characters are escaped.
/// [`english`](Self::english) returns the default texts. To change only some of the texts, begin with the
/// English ones:
///
/// ```
/// use apikeys_mail::{ExpiryMail, MailTexts};
///
/// let mail = ExpiryMail::builder()
///     .from("Acme <keys@acme.example>")
///     .service("Acme")
///     .settings_url("https://acme.example/{org}/settings/developer")
///     .texts(|details| {
///         let mut texts = MailTexts::english(details);
///         texts.subject = format!("Action required: {}", texts.subject);
///         texts
///     })
///     .build()?;
/// # Ok::<(), apikeys_mail::SettingsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailTexts {
    /// The language of the texts as a BCP 47 tag, such as `en` or `pt-BR`.
    pub language: String,
    /// Whether the language is written from right to left.
    pub right_to_left: bool,
    /// The subject. Line breaks and other control characters become spaces.
    pub subject: String,
    /// The heading of the HTML part.
    pub heading: String,
    /// The first paragraph, which says which key expires when.
    pub summary: String,
    /// The label of the key's name.
    pub key_label: String,
    /// The label of the display prefix.
    pub prefix_label: String,
    /// The label of the organization.
    pub org_label: String,
    /// The label of the time at which the key expires.
    pub expires_label: String,
    /// The time at which the key expires.
    pub expires: String,
    /// The paragraph that says what will stop working.
    pub effect: String,
    /// The paragraph before the link.
    pub advice: String,
    /// The text of the link. In the text part, it precedes the address.
    pub link: String,
    /// The last paragraph, which says why the reader receives the mail.
    pub reason: String,
}

impl MailTexts {
    /// Returns the default texts, in English.
    #[must_use]
    pub fn english(details: &MailDetails) -> Self {
        let MailDetails { service, org, key_name, short_key_name, .. } = details;
        let date = english_date(details.expires_at.into());
        let (soon, date_and_time_left) = match details.time_left.map(english_time) {
            Some(left) => (format!("expires in {left}"), format!("expires on {date}, in {left}")),
            None => ("has expired".to_owned(), format!("expired on {date}")),
        };
        Self {
            language: "en".to_owned(),
            right_to_left: false,
            subject: format!("API key \"{short_key_name}\" {soon}"),
            heading: format!("An API key {soon}"),
            summary: format!("The API key \"{key_name}\" for {service} {date_and_time_left}."),
            key_label: "API key".to_owned(),
            prefix_label: "Begins with".to_owned(),
            org_label: "Organization".to_owned(),
            expires_label: "Expires".to_owned(),
            expires: date,
            effect: format!(
                "After that time, {service} refuses every request with this key. Programs that use the key stop \
                 working."
            ),
            advice:
                "To keep the key, extend its expiration in the settings. To replace the key, create a new \
                     one there, and let your programs use it before this key expires."
                    .to_owned(),
            link: "Extend or replace the key".to_owned(),
            reason: format!(
                "You receive this mail because you are an administrator of the organization {org} at {service}."
            ),
        }
    }
}

/// Writes the texts of a mail.
pub(crate) type Texts = Arc<dyn Fn(&MailDetails) -> MailTexts + Send + Sync>;

/// Returns a time such as `3 March 2027 at 14:05 UTC`.
fn english_date(at: OffsetDateTime) -> String {
    format!("{} {} {} at {:02}:{:02} UTC", at.day(), at.month(), at.year(), at.hour(), at.minute())
}

fn english_time(left: TimeLeft) -> String {
    let (number, unit) = match left {
        TimeLeft::Seconds(number) => (number, "second"),
        TimeLeft::Minutes(number) => (number, "minute"),
        TimeLeft::Hours(number) => (number, "hour"),
        TimeLeft::Days(number) => (number, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{composed, warning};

    #[test]
    fn english_texts_name_the_key_the_date_and_the_time_left() {
        let texts = MailTexts::english(&composed(&warning("CI deploys")).details);
        assert_eq!(texts.subject, "API key \"CI deploys\" expires in 7 days");
        assert_eq!(
            texts.summary,
            "The API key \"CI deploys\" for Acme expires on 3 March 2027 at 14:05 UTC, in 7 days."
        );
    }

    #[test]
    fn one_second_and_several_seconds_have_different_words() {
        assert_eq!(english_time(TimeLeft::Seconds(1)), "1 second");
        assert_eq!(english_time(TimeLeft::Seconds(5)), "5 seconds");
        assert_eq!(english_time(TimeLeft::Hours(24)), "24 hours");
    }

    #[test]
    fn texts_about_an_expired_key_say_that_it_has_expired() {
        let mut details = composed(&warning("CI")).details;
        details.time_left = None;
        let texts = MailTexts::english(&details);
        assert_eq!(texts.subject, "API key \"CI\" has expired");
        assert_eq!(texts.summary, "The API key \"CI\" for Acme expired on 3 March 2027 at 14:05 UTC.");
    }
}
