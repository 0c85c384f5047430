use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::id::prints;

/// What an administrator calls a key: 1 to 100 characters after trimming, none of them a control
/// character. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct KeyName(Arc<str>);

/// The text cannot be a key's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyName {
    /// Nothing is left after trimming.
    #[error("a name is required")]
    Empty,
    /// More than 100 characters.
    #[error("a name has at most 100 characters")]
    TooLong,
    /// A control character, or one that changes the direction of text.
    #[error("a name has no control characters")]
    ControlCharacter,
}

impl KeyName {
    /// Most characters (Unicode scalar values) in a name.
    pub const MAX_CHARS: usize = 100;

    /// Takes a name, without the white space around it.
    ///
    /// # Errors
    ///
    /// When nothing is left, more than 100 characters are, or one of them is a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidKeyName> {
        let text = text.as_ref().trim();
        if text.is_empty() {
            Err(InvalidKeyName::Empty)
        } else if text.chars().nth(Self::MAX_CHARS).is_some() {
            Err(InvalidKeyName::TooLong)
        } else if !text.chars().all(prints) {
            Err(InvalidKeyName::ControlCharacter)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for KeyName {
    type Err = InvalidKeyName;

    fn from_str(text: &str) -> Result<Self, InvalidKeyName> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for KeyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_counted_in_characters() {
        assert_eq!(KeyName::new("  CI \u{3000}").unwrap().as_str(), "CI");
        assert!(KeyName::new("é".repeat(100)).is_ok());
        assert_eq!(KeyName::new("é".repeat(101)), Err(InvalidKeyName::TooLong));
        assert_eq!(KeyName::new(" \t\n"), Err(InvalidKeyName::Empty));
        for bad in ["a\u{0}b", "a\nb", "a\u{1b}[31m", "a\u{7f}", "a\u{85}b", "a\u{202e}b"] {
            assert_eq!(KeyName::new(bad), Err(InvalidKeyName::ControlCharacter), "{bad:?}");
        }
    }
}
