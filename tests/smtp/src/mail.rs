use serde::Deserialize;

/// A mail that the server has received.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Mail {
    /// The sender of the envelope.
    pub sender: String,
    /// The recipients of the envelope that the server accepted.
    pub accepted_recipients: Vec<String>,
    /// The name that the client gave itself.
    pub hello_name: String,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
    /// The user who was logged in.
    pub user: Option<String>,
    /// The mail as it was received. Bytes that are not ASCII are escaped.
    pub raw: String,
    /// The mail as Python's parser reads it.
    pub parsed: Parsed,
}

/// A mail as Python's parser reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Parsed {
    /// Names and decoded values.
    pub headers: Vec<(String, String)>,
    /// Names and addresses in the header `To`.
    pub recipients: Vec<(String, String)>,
    /// The content type of the whole mail.
    pub content_type: String,
    /// The parts that have no parts of their own.
    pub parts: Vec<Part>,
    /// What the parser found wrong.
    pub defects: Vec<String>,
}

/// A part of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// The content type without parameters.
    pub content_type: String,
    /// The character set.
    pub charset: Option<String>,
    /// The decoded content.
    pub content: String,
}

impl Mail {
    /// Returns the decoded value of a header, which must occur once.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.parsed.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let (_, value) = values.next().unwrap_or_else(|| panic!("the mail has no header {name}"));
        assert!(values.next().is_none(), "the mail has several headers {name}");
        value
    }

    /// Returns the content of the text part.
    #[must_use]
    pub fn text(&self) -> &str {
        self.part("text/plain")
    }

    /// Returns the content of the HTML part.
    #[must_use]
    pub fn html(&self) -> &str {
        self.part("text/html")
    }

    fn part(&self, content_type: &str) -> &str {
        let mut parts = self.parsed.parts.iter().filter(|part| part.content_type == content_type);
        let part = parts.next().unwrap_or_else(|| panic!("the mail has no part {content_type}"));
        &part.content
    }
}
