//! The text part of a mail.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{MailDetails, MailTexts};

/// The maximum number of columns of a line, except for lines that are an address.
pub(crate) const COLUMNS: usize = 76;

/// Writes the text part. Lines end with a line feed.
pub(crate) fn text_part(details: &MailDetails, texts: &MailTexts) -> String {
    let mut out = String::new();
    paragraph(&mut out, &texts.summary);
    facts(&mut out, &texts.facts(details));
    out.push('\n');
    paragraph(&mut out, &texts.effect);
    paragraph(&mut out, &texts.advice);
    wrap(&mut out, &format!("{}:", one_line(&texts.link)), "", "");
    // An address on a line of its own is a link in most programs. A break would disable it.
    out.push_str(&details.settings_url);
    out.push_str("\n\n");
    wrap(&mut out, &texts.reason, "", "");
    out
}

fn paragraph(out: &mut String, text: &str) {
    wrap(out, text, "", "");
    out.push('\n');
}

/// Writes labels and values in two columns.
fn facts(out: &mut String, facts: &[(&str, &str)]) {
    let widest = facts.iter().map(|(label, _)| one_line(label).width()).max().unwrap_or(0).min(COLUMNS / 3);
    for (label, value) in facts {
        let label = one_line(label);
        let gap = " ".repeat(widest.saturating_sub(label.width()) + 2);
        wrap(out, value, &format!("  {label}:{gap}"), &" ".repeat(widest + 5));
    }
}

/// Writes words in lines of at most [`COLUMNS`] columns. `first` precedes the first line and `rest` the others. A
/// word that does not fit in a line is broken.
fn wrap(out: &mut String, text: &str, first: &str, rest: &str) {
    let text = one_line(text);
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !empty && line.width() + 1 + word.width() <= COLUMNS {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !empty {
            end(out, &mut line, rest);
        }
        for grapheme in word.graphemes(true) {
            if line.width() + grapheme.width() > COLUMNS {
                end(out, &mut line, rest);
            }
            line.push_str(grapheme);
        }
        empty = false;
    }
    end(out, &mut line, "");
}

fn end(out: &mut String, line: &mut String, next: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
    next.clone_into(line);
}

/// Replaces line breaks and other control characters with spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{composed, hostile_names, warning};

    #[test]
    fn text_part_reads_like_a_letter() {
        let mail = composed(&warning("CI deploys"));
        assert_eq!(
            mail.text,
            "\
The API key \"CI deploys\" for Acme expires on 3 March 2027 at 14:05 UTC, in 7
days.

  API key:       CI deploys
  Begins with:   acme_live_7KqA
  Organization:  org_1
  Expires:       3 March 2027 at 14:05 UTC

After that time, Acme refuses every request with this key. Programs that use
the key stop working.

To keep the key, extend its expiration in the settings. To replace the key,
create a new one there, and let your programs use it before this key
expires.

Extend or replace the key:
https://acme.example/org_1/settings/developer

You receive this mail because you are an administrator of the organization
org_1 at Acme.
"
        );
    }

    #[test]
    fn lines_have_at_most_76_columns_and_keep_the_name() {
        for name in hostile_names() {
            let mail = composed(&warning(&name));
            for line in mail.text.lines().filter(|line| !line.starts_with("https://")) {
                assert!(line.width() <= COLUMNS, "{line:?}");
            }
            let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
            assert!(without_spaces(&mail.text).contains(&without_spaces(&name)), "{name:?}: {}", mail.text);
        }
    }

    #[test]
    fn text_with_line_breaks_stays_one_paragraph() {
        let mut out = String::new();
        paragraph(&mut out, "one\r\n.\r\n\r\ntwo\u{2028}three");
        assert_eq!(out, "one . two three\n\n");
    }
}
