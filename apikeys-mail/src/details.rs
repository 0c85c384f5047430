use apikeys_core::{Timestamp, warning::ExpiryWarning};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{ExpiryMail, SettingsError, TimeLeft};

/// The facts that the texts of a mail are written from.
///
/// Names with characters other than ASCII are enclosed in the characters U+2068 and U+2069. A name that is written
/// from right to left then does not disturb the sentence around it. Names contain no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailDetails {
    /// The name of the service.
    pub service: String,
    /// The organization that owns the key.
    pub org: String,
    /// The key's name.
    pub key_name: String,
    /// The key's name, shortened for a subject if it is wider than 40 columns.
    pub short_key_name: String,
    /// The beginning of the key's secret: its prefix, `_` and the next four characters, such as
    /// `acme_live_7Hc3`.
    pub display_prefix: String,
    /// The time from which the key is refused. Convert it into `time::OffsetDateTime` to get the day and the
    /// month.
    pub expires_at: Timestamp,
    /// The time from now until the key expires, or `None` if the key has expired.
    pub time_left: Option<TimeLeft>,
    /// The address of the page where the key is extended.
    pub settings_url: String,
}

impl MailDetails {
    pub(crate) fn new(
        mail: &ExpiryMail,
        warning: &ExpiryWarning,
        now: Timestamp,
    ) -> Result<Self, SettingsError> {
        let name = warning.name.as_str();
        Ok(Self {
            service: mail.service.clone(),
            org: isolated(warning.org.as_str()),
            key_name: isolated(name),
            short_key_name: shortened(name, 40),
            display_prefix: warning.display_prefix.chars().filter(|c| !c.is_control()).collect(),
            expires_at: warning.expires_at,
            time_left: TimeLeft::between(now, warning.expires_at),
            settings_url: mail.settings_url.of(warning)?,
        })
    }
}

const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const POP_DIRECTIONAL_ISOLATE: char = '\u{2069}';

/// Encloses a text whose direction of writing may differ from that of the sentence.
fn isolated(text: &str) -> String {
    if text.is_ascii() {
        text.to_owned()
    } else {
        format!("{FIRST_STRONG_ISOLATE}{text}{POP_DIRECTIONAL_ISOLATE}")
    }
}

/// Cuts a text that is wider than `columns` on a terminal, without splitting a character that the reader sees.
/// The result is isolated if the whole text would be.
fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return isolated(text);
    }
    let mut short = String::new();
    for grapheme in text.graphemes(true) {
        if short.width() + grapheme.width() >= columns {
            break;
        }
        short.push_str(grapheme);
    }
    let short = format!("{}…", short.trim_end());
    if text.is_ascii() { short } else { isolated(&short) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_name_is_cut_between_characters_that_the_reader_sees() {
        assert_eq!(shortened("CI deploys", 40), "CI deploys");
        assert_eq!(shortened(&"x".repeat(41), 40), format!("{}…", "x".repeat(39)));
        let family = "👩‍👩‍👧‍👦";
        let short = shortened(&family.repeat(14), 20);
        assert_eq!(short, format!("\u{2068}{}…\u{2069}", family.repeat(9)));
        assert_eq!(shortened("a b c", 3), "a…");
    }

    #[test]
    fn only_names_with_other_characters_than_ascii_are_isolated() {
        assert_eq!(isolated("CI"), "CI");
        assert_eq!(isolated("مفتاح"), "\u{2068}مفتاح\u{2069}");
    }
}
