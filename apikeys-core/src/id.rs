//! Identifiers: sixteen time-ordered bytes for what this library makes, text for what the host
//! brings.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    Timestamp,
    entropy::{Entropy, EntropyError},
    text::{InvalidText, is_printable, text_value},
};

/// RFC 4648 base32 in lower case without padding; 16 bytes are 26 characters.
static BASE32: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // The specification is constant and valid; the other encoding is never used.
    spec.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
});

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($value:literal);)*) => {$(
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
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                let bytes = BASE32.decode(text.as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(Self).ok_or(InvalidText::new($value, "expected 26 characters of a-z and 2-7"))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidText;

            fn try_from(text: &str) -> Result<Self, InvalidText> {
                text.parse()
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
    /// The id of a key. It is not secret, and never used for another key.
    KeyId("key id");
    /// The id of an audit event. The audit log is ordered by it.
    EventId("event id");
    /// The id of a change, by which a store recognises a repeated attempt.
    ChangeId("change id");
    /// The id of a process that writes audit events.
    WriterId("writer id");
}

text_value! {
    /// The host's identifier of an organization that owns keys.
    ///
    /// 1 to 128 bytes of printable UTF-8, compared byte for byte. Cheap to clone.
    OrgId, read_org_id
}

text_value! {
    /// The host's identifier of whoever makes a change: a user, a script, or `system`.
    ///
    /// 1 to 128 bytes of printable UTF-8, compared byte for byte. Cheap to clone.
    Actor, read_actor
}

fn read_org_id(text: &str) -> Result<&str, InvalidText> {
    read_printable(text, "organization id")
}

fn read_actor(text: &str) -> Result<&str, InvalidText> {
    read_printable(text, "actor")
}

fn read_printable<'a>(text: &'a str, value: &'static str) -> Result<&'a str, InvalidText> {
    if (1..=128).contains(&text.len()) && text.chars().all(is_printable) {
        Ok(text)
    } else {
        Err(InvalidText::new(value, "expected 1 to 128 bytes of printable text"))
    }
}

impl Actor {
    /// The actor of changes that this library makes on its own, `system`.
    #[must_use]
    pub fn system() -> Self {
        Self("system".into())
    }
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
        // The last character carries two spare bits, which must be zero.
        let spare = format!("{}{}", &text[..25], 'b');
        for bad in [&text.to_uppercase(), &spare, &text[..25], ""] {
            let error = KeyId::try_from(bad).unwrap_err();
            assert_eq!(error.to_string(), "invalid key id: expected 26 characters of a-z and 2-7");
        }
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
