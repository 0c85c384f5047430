//! The HTML part of a mail. It contains no pictures or styles from the network. Mail programs can therefore show it
//! without a connection, and no server learns that the mail was opened.

use std::fmt::Write;

use crate::{MailDetails, MailTexts, text_part::one_line};

/// Writes the HTML part.
pub(crate) fn html_part(details: &MailDetails, texts: &MailTexts) -> String {
    let direction = if texts.right_to_left { "rtl" } else { "ltr" };
    let [language, heading, summary, effect, advice, link, reason, subject, url] = [
        &texts.language,
        &texts.heading,
        &texts.summary,
        &texts.effect,
        &texts.advice,
        &texts.link,
        &texts.reason,
        &texts.subject,
        &details.settings_url,
    ]
    .map(|text| escaped(text));
    let mut facts = String::new();
    for (label, value) in texts.facts(details) {
        // A browser finds the direction of each value from the value itself.
        let (label, value) = (escaped(label), escaped(value));
        let _ = write!(
            facts,
            "<dt style=\"margin:12px 0 0;font-size:14px;opacity:.75\">{label}</dt>\n\
             <dd style=\"margin:0;font-weight:600\"><bdi>{value}</bdi></dd>\n"
        );
    }
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"{language}\" dir=\"{direction}\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{subject}</title>\n\
         </head>\n\
         <body style=\"margin:0;padding:0\">\n\
         <div lang=\"{language}\" dir=\"{direction}\" style=\"{BODY}\">\n\
         <h1 style=\"margin:0 0 16px;font-size:20px;line-height:1.3\">{heading}</h1>\n\
         <p style=\"margin:0 0 8px\">{summary}</p>\n\
         <dl style=\"margin:0 0 20px\">\n{facts}</dl>\n\
         <p style=\"margin:0 0 16px\">{effect}</p>\n\
         <p style=\"margin:0 0 24px\">{advice}</p>\n\
         <p style=\"margin:0 0 8px\"><a href=\"{url}\" style=\"{LINK}\">{link}</a></p>\n\
         <p style=\"margin:0 0 32px;font-size:14px;opacity:.75\" dir=\"ltr\">{url}</p>\n\
         <p style=\"margin:0;font-size:14px;opacity:.75\">{reason}</p>\n\
         </div>\n\
         </body>\n\
         </html>\n"
    )
}

const BODY: &str = "max-width:560px;margin:0 auto;padding:24px 16px;\
    font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere;\
    word-break:break-word";

const LINK: &str = "display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;\
    font-weight:600;text-decoration:none";

impl MailTexts {
    /// Returns the labels and values of the facts about the key.
    pub(crate) fn facts<'a>(&'a self, details: &'a MailDetails) -> [(&'a str, &'a str); 4] {
        [
            (&self.key_label, &details.key_name),
            (&self.prefix_label, &details.display_prefix),
            (&self.org_label, &details.org),
            (&self.expires_label, &self.expires),
        ]
    }
}

/// Escapes a text for the content of an element and for an attribute in quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::test_data::{composed, hostile_names, warning};

    #[test]
    fn names_do_not_become_markup() {
        let tags = |html: &str| html.matches('<').count();
        let expected = tags(&composed(&warning("CI")).html);
        for name in hostile_names() {
            let mut warning = warning(&name);
            warning.org = "\"><img src=x onerror=alert(1)>'".parse().unwrap();
            warning.display_prefix = "acme\"onclick=\"<b>".to_owned();
            let html = composed(&warning).html;
            assert_eq!(tags(&html), expected, "{html}");
            assert!(!html.contains("onclick=\""), "{html}");
        }
    }

    #[test]
    fn html_loads_nothing_and_has_no_script() {
        let html = composed(&warning("CI deploys")).html;
        for unwanted in ["src=", "url(", "<script", "<img", "<link", "<style", "@import", "javascript:"] {
            assert!(!html.contains(unwanted), "{unwanted}");
        }
        // The only address is that of the settings page.
        assert_eq!(html.matches("https://acme.example/org_1/settings/developer").count(), 2);
        assert_eq!(html.matches("://").count(), 2);
    }
}
