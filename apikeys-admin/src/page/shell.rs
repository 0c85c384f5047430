use std::fmt::{self, Write};

use super::{
    Language,
    assets::{Assets, ELEMENT},
};
use crate::PlainResponse;

/// The HTML around the element.
#[derive(Debug, Clone, Default)]
pub(super) struct Shell {
    pub(super) title: Option<String>,
    pub(super) language: Language,
    pub(super) service_url: Option<String>,
    pub(super) login_url: Option<String>,
    pub(super) stylesheet: Option<String>,
}

/// The texts of the HTML. The texts of the element are in the folder `page`.
struct Texts {
    title: &'static str,
    without_javascript: &'static str,
    not_logged_in: &'static str,
    log_in_first: &'static str,
    log_in: &'static str,
}

const ENGLISH: Texts = Texts {
    title: "Developer settings",
    without_javascript: "This page needs JavaScript. Turn JavaScript on and reload the page.",
    not_logged_in: "You are not logged in",
    log_in_first: "Log in as an administrator, then open this page again.",
    log_in: "Log in",
};

const GERMAN: Texts = Texts {
    title: "Entwicklereinstellungen",
    without_javascript: "Diese Seite braucht JavaScript. Schalten Sie JavaScript ein und laden Sie die Seite neu.",
    not_logged_in: "Sie sind nicht angemeldet",
    log_in_first: "Melden Sie sich als Administrator an und öffnen Sie diese Seite dann erneut.",
    log_in: "Anmelden",
};

/// Forbids everything but the page's own files and requests to its own origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Shell {
    /// Returns the page. `base` is the URL of the mount.
    pub(super) fn page(&self, base: &str, assets: &Assets) -> PlainResponse {
        let mut head = String::new();
        // The element asks for its style only when its modules have run. The browser asks earlier.
        let style = assets.path("apikeys-settings.css");
        let _ = writeln!(head, "<link rel=\"preload\" as=\"style\" href=\"{}\">", Escaped(base, &style));
        for module in assets.first_modules(self.language.tag()) {
            let url = Escaped(base, &assets.path(module));
            let _ = writeln!(head, "<link rel=\"modulepreload\" href=\"{url}\">");
        }
        let script = assets.path(ELEMENT);
        let _ = writeln!(head, "<script type=\"module\" src=\"{}\"></script>", Escaped(base, &script));
        let mut attributes = " routing=\"hash\"".to_owned();
        for (name, value) in [("service-url", &self.service_url), ("login-url", &self.login_url)] {
            if let Some(value) = value {
                let _ = write!(attributes, " {name}=\"{}\"", Escaped(value, ""));
            }
        }
        let main = format!(
            "<h1>{title}</h1>\n<apikeys-settings{attributes}></apikeys-settings>\n\
             <noscript><p>{without_javascript}</p></noscript>",
            title = Escaped(self.title(), ""),
            without_javascript = self.texts().without_javascript,
        );
        self.respond(200, base, assets, &head, &main)
    }

    /// Returns the page for a browser without a login.
    pub(super) fn not_logged_in(&self, base: &str, assets: &Assets) -> PlainResponse {
        let Texts { not_logged_in, log_in_first, log_in, .. } = self.texts();
        let link = self.login_url.as_ref().map_or(String::new(), |url| {
            format!("\n<p><a class=\"button\" href=\"{}\">{log_in}</a></p>", Escaped(url, ""))
        });
        let main = format!("<h1>{not_logged_in}</h1>\n<p>{log_in_first}</p>{link}");
        self.respond(401, base, assets, "", &main)
    }

    fn respond(&self, status: u16, base: &str, assets: &Assets, head: &str, main: &str) -> PlainResponse {
        let title = Escaped(self.title(), "");
        let language = self.language.tag();
        let (icon, style) = (assets.path("icon.svg"), assets.path("shell.css"));
        let (icon, style) = (Escaped(base, &icon), Escaped(base, &style));
        let own_style = self.stylesheet.as_ref().map_or(String::new(), |url| {
            format!("<link rel=\"stylesheet\" href=\"{}\">\n", Escaped(url, ""))
        });
        let html = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <link rel=\"icon\" type=\"image/svg+xml\" href=\"{icon}\">\n\
             <link rel=\"stylesheet\" href=\"{style}\">\n{own_style}{head}</head>\n\
             <body>\n<main>\n{main}\n</main>\n</body>\n</html>\n"
        );
        PlainResponse::new(status, "text/html; charset=utf-8", html)
            .with_header("content-security-policy", POLICY)
            .with_header("x-content-type-options", "nosniff")
            .with_header("x-frame-options", "DENY")
            // With `no-referrer`, some browsers would send `Origin: null` with changes.
            .with_header("referrer-policy", "same-origin")
            .with_header("cross-origin-opener-policy", "same-origin")
            .with_header("vary", "accept")
    }

    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(self.texts().title)
    }

    fn texts(&self) -> &'static Texts {
        match self.language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}

/// Two texts, one after the other, with the characters escaped that have a meaning in HTML.
struct Escaped<'a>(&'a str, &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().chain(self.1.chars()) {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
