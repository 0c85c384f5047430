use std::{fmt, str::FromStr, sync::Arc};

use serde::Serialize;

/// What every secret of a host begins with, as `acme_live`: `[a-z][a-z0-9_]{1,15}`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Prefix(Arc<str>);

/// The text cannot be a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a prefix is 2 to 16 characters of a-z, 0-9 and _, the first a letter")]
pub struct InvalidPrefix;

impl Prefix {
    /// Longest prefix, in bytes.
    pub const MAX_LEN: usize = 16;

    /// Takes a prefix.
    ///
    /// # Errors
    ///
    /// When the text does not match `[a-z][a-z0-9_]{1,15}`.
    pub fn new(text: &str) -> Result<Self, InvalidPrefix> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if first && rest && (2..=Self::MAX_LEN).contains(&text.len()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPrefix)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    /// `key`.
    fn default() -> Self {
        Self("key".into())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_what_its_pattern_says() {
        for good in ["ab", "acme_live", "a0", "a_", "abcdefghijklmnop"] {
            assert!(Prefix::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "_a", "0a", "Ab", "a-b", "aé", "abcdefghijklmnopq"] {
            assert_eq!(Prefix::new(bad), Err(InvalidPrefix), "{bad}");
        }
    }
}
