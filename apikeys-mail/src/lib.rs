//! Sends e-mails to the administrators of an organization before one of their API keys expires.
//!
//! [`SmtpNotifier`] is a [`Notifier`](apikeys_core::warning::Notifier) of [`apikeys_core`]. It sends mails over SMTP
//! through [lettre](https://docs.rs/lettre). Your service says who the administrators are, with
//! [`Contacts`](apikeys_core::warning::Contacts):
//!
//! ```no_run
//! use apikeys_mail::{ExpiryMail, SmtpNotifier, SmtpServer};
//! use apikeys_mail::apikeys_core::{
//!     ApiKeys, MemoryStore, OrgId,
//!     warning::{Contacts, ContactsError, ExpiryWarnings},
//! };
//!
//! struct Accounts; // the user accounts of your service
//!
//! #[async_trait::async_trait]
//! impl Contacts for Accounts {
//!     async fn admins(&self, org: &OrgId) -> Result<Vec<String>, ContactsError> {
//!         Ok(vec![format!("admin@{org}.example")])
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = SmtpServer::from_url("smtps://user:password@mail.acme.example")?;
//! let mail = ExpiryMail::builder()
//!     .from("Acme <keys@acme.example>")
//!     .service("Acme")
//!     .settings_url("https://acme.example/{org}/settings/developer")
//!     .build()?;
//! let notifier = SmtpNotifier::new(server, mail)?;
//! notifier.check_connection().await?; // finds a wrong host or password now, and not with the first mail
//!
//! let (keys, maintenance) = ApiKeys::builder(MemoryStore::new())
//!     .expiry_warnings(ExpiryWarnings::new(notifier, Accounts))
//!     .build()
//!     .await?;
//! tokio::spawn(maintenance.run());
//! # Ok(())
//! # }
//! ```
//!
//! # The mail
//!
//! A mail has a text part and an HTML part. The mail names the key and its display prefix, and says when the key
//! expires and how much time is left. The mail says that programs with the key will then stop working, and links to
//! the page where the expiration can be extended. [`MailTexts`] replaces the subject and the texts, for example for
//! another language. The mail loads nothing from the network, so the sender cannot see whether the mail was opened.
//!
//! Names of keys and organizations cannot add headers or markup, whatever characters they contain. The Message-ID is
//! made of the [id of the warning](apikeys_core::warning::ExpiryWarning::id) and the domain of the sender. If a
//! warning is [sent twice](apikeys_core::warning), both mails have the same Message-ID, and mail programs can
//! recognize the copy.
//!
//! # Passwords
//!
//! The password of the mail server is in no `Debug` output, error or log of this crate. Do not enable the feature
//! `tracing` of lettre, because lettre then logs the whole dialogue at the level `DEBUG`, with the password.
//!
//! # Features
//!
//! | feature | description | default |
//! | --- | --- | --- |
//! | `rustls-platform-verifier` | TLS with the certificate roots of the operating system | yes |
//! | `rustls-webpki-roots` | TLS with the certificate roots of Mozilla, which are compiled into the program | no |
//! | `rustls` | TLS with the certificates that your service adds | no |
//!
//! The first two features enable `rustls`. With both, the roots of the operating system are used unless
#![cfg_attr(feature = "rustls-webpki-roots", doc = "[`only_webpki_roots`](SmtpServer::only_webpki_roots)")]
#![cfg_attr(not(feature = "rustls-webpki-roots"), doc = "`SmtpServer::only_webpki_roots`")]
//! is called. Without the feature `rustls`, mails can only be sent without encryption. rustls uses ring,
//! which needs a C compiler to build. If your program installs another default provider of rustls, that provider
//! is used.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod details;
mod dialogue;
mod html_part;
mod mail;
mod message;
mod notifier;
mod reply;
mod server;
mod server_url;
mod settings_error;
mod settings_url;
mod smtp_error;
#[cfg(test)]
mod test_data;
mod text_part;
mod texts;
mod time_left;
#[cfg(feature = "rustls")]
mod tls;

#[doc(no_inline)]
pub use apikeys_core;

pub use self::{
    details::MailDetails,
    mail::{ComposedMail, ExpiryMail, ExpiryMailBuilder},
    notifier::SmtpNotifier,
    reply::Reply,
    server::SmtpServer,
    settings_error::SettingsError,
    smtp_error::SmtpError,
    texts::MailTexts,
    time_left::TimeLeft,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
