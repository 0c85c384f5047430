use zeroize::Zeroizing;

use super::{Prefix, Secret};
use crate::entropy::{Entropy, EntropyError};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The place of each character in the alphabet. Other bytes have the place 0.
const VALUES: [u8; 256] = values();
const BODY_LEN: usize = 30;
const CHECKSUM_LEN: usize = 6;
const SHOWN_LEN: usize = 4;

/// The format of your service's secrets. The format contains the prefix of new secrets and all accepted
/// prefixes.
///
/// ```
/// use apikeys_core::token::{Prefix, TokenFormat};
///
/// let format = TokenFormat::new(Prefix::new("acme_live")?);
/// assert!(format.check(b"acme_live_0123456789ABCDEFGHIJKLMNOPQRST4MTgoG").is_ok());
/// assert!(format.check(b"acme_live_0123456789ABCDEFGHIJKLMNOPQRST4MTgoH").is_err());
/// # Ok::<(), apikeys_core::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TokenFormat {
    issued: Prefix,
    accepted: Vec<Prefix>,
}

/// The reason why a text cannot be one of your service's secrets. The response to the client does not contain
/// the reason, because the denial is always `Invalid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedToken {
    /// The text has more than [`TokenFormat::MAX_LEN`] bytes.
    #[error("the text is longer than a secret")]
    TooLong,
    /// The text does not consist of a prefix, an underscore and 36 characters of `0-9A-Za-z`.
    #[error("the text does not have the shape of a secret")]
    Shape,
    /// The prefix is not accepted.
    #[error("the prefix is not accepted")]
    Prefix,
    /// The last six characters are not the checksum of the others.
    #[error("the checksum does not match")]
    Checksum,
}

impl TokenFormat {
    /// The highest number of bytes that a secret may have. A text of this length fits into one block of
    /// SHA-256.
    pub const MAX_LEN: usize = Prefix::MAX_LEN + 1 + BODY_LEN + CHECKSUM_LEN;

    /// Creates a format that issues and accepts `prefix`.
    #[must_use]
    pub fn new(prefix: Prefix) -> Self {
        Self { issued: prefix, accepted: Vec::new() }
    }

    /// Accepts secrets with the given prefix as well.
    #[must_use]
    pub fn also_accept(mut self, prefix: Prefix) -> Self {
        self.accepted.push(prefix);
        self
    }

    /// Generates a secret.
    ///
    /// # Errors
    ///
    /// Returns an error if `entropy` fails.
    pub fn generate(&self, entropy: &dyn Entropy) -> Result<Secret, EntropyError> {
        let mut text = Zeroizing::new(String::with_capacity(Self::MAX_LEN));
        text.push_str(self.issued.as_str());
        text.push('_');
        let shown = text.len() + SHOWN_LEN;
        let full = text.len() + BODY_LEN;
        let mut pool = Zeroizing::new([0_u8; 48]);
        while text.len() < full {
            entropy.fill(pool.as_mut())?;
            let room = full - text.len();
            text.extend(pool.iter().filter_map(|byte| unbiased(*byte)).take(room));
        }
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Ok(Secret::new(text, shown))
    }

    /// Checks the shape, prefix and checksum of `text`, without I/O. If they are right, returns the text as a
    /// string.
    ///
    /// # Errors
    ///
    /// Returns an error that names the first rule that `text` breaks.
    pub fn check<'a>(&self, text: &'a [u8]) -> Result<&'a str, MalformedToken> {
        self.check_bytes(text)?;
        std::str::from_utf8(text).map_err(|_| MalformedToken::Shape)
    }

    /// Returns whether the shape, prefix and checksum of `text` are right. Such a text is ASCII.
    pub(crate) fn is_secret(&self, text: &[u8]) -> bool {
        self.check_bytes(text).is_ok()
    }

    fn check_bytes(&self, text: &[u8]) -> Result<(), MalformedToken> {
        if text.len() > Self::MAX_LEN {
            return Err(MalformedToken::TooLong);
        }
        let Some((head, last)) = text.split_last_chunk::<{ BODY_LEN + CHECKSUM_LEN }>() else {
            return Err(MalformedToken::Shape);
        };
        let Some((b'_', prefix)) = head.split_last() else {
            return Err(MalformedToken::Shape);
        };
        // Without an early end, the compiler checks many characters at a time.
        if !last.iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric()) {
            return Err(MalformedToken::Shape);
        }
        if !self.prefixes().any(|accepted| accepted.as_str().as_bytes() == prefix) {
            return Err(MalformedToken::Prefix);
        }
        match text.split_last_chunk() {
            Some((rest, sum)) if number(sum) == u64::from(crc32fast::hash(rest)) => Ok(()),
            _ => Err(MalformedToken::Checksum),
        }
    }

    fn prefixes(&self) -> impl Iterator<Item = &Prefix> {
        std::iter::once(&self.issued).chain(&self.accepted)
    }
}

