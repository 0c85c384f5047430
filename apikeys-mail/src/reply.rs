use std::{error::Error, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};

/// A negative response of a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    text: String,
}

/// The longest text that is kept, in characters.
const MAX_CHARS: usize = 500;

impl Reply {
    /// Takes the response from an error of lettre. Returns `None` if the server sent no response.
    ///
    /// Control characters become spaces. If the text contains the password, as in the response of a server that
    /// repeats a command it does not know, the text is left out.
    pub(crate) fn of(
        error: &lettre::transport::smtp::Error,
        credentials: Option<&(String, String)>,
    ) -> Option<Self> {
        let code = error.status()?.into();
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        let secrets = credentials.map(secret_forms).unwrap_or_default();
        let text = if secrets.iter().any(|secret| text.contains(secret)) {
            "the response is not shown because it contains the password".to_owned()
        } else {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS).collect()
        };
        Some(Self { code, text })
    }

    /// Returns the code, from 400 to 599.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// Returns the text after the code.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the server asks to try again later, or to log in. A login can be added without changing
    /// the mail.
    pub(crate) const fn is_temporary(&self) -> bool {
        matches!(self.code, 400..500 | 530 | 534 | 535 | 538)
    }
}

/// Returns the password in the forms in which it is sent to a server.
fn secret_forms((user, password): &(String, String)) -> Vec<String> {
    if password.is_empty() {
        return Vec::new();
    }
    vec![password.clone(), STANDARD.encode(password), STANDARD.encode(format!("\0{user}\0{password}"))]
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the mail server responded: {} {}", self.code, self.text)
    }
}

impl Error for Reply {}
