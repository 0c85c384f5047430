use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a secret: what a cache is keyed by, always compared in constant time.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a secret's text.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Fingerprint {}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// How a [`Locator`] was derived from its secret. Stored as its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// SHA-256 of the secret's text; written `sha256`.
    Sha256,
    /// HMAC-SHA-256 of it under the pepper of this version; written `hmac-sha256:7`.
    HmacSha256 {
        /// Which pepper.
        pepper: u32,
    },
    /// One that this version does not know; kept as it is written.
    Unknown(String),
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256 => f.write_str("sha256"),
            Self::HmacSha256 { pepper } => write!(f, "hmac-sha256:{pepper}"),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Scheme {
    fn from(text: &str) -> Self {
        let pepper = text.strip_prefix("hmac-sha256:").map(u32::from_str);
        match (text, pepper) {
            ("sha256", _) => Self::Sha256,
            (_, Some(Ok(pepper))) => Self::HmacSha256 { pepper },
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

/// What a secret is looked up by: a digest of it, and how that was made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator {
    scheme: Scheme,
    bytes: Box<[u8]>,
}

impl Locator {
    /// A locator as a store holds it.
    #[must_use]
    pub fn new(scheme: Scheme, bytes: impl Into<Box<[u8]>>) -> Self {
        Self { scheme, bytes: bytes.into() }
    }

    /// How the bytes were derived.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.scheme == other.scheme && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locator({}, …)", self.scheme)
    }
}

/// The peppers this process holds: keys for HMAC that are kept outside the database.
///
/// With none, secrets are located by plain SHA-256, which is safe at 178 bits. A pepper makes a
/// stolen database useless even to somebody who can plant a secret in it. Rotate by adding a
/// higher version: new keys use the highest, older ones work for as long as theirs is held.
#[derive(Clone, Default)]
pub struct Peppers {
    /// Highest version first.
    held: Vec<(u32, Hmac<Sha256>)>,
}

/// The pepper cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPepper {
    /// Fewer than 32 bytes.
    #[error("a pepper needs at least 32 bytes of randomness")]
    TooShort,
    /// A version was given twice.
    #[error("pepper version {0} was given twice")]
    Repeated(u32),
}

impl Peppers {
    /// No pepper: plain SHA-256.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the pepper of `version`.
    ///
    /// # Errors
    ///
    /// When `key` has fewer than 32 bytes, or the version is there already.
    pub fn add(&mut self, version: u32, key: &[u8]) -> Result<(), InvalidPepper> {
        if key.len() < 32 {
            return Err(InvalidPepper::TooShort);
        }
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| InvalidPepper::TooShort)?;
        match self.held.binary_search_by(|(held, _)| version.cmp(held)) {
            Ok(_) => Err(InvalidPepper::Repeated(version)),
            Err(place) => {
                self.held.insert(place, (version, mac));
                Ok(())
            }
        }
    }

    /// The locator that a new secret is stored under.
    #[must_use]
    pub fn newest(&self, secret: &str) -> Locator {
        self.held.first().map_or_else(|| plain(secret), |pepper| peppered(pepper, secret))
    }

    /// Every locator under which `secret` may be stored, the newest first.
    #[must_use]
    pub fn candidates(&self, secret: &str) -> Vec<Locator> {
        let mut all = Vec::with_capacity(self.held.len() + 1);
        all.extend(self.held.iter().map(|pepper| peppered(pepper, secret)));
        all.push(plain(secret));
        all
    }

    /// Whether secrets stored under `scheme` can be found.
    #[must_use]
    pub fn covers(&self, scheme: &Scheme) -> bool {
        match scheme {
            Scheme::Sha256 => true,
            Scheme::HmacSha256 { pepper } => self.held.iter().any(|(version, _)| version == pepper),
            Scheme::Unknown(_) => false,
        }
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.held.iter().map(|(version, _)| version)).finish()
    }
}

fn plain(secret: &str) -> Locator {
    Locator::new(Scheme::Sha256, *Fingerprint::of(secret).as_bytes())
}

fn peppered((version, mac): &(u32, Hmac<Sha256>), secret: &str) -> Locator {
    let digest: [u8; 32] = mac.clone().chain_update(secret.as_bytes()).finalize().into_bytes().into();
    Locator::new(Scheme::HmacSha256 { pepper: *version }, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_survive_their_text() {
        for scheme in [Scheme::Sha256, Scheme::HmacSha256 { pepper: 7 }, Scheme::Unknown("x:1".into())] {
            assert_eq!(Scheme::from(scheme.to_string().as_str()), scheme);
        }
        assert_eq!(Scheme::from("hmac-sha256:-1"), Scheme::Unknown("hmac-sha256:-1".into()));
    }

    #[test]
    fn new_secrets_use_the_newest_pepper_and_old_ones_stay_findable() {
        let mut peppers = Peppers::none();
        let before = peppers.newest("s");
        peppers.add(1, &[1; 32]).unwrap();
        let first = peppers.newest("s");
        peppers.add(2, &[2; 32]).unwrap();
        let second = peppers.newest("s");
        assert_eq!(second.scheme(), &Scheme::HmacSha256 { pepper: 2 });
        assert_eq!(peppers.candidates("s"), [second, first, before]);
        assert!(!peppers.covers(&Scheme::HmacSha256 { pepper: 3 }));
        assert_eq!(peppers.add(2, &[0; 32]), Err(InvalidPepper::Repeated(2)));
        assert_eq!(peppers.add(3, &[0; 31]), Err(InvalidPepper::TooShort));
    }

    #[test]
    fn hmac_is_the_standard_one() {
        // RFC 4231, test case 1 has a 20-byte key; this is test case 6's key of 131 bytes.
        let mut peppers = Peppers::none();
        peppers.add(1, &[0xaa; 131]).unwrap();
        let locator = peppers.newest("Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(
            data_encoding::HEXLOWER.encode(locator.as_bytes()),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn nothing_of_a_digest_or_a_pepper_prints() {
        let mut peppers = Peppers::none();
        peppers.add(1, &[1; 32]).unwrap();
        assert_eq!(format!("{peppers:?}"), "{1}");
        assert_eq!(format!("{:?}", peppers.newest("s")), "Locator(hmac-sha256:1, …)");
        assert_eq!(format!("{:?}", Fingerprint::of("s")), "Fingerprint(…)");
    }
}
