//! Identifiers: sixteen time-ordered bytes for what this library makes, text for what the host
//! brings.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    Timestamp,
    entropy::{Entropy, EntropyError},
};

/// RFC 4648 base32 in lower case without padding; 16 bytes are 26 characters.
static BASE32: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // The specification is constant and valid; the other encoding is never used.
    spec.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
});

/// The text is not an id: 26 characters of `a-z2-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 26 characters of a-z and 2-7")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Sixteen bytes: seven of microseconds since 1970, then nine that tell apart what was
        /// made in the same one. As text, 26 characters of RFC 4648 base32 in lower case.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id with these bytes, as a store holds them.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes, which sort by time of making.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE32.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let bytes = BASE32.decode(text.as_bytes()).map_err(|_| InvalidId)?;
                bytes.try_into().map(Self).map_err(|_| InvalidId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A key's id. Not secret, never used twice.
    KeyId;
    /// An audit event's id; the audit log is ordered by it.
    EventId;
    /// Names one attempt to change something, so that a repeated attempt is recognised.
    ChangeId;
    /// Names one process that writes audit events, from its start to its end.
    WriterId;
}

/// A text that cannot be the value it was meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what}: {expected}")]
pub struct InvalidText {
    what: &'static str,
    expected: &'static str,
}

impl InvalidText {
    pub(crate) const fn new(what: &'static str, expected: &'static str) -> Self {
        Self { what, expected }
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($what:literal);)*) => {$(
        $(#[$doc])*
        ///
        /// 1 to 128 bytes of printable UTF-8, compared byte for byte. Cheap to clone.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the host's own text.
            ///
            /// # Errors
            ///
            /// When it is empty, longer than 128 bytes, or holds a character that does not print.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidText> {
                let text = text.as_ref();
                if (1..=128).contains(&text.len()) && text.chars().all(prints) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidText::new($what, "expected 1 to 128 bytes of printable text"))
                }
            }

            /// The text as the host gave it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidText;

            fn try_from(text: &str) -> Result<Self, InvalidText> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(text).map_err(de::Error::custom)
            }
        }
    )*};
}

texts! {
    /// The organization that owns keys, in the host's own words.
    OrgId("organization id");
    /// Who changed something: a user, a script, `system`; in the host's own words.
    Actor("actor");
}

impl Actor {
    /// This library itself: who sends expiry warnings.
    #[must_use]
    pub fn system() -> Self {
        Self("system".into())
    }
}

/// Whether a character shows as something on a page and cannot act on a terminal or a line.
pub(crate) fn prints(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Makes ids: strictly increasing within a process, unguessable for others.
#[derive(Debug, Default)]
pub(crate) struct IdGenerator {
    last: AtomicU64,
}

impl IdGenerator {
    /// Sixteen fresh bytes for something made at `now`.
    pub(crate) fn next(&self, now: Timestamp, entropy: &dyn Entropy) -> Result<[u8; 16], EntropyError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(with_time(self.tick(now), bytes))
    }

    /// The microsecond of `now`, or the first one after the last that was handed out.
    fn tick(&self, now: Timestamp) -> u64 {
        let wanted = u64::try_from(now.as_micros()).unwrap_or(0);
        let step = |last: u64| Some(wanted.max(last.saturating_add(1)));
        match self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(last) | Err(last) => wanted.max(last.saturating_add(1)),
        }
    }
}

/// Puts the time in front: seven bytes, enough until the year 4253.
pub(crate) fn with_time(micros: u64, mut bytes: [u8; 16]) -> [u8; 16] {
    let [_, time @ ..] = micros.to_be_bytes();
    for (byte, part) in bytes.iter_mut().zip(time) {
        *byte = part;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn ids_increase_even_when_the_clock_stands_still_or_goes_back() {
        let ids = IdGenerator::default();
        let times = [5_000_000, 5_000_000, 4_000_000, 5_000_001, 9_000_000];
        let made: Vec<_> = times.map(|at| ids.next(Timestamp::from_micros(at), &OsEntropy).unwrap()).to_vec();
        assert!(made.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = KeyId::from_bytes([0; 16]);
        let text = id.to_string();
        assert_eq!(text, "a".repeat(26));
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.to_uppercase().parse::<KeyId>(), Err(InvalidId));
        // The last character carries two spare bits, which must be zero.
        let spare = format!("{}{}", &text[..25], 'b');
        assert_eq!(spare.parse::<KeyId>(), Err(InvalidId));
        assert_eq!("".parse::<KeyId>(), Err(InvalidId));
    }

    #[test]
    fn host_texts_are_short_and_printable() {
        assert!(OrgId::new("org 1 – ü").is_ok());
        for bad in ["", "a\nb", "a\u{202e}b", "a\u{0}", &"x".repeat(129)] {
            assert!(OrgId::new(bad).is_err(), "{bad:?}");
        }
        assert_ne!(OrgId::new("A"), OrgId::new("a"));
    }

    proptest! {
        #[test]
        fn ids_survive_text_and_json(bytes: [u8; 16]) {
            let id = KeyId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<KeyId>(&json).unwrap(), id);
        }
    }
}