#[expect(clippy::indexing_slicing, reason = "the compiler calls the function")]
const fn values() -> [u8; 256] {
    let mut values = [0; 256];
    let (mut letters, mut value) = (ALPHABET.as_slice(), 0);
    while let [letter, rest @ ..] = letters {
        values[*letter as usize] = value;
        (letters, value) = (rest, value + 1);
    }
    values
}

/// Returns the character for `byte`, or `None` for bytes that would make some characters more likely than
/// others.
fn unbiased(byte: u8) -> Option<char> {
    const FAIR: u8 = 62 * (u8::MAX / 62);
    if byte >= FAIR {
        return None;
    }
    ALPHABET.get(usize::from(byte % 62)).copied().map(char::from)
}

/// Returns the number that `digits` of the alphabet are in base 62. Six digits of one number are never those of another.
fn number(digits: &[u8; CHECKSUM_LEN]) -> u64 {
    // Multiplications do not wait for each other, unlike the divisions of `checksum`.
    const WEIGHTS: [u64; CHECKSUM_LEN] =
        [62 * 62 * 62 * 62 * 62, 62 * 62 * 62 * 62, 62 * 62 * 62, 62 * 62, 62, 1];
    let value = |digit: &u8| u64::from(VALUES.get(usize::from(*digit)).copied().unwrap_or_default());
    digits.iter().zip(WEIGHTS).map(|(digit, weight)| value(digit) * weight).sum()
}

