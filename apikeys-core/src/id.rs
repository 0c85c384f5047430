//! Identifiers. The ids of keys, changes and events are sixteen bytes, ordered by time. The ids of
//! organizations and actors are texts that your service chooses.

mod generator;

use std::{fmt, str::FromStr};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[cfg(feature = "conformance")]
pub(crate) use self::generator::with_time;
pub(crate) use self::generator::{IdGenerator, Tick};
use crate::text::{InvalidValue, is_printable, text_value};

/// The encoding of ids, which is RFC 4648 base32 in lower case without padding. Sixteen bytes become 26
/// characters.
static BASE32: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // The specification is constant and valid, so the other encoding is never used.
    spec.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
});

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($value:literal);)*) => {$(
        $(#[$doc])*
        ///
        /// An id has sixteen bytes. The first seven bytes are the time of creation in microseconds since the
        /// start of 1970. If a process creates several ids in one microsecond, or if its clock is set back,
        /// the time of each id is one microsecond later than that of the id before. The other nine bytes are
        /// a keyed hash of the time. The key of the hash is random and differs between processes, so that the
        /// ids of two processes differ. The text of an id has 26 characters of RFC 4648 base32 in lower case.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Creates an id from the bytes that a store has read.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Returns the id's bytes. The bytes sort by the time at which the id was created.
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
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let bytes = BASE32.decode(text.as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(Self).ok_or(InvalidValue::new($value, "expected 26 characters of a-z and 2-7"))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidValue;

            fn try_from(text: &str) -> Result<Self, InvalidValue> {
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
    /// The id of a key. The id is not secret, and is never used for another key.
    KeyId("key id");
    /// The id of an audit event. The audit log is ordered by the ids of its events.
    EventId("event id");
    /// The id of a change, by which a store recognizes a repeated attempt.
    ChangeId("change id");
    /// The id of a [writer](crate::store::KeyStore::open_writer). A process opens a writer with a new id before it
    /// records audit events, and numbers its batches of events under this id.
    WriterId("writer id");
    /// The id of a [claim](crate::store::Warnings). By this id, a store recognizes the instance that sends a
    /// warning.
    ClaimId("claim id");
    /// The id of a registration of an instance. An instance that registers again gets a new id. See
    /// [`Coherence`](crate::store::Coherence).
    InstanceId("instance id");
}

text_value! {
    /// The text by which your service identifies an organization that owns keys.
    ///
    /// The text has 1 to 128 bytes of printable UTF-8, and is compared byte for byte. Cloning is cheap.
    OrgId, read_org_id
}

text_value! {
    /// The text by which your service identifies the user or program that makes a change. The library itself uses
    /// the actor [`system`](Self::system).
    ///
    /// The text has 1 to 128 bytes of printable UTF-8, and is compared byte for byte. Cloning is cheap.
    Actor, read_actor
}

fn read_org_id(text: &str) -> Result<&str, InvalidValue> {
    read_printable(text, "organization id")
}

fn read_actor(text: &str) -> Result<&str, InvalidValue> {
    read_printable(text, "actor")
}

fn read_printable<'a>(text: &'a str, value: &'static str) -> Result<&'a str, InvalidValue> {
    if (1..=128).contains(&text.len()) && text.chars().all(is_printable) {
        Ok(text)
    } else {
        Err(InvalidValue::new(value, "expected 1 to 128 bytes of printable text"))
    }
}

impl Actor {
    /// Returns the actor `system`. The library uses this actor for the warnings that it sends. Your service can use
    /// it for changes that no person makes.
    #[must_use]
    pub fn system() -> Self {
        Self("system".into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn id_has_one_spelling() {
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
    fn org_id_refuses_long_and_unprintable_text() {
        assert!(OrgId::new("org 1 – ü").is_ok());
        for bad in ["", "a\nb", "a\u{202e}b", "a\u{0}", &"x".repeat(129)] {
            assert!(OrgId::new(bad).is_err(), "{bad:?}");
        }
        assert_ne!(OrgId::new("A"), OrgId::new("a"));
    }

    proptest! {
        #[test]
        fn id_read_from_its_text_or_json_is_the_same(bytes: [u8; 16]) {
            let id = KeyId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<KeyId>(&json).unwrap(), id);
        }
    }
}
