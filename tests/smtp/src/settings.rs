use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

/// How the mail server behaves. The default accepts every mail without encryption and without a login.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "tests name only the fields that they change")]
pub struct Settings {
    /// How connections are encrypted.
    pub tls: Encryption,
    /// The file with the certificate, in PEM format. Required with encryption.
    pub certificate: PathBuf,
    /// The file with the key of the certificate, in PEM format. Required with encryption.
    pub key: PathBuf,
    /// The user name and password that a client must log in with.
    pub login: Option<(String, String)>,
    /// The methods of a login that the server does not offer, such as `PLAIN`.
    pub excluded_logins: Vec<String>,
    /// The responses to the commands `EHLO`, `AUTH`, `MAIL`, `RCPT` and `DATA`, to the `content` of a mail, and to
    /// `RCPT` with an address, such as `("ann@example.com", "550 No such user")`. In the response to `AUTH`, the text
    /// `{command}` stands for what the client sent.
    pub replies: BTreeMap<String, String>,
    /// The number of mails that the server refuses with 451 before it accepts one.
    pub refuse_first: u32,
    /// The command (or `content`) that the server does not respond to.
    pub hangs_at: Option<String>,
    /// The time that each response takes, in milliseconds.
    pub delay_ms: u64,
    /// When the server ends the connection.
    pub cut: Cut,
}

impl Settings {
    /// Returns these settings with another response to a command.
    #[must_use]
    pub fn reply(mut self, command: &str, reply: &str) -> Self {
        self.replies.insert(command.to_owned(), reply.to_owned());
        self
    }
}

/// How connections are encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "settings of a test")]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// After STARTTLS, which clients must use.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// When the server ends the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_enums, reason = "settings of a test")]
pub enum Cut {
    /// Not before the client does.
    #[default]
    #[serde(rename = "never")]
    Never,
    /// After the first line of a mail.
    #[serde(rename = "in the content")]
    InTheContent,
    /// After the mail has been received, and before the response.
    #[serde(rename = "before the response")]
    BeforeTheResponse,
}