/// Returns the CRC-32 (IEEE) of `text` in base 62, most significant digit first.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut rest = crc32fast::hash(text);
    let mut digits = [b'0'; CHECKSUM_LEN];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(rest % 62).unwrap_or_default();
        *digit = ALPHABET.get(index).copied().unwrap_or_default();
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::entropy::OsEntropy;

    fn format() -> TokenFormat {
        TokenFormat::new(Prefix::new("acme_live").unwrap())
    }

    /// Returns the CRC computed bit by bit, as the standard describes it, independently of the code above.
    fn naive_crc32(text: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in text {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            }
        }
        !crc
    }

    fn naive_checksum(text: &str) -> String {
        let value = u64::from(naive_crc32(text.as_bytes()));
        (0..6).rev().map(|place| char::from(ALPHABET[(value / 62_u64.pow(place) % 62) as usize])).collect()
    }

    #[test]
    fn check_accepts_the_golden_vectors() {
        let file = include_str!("../../tests/golden/tokens.txt");
        let mut seen = 0;
        for line in file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let mut words = line.split(' ');
            let (prefix, token, sha256) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let format = TokenFormat::new(Prefix::new(prefix).unwrap());
            let text = format.check(token.as_bytes()).expect(token);
            let digest = super::super::Fingerprint::of(text);
            assert_eq!(data_encoding::HEXLOWER.encode(digest.as_bytes()), sha256, "{token}");
            seen += 1;
        }
        assert!(seen >= 8, "only {seen} golden vectors");
    }

    #[test]
    fn digits_of_a_checksum_are_read_as_the_number_that_they_were_written_from() {
        for text in ["", "key_", "acme_live_0123456789"] {
            assert_eq!(number(&checksum(text.as_bytes())), u64::from(naive_crc32(text.as_bytes())));
        }
        assert_eq!(number(b"00000z"), 61);
        // The largest number does not wrap around to a checksum.
        assert_eq!(number(b"zzzzzz"), 62_u64.pow(6) - 1);
    }

    #[test]
    fn longest_secret_is_one_sha_256_block() {
        const { assert!(TokenFormat::MAX_LEN <= 55) };
        let longest = TokenFormat::new(Prefix::new("abcdefghijklmnop").unwrap());
        assert_eq!(longest.generate(&OsEntropy).unwrap().expose().len(), TokenFormat::MAX_LEN);
    }

    #[test]
    fn million_secrets_are_distinct_uniform_and_well_formed() {
        let format = format();
        let head = "acme_live_".len();
        let mut counts = vec![[0_u32; 62]; BODY_LEN];
        let mut seen = HashSet::with_capacity(1_000_000);
        let index = |byte: u8| ALPHABET.iter().position(|letter| *letter == byte).unwrap();
        let place: Vec<usize> =
            (0..=255_u8).map(|b| if b.is_ascii_alphanumeric() { index(b) } else { 62 }).collect();
        for _ in 0..1_000_000 {
            let secret = format.generate(&OsEntropy).unwrap();
            let text = secret.expose();
            assert!(format.check(text.as_bytes()).is_ok());
            assert!(text.is_ascii() && text.starts_with("acme_live_"));
            assert!(text.as_bytes()[text.len() - 1].is_ascii_alphanumeric());
            assert_eq!(secret.display_prefix(), &text[..head + 4]);
            let body = &text.as_bytes()[head..head + BODY_LEN];
            for (count, byte) in counts.iter_mut().zip(body) {
                count[place[usize::from(*byte)]] += 1;
            }
            let digest: [u8; 30] = body.try_into().unwrap();
            assert!(seen.insert(digest), "a secret was made twice");
        }
        // With 61 degrees of freedom, a fair position exceeds 130 once in a million runs.
        for (position, count) in counts.iter().enumerate() {
            let expected = 1_000_000.0 / 62.0;
            let chi: f64 = count.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            assert!(chi < 130.0, "position {position}: chi-square {chi}");
        }
    }

    #[test]
    fn check_refuses_a_letter_in_the_other_case() {
        let format = format();
        for _ in 0..200 {
            let secret = format.generate(&OsEntropy).unwrap();
            for at in 0..secret.expose().len() {
                let mut other = secret.expose().as_bytes().to_vec();
                if !other[at].is_ascii_alphabetic() {
                    continue;
                }
                other[at] ^= 0x20;
                assert!(format.check(&other).is_err());
            }
        }
    }

    #[test]
    fn check_accepts_the_additional_prefixes() {
        let old = TokenFormat::new(Prefix::new("acme").unwrap());
        let secret = old.generate(&OsEntropy).unwrap();
        let new = format();
        assert_eq!(new.check(secret.expose().as_bytes()), Err(MalformedToken::Prefix));
        let both = new.also_accept(Prefix::new("acme").unwrap());
        assert!(both.check(secret.expose().as_bytes()).is_ok());
        assert!(both.generate(&OsEntropy).unwrap().expose().starts_with("acme_live_"));
    }

    #[test]
    fn check_returns_the_rule_that_the_text_breaks() {
        let format = format();
        let good = format.generate(&OsEntropy).unwrap().expose().to_owned();
        assert_eq!(format.check(b""), Err(MalformedToken::Shape));
        assert_eq!(format.check(&[b'a'; 200]), Err(MalformedToken::TooLong));
        assert_eq!(format.check(good.replacen('_', "-", 2).as_bytes()), Err(MalformedToken::Shape));
        assert_eq!(format.check(good.replacen("live", "test", 1).as_bytes()), Err(MalformedToken::Prefix));
    }

    proptest! {
        #[test]
        fn generated_secret_is_accepted_and_has_the_naive_checksum(seed: [u8; 16]) {
            let secret = format().generate(&Seeded(seed)).unwrap();
            let text = secret.expose();
            prop_assert_eq!(format().check(text.as_bytes()), Ok(text));
            let (head, sum) = text.split_at(text.len() - CHECKSUM_LEN);
            prop_assert_eq!(sum, naive_checksum(head));
        }

        #[test]
        fn check_refuses_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(format().check(&bytes).is_err());
        }

        #[test]
        fn check_refuses_a_secret_with_one_changed_byte(seed: [u8; 16], at in 0_usize..46, byte: u8) {
            let secret = format().generate(&Seeded(seed)).unwrap();
            let mut bytes = secret.expose().as_bytes().to_vec();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert!(format().check(&bytes).is_err());
        }

        #[test]
        fn check_accepts_a_well_shaped_text_only_with_the_naive_checksum(body in "[0-9A-Za-z]{30}", sum in "[0-9A-Za-z]{6}") {
            let head = format!("acme_live_{body}");
            let passes = format().check(format!("{head}{sum}").as_bytes()).is_ok();
            prop_assert_eq!(passes, sum == naive_checksum(&head));
            let right = format!("{head}{}", naive_checksum(&head));
            prop_assert!(format().check(right.as_bytes()).is_ok());
        }
    }

    #[derive(Debug)]
    struct Seeded([u8; 16]);

    impl Entropy for Seeded {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
            let mut state = u64::from_le_bytes(self.0[..8].try_into().unwrap()) | 1;
            for byte in bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (state >> 56) as u8;
            }
            Ok(())
        }
    }
}
