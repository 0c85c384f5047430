use std::{error::Error, fmt, time::Duration};

use apikeys_core::warning::NotifyError;

use crate::{Reply, SettingsError};

/// The reason why a mail was not sent. This error is the source of the [`NotifyError`] that the notifier returns.
#[derive(Debug)]
#[non_exhaustive]
pub enum SmtpError {
    /// The mail server could not be reached.
    Connect {
        /// The host and the port.
        server: String,
        /// The error of the connection.
        source: lettre::transport::smtp::Error,
    },
    /// The connection with TLS could not be established.
    Tls {
        /// The host and the port.
        server: String,
        /// The error of the connection, which says for example that the certificate has expired.
        source: lettre::transport::smtp::Error,
    },
    /// The server does not offer STARTTLS.
    NoStartTls {
        /// The host and the port.
        server: String,
    },
    /// The server offers no login that this crate supports.
    NoLogin {
        /// The host and the port.
        server: String,
    },
    /// The server refused a command that concerns the connection, the login or the sender.
    Refused {
        /// The step that was refused, such as the login.
        what: &'static str,
        /// The response of the server.
        reply: Reply,
    },
    /// The server refused all recipients.
    NoRecipient {
        /// The first temporary response to a recipient. If no response is temporary, the response to the last
        /// recipient.
        reply: Reply,
    },
    /// The server refused the mail itself.
    Content {
        /// The response of the server.
        reply: Reply,
    },
    /// The connection ended, or a response could not be read, before the server accepted the mail.
    Interrupted {
        /// The step that was interrupted.
        during: &'static str,
        /// The error of the connection.
        source: lettre::transport::smtp::Error,
    },
    /// The time limit was reached.
    Timeout {
        /// The host and the port.
        server: String,
        /// The time limit.
        limit: Duration,
    },
    /// None of the recipients is a valid address.
    InvalidRecipients,
    /// The function that was passed to [`settings_url_with`](crate::ExpiryMailBuilder::settings_url_with) did not
    /// return the address of a web page.
    Compose {
        /// The error of the address.
        source: SettingsError,
    },
    /// The texts could not be encoded as an e-mail.
    Message {
        /// The error of the message.
        source: lettre::error::Error,
    },
    /// The notifier was not called on tokio.
    NoRuntime,
}

impl SmtpError {
    /// Returns whether a later attempt can succeed. [`SmtpNotifier`](crate::SmtpNotifier#errors) lists the
    /// permanent errors. All other errors are temporary, because their cause can be removed before the next
    /// attempt.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::NoRecipient { reply } | Self::Content { reply } => reply.is_temporary(),
            Self::InvalidRecipients | Self::Message { .. } => false,
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::NoStartTls { .. }
            | Self::NoLogin { .. }
            | Self::Refused { .. }
            | Self::Interrupted { .. }
            | Self::Timeout { .. }
            | Self::Compose { .. }
            | Self::NoRuntime => true,
        }
    }
}

impl fmt::Display for SmtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { server, .. } => {
                write!(f, "no connection to the mail server {server}: check host, port and firewall")
            }
            Self::Tls { server, .. } => write!(
                f,
                "no TLS connection to the mail server {server}: check certificate, host and port (smtps:// usually \
                 has port 465, STARTTLS port 587)"
            ),
            Self::NoStartTls { server } => write!(
                f,
                "the mail server {server} does not offer STARTTLS: use smtps:// if the port expects TLS, or add \
                 ?tls=none to send mails without encryption"
            ),
            Self::NoLogin { server } => write!(
                f,
                "the mail server {server} offers no login with PLAIN or LOGIN: use TLS, or remove user name and \
                 password"
            ),
            Self::Refused { what, .. } => write!(f, "the mail server refused {what}"),
            Self::NoRecipient { .. } => f.write_str("the mail server refused all recipients"),
            Self::Content { .. } => f.write_str("the mail server refused the mail"),
            Self::Interrupted { during, .. } => {
                write!(f, "the connection to the mail server failed while {during}")
            }
            Self::Timeout { server, limit } => {
                write!(f, "the dialogue with the mail server {server} took longer than {limit:?}")
            }
            Self::InvalidRecipients => f.write_str("none of the recipients is a valid e-mail address"),
            Self::Compose { .. } => f.write_str("the mail cannot be written"),
            Self::Message { .. } => f.write_str("the message cannot be put together"),
            Self::NoRuntime => f.write_str(
                "mails can only be sent on a tokio runtime: run the maintenance with tokio::spawn, or with \
                 apikeys_actix::spawn in actix-web",
            ),
        }
    }
}

impl Error for SmtpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect { source, .. } | Self::Tls { source, .. } | Self::Interrupted { source, .. } => {
                Some(cause(source))
            }
            Self::Refused { reply, .. } | Self::NoRecipient { reply } | Self::Content { reply } => {
                Some(reply)
            }
            Self::Compose { source } => Some(source),
            Self::Message { source } => Some(source),
            Self::NoStartTls { .. }
            | Self::NoLogin { .. }
            | Self::Timeout { .. }
            | Self::InvalidRecipients
            | Self::NoRuntime => None,
        }
    }
}

/// Returns the error inside of lettre's errors, whose texts repeat each other.
fn cause<'a>(error: &'a lettre::transport::smtp::Error) -> &'a (dyn Error + 'static) {
    let mut cause: &'a (dyn Error + 'static) = error;
    while cause.is::<lettre::transport::smtp::Error>() {
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    cause
}

impl From<SmtpError> for NotifyError {
    fn from(error: SmtpError) -> Self {
        if error.is_temporary() { Self::temporary(error) } else { Self::permanent(error) }
    }
}
