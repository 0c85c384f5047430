//! Reads the URL of a mail server.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{SettingsError, server::Security};

/// The parts of the URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) credentials: Option<(String, String)>,
}

/// Reads a URL. The errors do not repeat the URL, because it may contain a password.
pub(crate) fn read(text: &str) -> Result<Parts, SettingsError> {
    let text = text.trim();
    let implicit_tls = match text.split_once("://").map(|(scheme, _)| scheme) {
        Some(scheme) if scheme.eq_ignore_ascii_case("smtps") => true,
        Some(scheme) if scheme.eq_ignore_ascii_case("smtp") => false,
        _ => return Err(invalid("the URL must begin with smtp:// or smtps://")),
    };
    let url = Url::parse(text).map_err(|error| {
        SettingsError::because(
            NAME,
            "the URL is invalid; expected smtp://host:port or smtps://host:port",
            error,
        )
    })?;
    let host = host(&url)?;
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(invalid("the URL must not have a path or a fragment, only host, port and ?tls="));
    }
    let security = match (implicit_tls, tls(&url)?) {
        (true, Some(Tls::None)) => {
            return Err(invalid("smtps:// means TLS: use smtp:// together with ?tls=none"));
        }
        (true, _) => Security::Tls,
        (false, Some(Tls::None)) => Security::None,
        (false, Some(Tls::Required)) => Security::StartTls,
        (false, None) if is_loopback(&host) => Security::None,
        (false, None) => Security::StartTls,
    };
    let port = url.port().unwrap_or(match security {
        Security::None => 25,
        Security::StartTls => 587,
        Security::Tls => 465,
    });
    let credentials = credentials(&url)?;
    let host = match host {
        Host::Domain(domain) => domain,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    Ok(Parts { host, port, security, credentials })
}

const NAME: &str = "mail server";

const fn invalid(problem: &'static str) -> SettingsError {
    SettingsError::new(NAME, problem)
}

/// Returns the host. The parser does not look into the host of URLs with unknown schemes, so it is parsed again.
fn host(url: &Url) -> Result<Host, SettingsError> {
    let missing = || invalid("the URL has no host; expected smtp://host:port");
    let text = url.host_str().filter(|host| !host.is_empty()).ok_or_else(missing)?;
    Host::parse(text).map_err(|error| SettingsError::because(NAME, "the host in the URL is invalid", error))
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(domain) => domain == "localhost" || domain.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

enum Tls {
    None,
    Required,
}

fn tls(url: &Url) -> Result<Option<Tls>, SettingsError> {
    let mut tls = None;
    for (name, value) in url.query_pairs() {
        tls = match (&*name, &*value) {
            ("tls", "required") => Some(Tls::Required),
            ("tls", "none") => Some(Tls::None),
            ("tls", _) => return Err(invalid("`tls` in the URL must be `required` or `none`")),
            _ => return Err(invalid("the URL has an unknown parameter; the only parameter is `tls`")),
        };
    }
    Ok(tls)
}

fn credentials(url: &Url) -> Result<Option<(String, String)>, SettingsError> {
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(Cow::into_owned).map_err(|_| {
            invalid(
                "user name and password in the URL must be UTF-8, with special characters percent-encoded",
            )
        })
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) => Err(invalid("the URL has a password and no user name")),
        (_, None) => Err(invalid("the URL has a user name and no password; expected user:password@host")),
        (user, Some(password)) => Ok(Some((decode(user)?, decode(password)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, u16, Security) {
        let parts = read(url).unwrap();
        (parts.host, parts.port, parts.security)
    }

    #[test]
    fn encryption_and_port_follow_from_scheme_host_and_parameter() {
        use Security::{None, StartTls, Tls};
        for (url, host, port, security) in [
            ("smtps://mail.example.com", "mail.example.com", 465, Tls),
            ("SMTPS://Mail.Example.Com:8465?tls=required", "mail.example.com", 8465, Tls),
            ("smtp://mail.example.com", "mail.example.com", 587, StartTls),
            ("smtp://mail.example.com:25", "mail.example.com", 25, StartTls),
            ("smtp://mail.example.com/?tls=required", "mail.example.com", 587, StartTls),
            ("smtp://mail.example.com?tls=none", "mail.example.com", 25, None),
            ("smtp://localhost", "localhost", 25, None),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, None),
            ("smtp://127.9.9.9", "127.9.9.9", 25, None),
            ("smtp://[::1]:1025", "::1", 1025, None),
            ("smtp://localhost?tls=required", "localhost", 587, StartTls),
            ("smtps://localhost", "localhost", 465, Tls),
            ("smtp://10.0.0.1:2525", "10.0.0.1", 2525, StartTls),
            ("smtp://localhost.example.com", "localhost.example.com", 587, StartTls),
            (" smtp://bücher.example \n", "xn--bcher-kva.example", 587, StartTls),
        ] {
            assert_eq!(parts(url), (host.to_owned(), port, security), "{url}");
        }
    }

    #[test]
    fn credentials_are_percent_decoded() {
        let credentials = |url| read(url).unwrap().credentials;
        assert_eq!(credentials("smtp://h"), None);
        let both = Some(("ann@example.com".to_owned(), "p/a:s%s".to_owned()));
        assert_eq!(credentials("smtps://ann%40example.com:p%2Fa%3As%25s@mail.example.com"), both);
    }

    #[test]
    fn invalid_url_gives_an_error_that_says_what_is_expected_and_hides_the_password() {
        for (url, says) in [
            ("", "must begin with smtp:// or smtps://"),
            ("localhost:25", "must begin with smtp:// or smtps://"),
            ("mail.example.com", "must begin with smtp:// or smtps://"),
            ("smtp:localhost:25", "must begin with smtp:// or smtps://"),
            ("https://ann:pa55@h", "must begin with smtp:// or smtps://"),
            ("smtp://", "has no host"),
            ("smtp://ann:pa55@", "expected smtp://host:port"),
            ("smtp://ann:pa55@h:port", "expected smtp://host:port"),
            ("smtp://ann:pa55@h:70000", "expected smtp://host:port"),
            ("smtp://ann:pa55@a b", "expected smtp://host:port"),
            ("smtp://ann:pa55@a%20b", "host in the URL is invalid"),
            ("smtp://ann:pa55@h/path", "must not have a path"),
            ("smtp://ann:pa55@h#fragment", "must not have a path or a fragment"),
            ("smtp://ann:pa55@h?tls=opportunistic", "`required` or `none`"),
            ("smtp://ann:pa55@h?starttls=1", "the only parameter is `tls`"),
            ("smtps://ann:pa55@h?tls=none", "use smtp://"),
            ("smtp://ann@h", "no password"),
            ("smtp://:pa55@h", "no user name"),
            ("smtp://ann:%ffpa55@h", "must be UTF-8"),
            ("smtp://ann:pa/55@h", "expected smtp://host:port"),
        ] {
            let error = read(url).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.to_string().starts_with("mail server: "), "{shown}");
            assert!(error.to_string().contains(says), "{url}: {shown}");
            assert!(!shown.contains("pa55") && !shown.contains("ann"), "{shown}");
        }
    }
}
