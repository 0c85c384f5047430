use std::{fmt, time::Duration};

use lettre::transport::smtp::{authentication::Credentials, extension::ClientId};
use url::Host;

use crate::{SettingsError, server_url};

/// A mail server that accepts mails over SMTP, and how to connect to it.
///
/// ```
/// use apikeys_mail::SmtpServer;
///
/// let server = SmtpServer::from_url("smtps://mail.example.com")?.credentials("acme", "s3cret");
/// # Ok::<(), apikeys_mail::SettingsError>(())
/// ```
#[derive(Clone)]
#[must_use = "pass the server to `SmtpNotifier::new`"]
pub struct SmtpServer {
    /// A host name in ASCII or an IP address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) hello_name: Option<ClientId>,
    #[cfg(feature = "rustls")]
    pub(crate) roots: Vec<lettre::transport::smtp::client::Certificate>,
    #[cfg(feature = "rustls-webpki-roots")]
    pub(crate) only_webpki_roots: bool,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not at all.
    None,
    /// After the command STARTTLS, which must succeed.
    StartTls,
    /// From the first byte.
    Tls,
}

impl SmtpServer {
    /// The time limit of an attempt to send a mail, unless [`timeout`](Self::timeout) sets another.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

    /// Reads the URL of a mail server.
    ///
    /// | URL | encryption | default port |
    /// | --- | --- | --- |
    /// | `smtps://mail.example.com` | TLS from the beginning | 465 |
    /// | `smtp://mail.example.com` | STARTTLS, and no mail is sent without it | 587 |
    /// | `smtp://mail.example.com?tls=none` | none | 25 |
    /// | `smtp://localhost` or another address of this machine | none, because the mail does not leave the machine | 25 |
    /// | `smtp://localhost?tls=required` | STARTTLS, as for other hosts | 587 |
    ///
    /// Without encryption, everyone on the network between this machine and the server can read the mail and the
    /// password.
    ///
    /// User name and password can be part of the URL, as in `smtps://user:password@mail.example.com`.
    /// Characters such as `@` and `/` must then be percent-encoded. [`credentials`](Self::credentials) takes
    /// them as they are.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, or if the URL requires TLS and no TLS feature of this crate is
    /// enabled.
    pub fn from_url(url: &str) -> Result<Self, SettingsError> {
        let parts = server_url::read(url)?;
        if cfg!(not(feature = "rustls")) && parts.security != Security::None {
            return Err(SettingsError::new(
                "mail server",
                "TLS is not compiled in: enable the feature `rustls-platform-verifier` or \
                 `rustls-webpki-roots` of apikeys-mail, or add `?tls=none` to send mails without encryption",
            ));
        }
        Ok(Self {
            host: parts.host,
            port: parts.port,
            security: parts.security,
            credentials: parts.credentials,
            timeout: Self::DEFAULT_TIMEOUT,
            hello_name: None,
            #[cfg(feature = "rustls")]
            roots: Vec::new(),
            #[cfg(feature = "rustls-webpki-roots")]
            only_webpki_roots: false,
        })
    }

    /// Sets the user name and the password. By default, the user name and the password of the URL are used. If the
    /// URL has none, the notifier does not log in.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// Sets the time limit of an attempt to send a mail, from the connection to the response that accepts the
    /// mail. The default is 60 s. A time limit that is longer than half of the
    /// [`claim_timeout`](apikeys_core::warning::ExpiryWarnings::claim_timeout) has no effect. By default, half of
    /// the `claim_timeout` is 150 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the name that this machine gives itself in the command EHLO. The default is the domain of the
    /// mail's `from` address.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is not a host name or an IP address.
    pub fn hello_name(mut self, name: &str) -> Result<Self, SettingsError> {
        let invalid = |error| {
            SettingsError::because("hello_name", "expected a host name, such as app.example.com", error)
        };
        self.hello_name = Some(match Host::parse(name).map_err(invalid)? {
            Host::Domain(domain) => ClientId::Domain(domain),
            Host::Ipv4(address) => ClientId::Ipv4(address),
            Host::Ipv6(address) => ClientId::Ipv6(address),
        });
        Ok(self)
    }

    /// Adds the root certificate of an authority. Certificates that the authority has issued are then
    /// trusted, in addition to those that are trusted by default. `pem` is one certificate or several in PEM
    /// format.
    ///
    /// # Errors
    ///
    /// Returns an error if `pem` contains no valid certificate.
    #[cfg(feature = "rustls")]
    pub fn add_root_certificate(mut self, pem: &[u8]) -> Result<Self, SettingsError> {
        use lettre::transport::smtp::client::Certificate;

        if !pem.windows(PEM_BEGIN.len()).any(|window| window == PEM_BEGIN) {
            return Err(SettingsError::new(
                "add_root_certificate",
                "expected a certificate in PEM format, which begins with -----BEGIN CERTIFICATE-----",
            ));
        }
        let certificate = Certificate::from_pem(pem).map_err(|error| {
            SettingsError::because("add_root_certificate", "the certificate cannot be read", error)
        })?;
        self.roots.push(certificate);
        Ok(self)
    }

    /// Trusts the certificate roots of Mozilla that are compiled into the program, and not those of the
    /// operating system. If only the feature `rustls-webpki-roots` is enabled, this is the default.
    #[cfg(feature = "rustls-webpki-roots")]
    pub fn only_webpki_roots(mut self) -> Self {
        self.only_webpki_roots = true;
        self
    }

    /// Returns the host and the port for messages.
    pub(crate) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(crate) fn lettre_credentials(&self) -> Option<Credentials> {
        self.credentials.clone().map(|(user, password)| Credentials::new(user, password))
    }
}

#[cfg(feature = "rustls")]
const PEM_BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("server", &self.place())
            .field("security", &self.security)
            .field("has_credentials", &self.credentials.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
