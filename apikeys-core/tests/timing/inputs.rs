use apikeys_core::{
    entropy::OsEntropy,
    token::{Fingerprint, Locator, Peppers, Scheme, TokenFormat},
};

use crate::judge::Random;

pub(crate) fn format() -> TokenFormat {
    TokenFormat::new("test_key".parse().unwrap())
}

/// A well-formed wrong secret, and the secret that is stored.
pub(crate) struct Presented {
    pub(crate) text: [u8; 45],
    pub(crate) stored: [u8; 45],
    pub(crate) fingerprint: Fingerprint,
    pub(crate) locator: Locator,
}

impl Presented {
    /// In class 0 the first character is wrong, in class 1 the last character. In class 2 the secret is
    /// unknown.
    pub(crate) fn new(class: usize, random: &mut Random) -> Self {
        let format = format();
        let stored = format.generate(&OsEntropy::new()).unwrap();
        let first = "test_key_".len();
        let text = match class {
            0 => altered(stored.expose(), first, random),
            1 => altered(stored.expose(), first + 29, random),
            _ => format.generate(&OsEntropy::new()).unwrap().expose().as_bytes().to_vec(),
        };
        assert!(format.check(&text).is_ok());
        Self {
            text: text.try_into().unwrap(),
            stored: stored.expose().as_bytes().try_into().unwrap(),
            fingerprint: Fingerprint::of(stored.expose()),
            locator: Peppers::none().newest(stored.expose()),
        }
    }
}

/// Returns the secret with another character at `at` and the matching checksum.
fn altered(secret: &str, at: usize, random: &mut Random) -> Vec<u8> {
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut bytes = secret.as_bytes().to_vec();
    while bytes[at] == secret.as_bytes()[at] {
        bytes[at] = alphabet[random.below(62)];
    }
    let end = bytes.len() - 6;
    let mut rest = crc32fast::hash(&bytes[..end]);
    for place in (end..bytes.len()).rev() {
        bytes[place] = alphabet[usize::try_from(rest % 62).unwrap()];
        rest /= 62;
    }
    bytes
}

/// Two locators whose digests differ.
pub(crate) struct DigestPair {
    pub(crate) one: Locator,
    pub(crate) other: Locator,
}

impl DigestPair {
    /// In class 0 only the first byte differs, in class 1 only the last byte, and in class 2 all bytes.
    pub(crate) fn new(class: usize, random: &mut Random) -> Self {
        let mut one = [0; 32];
        for part in one.chunks_mut(8) {
            part.copy_from_slice(&random.next().to_ne_bytes());
        }
        let mut other = one;
        match class {
            0 => other[0] ^= 0x55,
            1 => other[31] ^= 0x55,
            _ => other.iter_mut().for_each(|byte| *byte ^= 0x55),
        }
        let locator = |digest: [u8; 32]| Locator::new(Scheme::Sha256, digest);
        Self { one: locator(one), other: locator(other) }
    }
}

/// Pairs of fingerprints with and without an equal prefix.
pub(crate) struct FingerprintPairs {
    alike: Vec<(Fingerprint, Fingerprint)>,
    unlike: Vec<(Fingerprint, Fingerprint)>,
}

impl FingerprintPairs {
    /// Of 2^18 fingerprints, about 2,000 pairs agree in their first three bytes.
    pub(crate) fn find() -> Self {
        let mut all: Vec<_> = (0..1 << 18).map(|n: u32| Fingerprint::of(&format!("secret {n}"))).collect();
        all.sort_by_key(|fingerprint| *fingerprint.as_bytes());
        let neighbours = all.windows(2).map(|pair| (pair[0], pair[1]));
        let alike: Vec<_> = neighbours.filter(|(a, b)| a.as_bytes()[..3] == b.as_bytes()[..3]).collect();
        let (low, high) = all.split_at(all.len() / 2);
        let unlike: Vec<_> = low.iter().copied().zip(high.iter().copied()).take(alike.len()).collect();
        assert!(alike.len() > 1_000, "{} pairs", alike.len());
        assert!(unlike.iter().all(|(a, b)| a.as_bytes()[0] != b.as_bytes()[0]));
        Self { alike, unlike }
    }

    /// Returns a pair with an equal prefix for class 0, and a pair without an equal prefix for class 1.
    pub(crate) fn pick(&self, class: usize, random: &mut Random) -> (Fingerprint, Fingerprint) {
        let pairs = if class == 0 { &self.alike } else { &self.unlike };
        pairs[random.below(pairs.len())]
    }
}
