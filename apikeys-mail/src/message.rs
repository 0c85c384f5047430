//! The message that is sent: headers and both parts.

use std::error::Error;

use apikeys_core::warning::ExpiryWarning;
use email_encoding::headers::{rfc2047, writer::EmailWriter};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use crate::{ComposedMail, ExpiryMail};

/// The error of a header or a part, which lettre reports as any error.
type BoxError = Box<dyn Error + Send + Sync>;

/// Returns the bytes of a message to `recipients`, which are all in ASCII. The same warning always has the same
/// Message-ID, so that mail programs recognize a mail that was sent twice.
pub(crate) fn message(
    mail: &ExpiryMail,
    warning: &ExpiryWarning,
    composed: &ComposedMail,
    recipients: &[Address],
) -> Result<Vec<u8>, lettre::error::Error> {
    let mut message = Message::builder()
        .from(mail.from.clone())
        .date_now()
        .message_id(Some(message_id(mail, warning)))
        .header(Subject(composed.subject.clone()))
        .header(AutoSubmitted);
    if let Some(reply_to) = &mail.reply_to {
        message = message.reply_to(reply_to.clone());
    }
    for recipient in recipients {
        message = message.to(Mailbox::new(None, recipient.clone()));
    }
    let parts = MultiPart::alternative_plain_html(composed.text.clone(), composed.html.clone());
    Ok(message.multipart(parts)?.formatted())
}

/// Returns the Message-ID of a warning, with angle brackets.
pub(crate) fn message_id(mail: &ExpiryMail, warning: &ExpiryWarning) -> String {
    format!("<{}@{}>", warning.id(), mail.from.email.domain().trim_matches(['[', ']']))
}

/// The subject. In contrast to lettre's header, a text that looks like an encoded word of RFC 2047 is encoded, so that
/// the name of a key appears as it is.
#[derive(Debug, Clone)]
struct Subject(String);

impl Header for Subject {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Subject")
    }

    fn parse(text: &str) -> Result<Self, BoxError> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        let text = &self.0;
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("=?");
        let name = Self::name();
        if is_plain {
            return HeaderValue::new(name, text.clone());
        }
        let mut encoded = String::new();
        let mut writer = EmailWriter::new(&mut encoded, "Subject: ".len(), 0, false);
        // Writing to a string does not fail.
        let _ = rfc2047::encode(text, &mut writer);
        drop(writer);
        HeaderValue::dangerous_new_pre_encoded(name, text.clone(), encoded)
    }
}

/// Tells programs that answer mails, such as absence notes, that a program has written this mail (RFC 3834).
#[derive(Debug, Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, BoxError> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{composed, hostile_names, mail, warning};

    fn formatted(name: &str) -> String {
        let warning = warning(name);
        let recipients = ["ann@example.com".parse().unwrap(), "bob@example.com".parse().unwrap()];
        let bytes = message(&mail(), &warning, &composed(&warning), &recipients).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn message_is_ascii_with_short_lines_and_the_same_headers_for_every_name() {
        let names = |text: &str| {
            let head = text.split_once("\r\n\r\n").unwrap().0.to_owned();
            let lines = head.lines().filter(|line| !line.starts_with(' '));
            lines.map(|line| line.split_once(':').unwrap().0.to_owned()).collect::<Vec<_>>()
        };
        let expected = names(&formatted("CI"));
        for name in hostile_names() {
            let text = formatted(&name);
            assert!(text.is_ascii(), "{name:?}");
            // A Message-ID cannot be folded.
            let mut lines = text.split("\r\n").filter(|line| !line.starts_with("Message-ID: "));
            let long = lines.find(|line| line.len() > 78 || line.contains(['\r', '\n']));
            assert_eq!(long, None, "{text}");
            assert_eq!(names(&text), expected, "{text}");
        }
    }

    #[test]
    fn message_id_is_made_of_the_id_of_the_warning_and_the_domain_of_the_sender() {
        let warning = warning("CI");
        assert_eq!(message_id(&mail(), &warning), format!("<{}@acme.example>", warning.id()));
        assert!(formatted("CI").contains(&format!("Message-ID: <{}@acme.example>\r\n", warning.id())));
    }

    #[test]
    fn subject_that_looks_like_an_encoded_word_is_encoded() {
        let text = formatted("a =?utf-8?q?b?= c");
        assert!(!text.contains("=?utf-8?q?b?="), "{text}");
        assert!(formatted("CI").contains("Subject: API key \"CI\" expires in 7 days\r\n"));
    }
}
