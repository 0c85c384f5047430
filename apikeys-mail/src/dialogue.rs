//! The dialogue with a mail server that sends one mail to several recipients.
//!
//! lettre's own transport stops at the first refused recipient. This dialogue sends the mail to the recipients that
//! the server accepts.

use std::{error::Error as _, io, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};

#[cfg(feature = "rustls")]
use crate::server::Security;
use crate::{Reply, SettingsError, SmtpError, SmtpServer};

/// The time that the farewell to the server may take. The mail is already accepted.
const FAREWELL: Duration = Duration::from_secs(1);

/// A server to which connections can be made.
pub(crate) struct Dialogue {
    server: SmtpServer,
    hello_name: ClientId,
    credentials: Option<Credentials>,
    #[cfg(feature = "rustls")]
    tls: Option<lettre::transport::smtp::client::TlsParameters>,
}

/// A recipient that the server refused.
pub(crate) struct Refusal {
    pub(crate) recipient: Address,
    pub(crate) reply: Reply,
}

impl Dialogue {
    /// Prepares connections. `domain` is the domain of the sender.
    pub(crate) fn new(server: SmtpServer, domain: &str) -> Result<Self, SettingsError> {
        let hello_name = server.hello_name.clone().unwrap_or_else(|| ClientId::Domain(domain.to_owned()));
        Ok(Self {
            hello_name,
            credentials: server.lettre_credentials(),
            #[cfg(feature = "rustls")]
            tls: match server.security {
                Security::None => None,
                Security::StartTls | Security::Tls => Some(crate::tls::parameters(&server)?),
            },
            server,
        })
    }

    pub(crate) fn server(&self) -> &SmtpServer {
        &self.server
    }

    /// Connects, logs in and says goodbye.
    pub(crate) async fn check(&self) -> Result<(), SmtpError> {
        self.limited(async {
            let connection = self.log_in().await?;
            say_goodbye(connection).await;
            Ok(())
        })
        .await
    }

    /// Sends a mail. Returns the recipients that the server refused. If this method returns without an error, the
    /// server has accepted the mail for at least one recipient.
    pub(crate) async fn send(
        &self,
        sender: &Address,
        recipients: &[Address],
        mail: &[u8],
    ) -> Result<Vec<Refusal>, SmtpError> {
        self.limited(async {
            let mut connection = self.log_in().await?;
            let greeting = Mail::new(Some(sender.clone()), Vec::new());
            let sender = "the sender: check the `from` address, and whether the server needs a login";
            connection.command(greeting).await.map_err(|error| self.refused(sender, error))?;
            let mut refusals = Vec::new();
            for recipient in recipients {
                let command = Rcpt::new(recipient.clone(), Vec::new());
                if let Err(error) = connection.command(command).await {
                    let Some(reply) = self.reply(&error) else {
                        return Err(interrupted("the recipients were being sent", error));
                    };
                    refusals.push(Refusal { recipient: recipient.clone(), reply });
                }
            }
            if refusals.len() == recipients.len() {
                connection.abort().await;
                let temporary = refusals.iter().position(|refusal| refusal.reply.is_temporary());
                let last = refusals.len().saturating_sub(1);
                let refusal = refusals.into_iter().nth(temporary.unwrap_or(last));
                return Err(match refusal {
                    Some(Refusal { reply, .. }) => SmtpError::NoRecipient { reply },
                    None => SmtpError::InvalidRecipients,
                });
            }
            connection.command(Data).await.map_err(|error| self.content(error))?;
            connection.message(mail).await.map_err(|error| self.content(error))?;
            say_goodbye(connection).await;
            Ok(refusals)
        })
        .await
    }

    /// Limits the time of an attempt. lettre itself limits only the time of connecting.
    async fn limited<T>(&self, attempt: impl Future<Output = Result<T, SmtpError>>) -> Result<T, SmtpError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(SmtpError::NoRuntime);
        }
        let limit = self.server.timeout;
        tokio::time::timeout(limit, attempt)
            .await
            .unwrap_or_else(|_| Err(SmtpError::Timeout { server: self.server.place(), limit }))
    }

    async fn log_in(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let mut connection = self.connect().await?;
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|error| {
                if error.is_client() {
                    SmtpError::NoLogin { server: self.server.place() }
                } else {
                    self.refused("the login: check user name and password", error)
                }
            })?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let SmtpServer { host, port, timeout, .. } = &self.server;
        #[cfg(not(feature = "rustls"))]
        let tls = None;
        #[cfg(feature = "rustls")]
        let tls = self.tls.clone().filter(|_| self.server.security == Security::Tls);
        let place = (host.as_str(), *port);
        // A host can have several addresses. One that does not respond leaves time for the others.
        let for_one_address = Some(*timeout / 4);
        let connection =
            AsyncSmtpConnection::connect_tokio1(place, for_one_address, &self.hello_name, tls, None).await;
        #[cfg_attr(not(feature = "rustls"), allow(unused_mut))]
        let mut connection = connection.map_err(|error| self.not_connected(error))?;
        #[cfg(feature = "rustls")]
        if let (Security::StartTls, Some(tls)) = (self.server.security, &self.tls) {
            use lettre::transport::smtp::extension::Extension;

            if !connection.server_info().supports_feature(Extension::StartTls) {
                connection.abort().await;
                return Err(SmtpError::NoStartTls { server: self.server.place() });
            }
            let encrypted = connection.starttls(tls.clone(), &self.hello_name).await;
            encrypted.map_err(|error| self.not_connected(error))?;
        }
        Ok(connection)
    }

    fn not_connected(&self, error: Error) -> SmtpError {
        let server = self.server.place();
        match self.reply(&error) {
            Some(reply) => SmtpError::Refused { what: "the connection", reply },
            None if is_tls(&error) => SmtpError::Tls { server, source: error },
            None => SmtpError::Connect { server, source: error },
        }
    }

    fn refused(&self, what: &'static str, error: Error) -> SmtpError {
        match self.reply(&error) {
            Some(reply) => SmtpError::Refused { what, reply },
            None => interrupted("the login and the sender were being sent", error),
        }
    }

    fn content(&self, error: Error) -> SmtpError {
        match self.reply(&error) {
            Some(reply) => SmtpError::Content { reply },
            None => interrupted("the mail was being sent", error),
        }
    }

    fn reply(&self, error: &Error) -> Option<Reply> {
        Reply::of(error, self.server.credentials.as_ref())
    }
}

const fn interrupted(during: &'static str, source: Error) -> SmtpError {
    SmtpError::Interrupted { during, source }
}

/// Returns whether an error of a connection comes from TLS. rustls reports its errors as invalid data.
fn is_tls(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::InvalidData;
        }
        source = error.source();
    }
    false
}

/// Ends the connection in order. Errors are of no consequence.
async fn say_goodbye(mut connection: AsyncSmtpConnection) {
    let _ = tokio::time::timeout(FAREWELL, connection.abort()).await;
}
