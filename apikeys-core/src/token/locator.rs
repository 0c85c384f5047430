use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret. Fingerprints are compared in constant time.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the fingerprint of a secret's text.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self::of_bytes(secret.as_bytes())
    }

    pub(crate) fn of_bytes(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Returns the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        let words = |fingerprint: &Self| {
            let (words, _) = fingerprint.0.as_chunks();
            [0, 1, 2, 3].map(|place| words.get(place).copied().map_or(0, u64::from_ne_bytes))
        };
        // The bits in which the fingerprints differ, of eight bytes at a time.
        let differences = words(self).into_iter().zip(words(other)).map(|(own, other)| own ^ other);
        differences.fold(0, |all, some| all | some).ct_eq(&0).into()
    }
}

impl Eq for Fingerprint {}

/// The locator under which a secret is stored if there is no pepper.
impl From<Fingerprint> for Locator {
    fn from(fingerprint: Fingerprint) -> Self {
        Self::new(Scheme::Sha256, fingerprint.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// The way in which a [`Locator`] was derived from its secret. A store holds the text of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// SHA-256 of the secret's text. The scheme's text is `sha256`.
    Sha256,
    /// HMAC-SHA-256 of the secret's text under the pepper of this version. The scheme's text is
    /// `hmac-sha256:7` for version 7.
    HmacSha256 {
        /// The version of the pepper.
        pepper: u32,
    },
    /// The stored text of a scheme that this version of the library does not know.
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

/// The value under which a secret is stored and looked up. A locator consists of a digest of the secret and the
/// [`Scheme`] by which the digest was derived.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator {
    scheme: Scheme,
    bytes: Box<[u8]>,
}

impl Locator {
    /// Creates a locator from the parts that a store has read.
    #[must_use]
    pub fn new(scheme: Scheme, bytes: impl Into<Box<[u8]>>) -> Self {
        Self { scheme, bytes: bytes.into() }
    }

    /// Returns the scheme by which the digest was derived.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Returns the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whether the locators are equal. The time of the comparison does not depend on where they
    /// differ.
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

/// The peppers of this process. A pepper is an HMAC key that is kept outside the database.
///
/// Without a pepper, secrets are located by their SHA-256. An attacker who reads the digests cannot find the
/// secrets, because a secret has 178 random bits. With a pepper, an attacker who can write to the database but does
/// not know the pepper cannot add a secret that works. A row with a plain SHA-256 is then not accepted, unless
/// [`allow_unpeppered`](Self::allow_unpeppered) was called.
///
/// To rotate the pepper, add a pepper with a higher version. New keys use the pepper of the highest version.
/// Older keys work as long as their pepper is set.
#[derive(Clone, Default)]
pub struct Peppers {
    /// The peppers, highest version first.
    held: Vec<(u32, Hmac<Sha256>)>,
    allow_unpeppered: bool,
}

/// The reason why a pepper is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPepper {
    /// The pepper has fewer than 32 bytes.
    #[error("a pepper needs at least 32 bytes of randomness")]
    TooShort,
    /// The version was added before.
    #[error("pepper version {0} was added twice")]
    Repeated(u32),
}

impl Peppers {
    /// Creates an empty set. Secrets are then located by their SHA-256.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the pepper of `version`.
    ///
    /// # Errors
    ///
    /// Returns an error if `key` has fewer than 32 bytes, or if the version was added before.
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

    /// Accepts secrets that are stored without a pepper, although a pepper is set.
    pub fn allow_unpeppered(&mut self) {
        self.allow_unpeppered = true;
    }

    /// Returns the locator that a new secret is stored under.
    #[must_use]
    pub fn newest(&self, secret: &str) -> Locator {
        self.held.first().map_or_else(|| plain(secret), |pepper| peppered(pepper, secret))
    }

    /// Returns whether the locators of a secret depend on anything but its [`Fingerprint`].
    pub(crate) fn need_secret(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns all locators under which `secret` may be stored, the newest scheme first.
    #[must_use]
    pub fn candidates(&self, secret: &str) -> Vec<Locator> {
        let mut all = Vec::with_capacity(self.held.len() + 1);
        all.extend(self.held.iter().map(|pepper| peppered(pepper, secret)));
        if self.accepts_unpeppered() {
            all.push(plain(secret));
        }
        all
    }

    /// Returns whether secrets that are stored under `scheme` can be verified.
    #[must_use]
    pub fn covers(&self, scheme: &Scheme) -> bool {
        match scheme {
            Scheme::Sha256 => self.accepts_unpeppered(),
            Scheme::HmacSha256 { pepper } => self.held.iter().any(|(version, _)| version == pepper),
            Scheme::Unknown(_) => false,
        }
    }

    fn accepts_unpeppered(&self) -> bool {
        self.held.is_empty() || self.allow_unpeppered
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.held.iter().map(|(version, _)| version)).finish()
    }
}

fn plain(secret: &str) -> Locator {
    Fingerprint::of(secret).into()
}

fn peppered((version, mac): &(u32, Hmac<Sha256>), secret: &str) -> Locator {
    let digest: [u8; 32] = mac.clone().chain_update(secret.as_bytes()).finalize().into_bytes().into();
    Locator::new(Scheme::HmacSha256 { pepper: *version }, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_read_from_its_text_is_the_same() {
        for scheme in [Scheme::Sha256, Scheme::HmacSha256 { pepper: 7 }, Scheme::Unknown("x:1".into())] {
            assert_eq!(Scheme::from(scheme.to_string().as_str()), scheme);
        }
        assert_eq!(Scheme::from("hmac-sha256:-1"), Scheme::Unknown("hmac-sha256:-1".into()));
    }

    #[test]
    fn peppers_locate_new_secrets_by_the_newest_and_old_ones_by_all() {
        let mut peppers = Peppers::none();
        let before = peppers.newest("s");
        peppers.add(1, &[1; 32]).unwrap();
        let first = peppers.newest("s");
        peppers.add(2, &[2; 32]).unwrap();
        let second = peppers.newest("s");
        assert_eq!(second.scheme(), &Scheme::HmacSha256 { pepper: 2 });
        assert_eq!(peppers.candidates("s"), [second.clone(), first.clone()]);
        assert!(!peppers.covers(&Scheme::Sha256), "a planted row is not accepted");
        peppers.allow_unpeppered();
        assert_eq!(peppers.candidates("s"), [second, first, before]);
        assert!(peppers.covers(&Scheme::Sha256));
        assert!(!peppers.covers(&Scheme::HmacSha256 { pepper: 3 }));
        assert_eq!(peppers.add(2, &[0; 32]), Err(InvalidPepper::Repeated(2)));
        assert_eq!(peppers.add(3, &[0; 31]), Err(InvalidPepper::TooShort));
    }

    #[test]
    fn peppered_locator_is_the_hmac_of_rfc_4231() {
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
    fn debug_shows_neither_digests_nor_peppers() {
        let mut peppers = Peppers::none();
        peppers.add(1, &[1; 32]).unwrap();
        assert_eq!(format!("{peppers:?}"), "{1}");
        assert_eq!(format!("{:?}", peppers.newest("s")), "Locator(hmac-sha256:1, …)");
        assert_eq!(format!("{:?}", Fingerprint::of("s")), "Fingerprint(…)");
    }
}
