use std::collections::{BTreeMap, HashSet};

/// Length of a piece in bytes: no piece of a secret may be found.
pub(super) const PIECE: usize = 8;

/// Number of base64 characters that a piece determines, at any of the three alignments.
const PIECE_IN_BASE64: usize = 10;

/// The secrets that tests created, as the set of their pieces.
#[derive(Debug)]
pub(super) struct Secrets {
    /// Number of distinct secrets that the tests of each package issued.
    issued: BTreeMap<String, usize>,
    /// Pieces as eight bytes.
    pieces: Pieces,
    /// Pieces as the ten base64 characters that they determine, six bits each.
    in_base64: Pieces,
}

impl Secrets {
    /// Reads lines of the name of a package, a display prefix and a secret, separated by spaces.
    ///
    /// # Errors
    ///
    /// Returns an error for any other line, because the search would miss its secret.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut secrets, mut issued) = (HashSet::new(), BTreeMap::new());
        let (mut pieces, mut in_base64) = (Pieces::default(), Pieces::default());
        for (number, line) in (1..).zip(text.lines()) {
            // The line may be a secret, so the message does not repeat it.
            let (package, hidden) = read(line).ok_or_else(|| {
                format!(
                    "line {number} of the list of secrets is not a package, a display prefix and a secret"
                )
            })?;
            if secrets.insert(line) {
                *issued.entry(package.to_owned()).or_default() += 1;
            }
            for piece in hidden.as_bytes().windows(PIECE) {
                let bits = piece.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
                pieces.insert(bits);
                // A piece may begin at the first, second or third byte of a base64 group: then the
                // first zero, four or two of its bits belong to a character shared with its neighbour.
                for shared in [0_u32, 4, 2] {
                    in_base64.insert(bits << shared >> 4);
                }
            }
        }
        Ok(Self { issued, pieces, in_base64 })
    }

    /// Returns the packages whose tests issued secrets.
    pub(super) fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issued.keys().map(String::as_str)
    }

    /// Number of distinct secrets that the tests of `package` issued.
    pub(super) fn issued_by(&self, package: &str) -> usize {
        self.issued.get(package).copied().unwrap_or(0)
    }

    /// Starts a search through a sequence of bytes.
    pub(super) fn seeker(&self) -> Seeker<'_> {
        Seeker {
            secrets: self,
            plain: Run::default(),
            hex: Run::default(),
            base64: Run::default(),
            list: Run::default(),
            number: None,
        }
    }
}

/// Reads the name of the package and the hidden part of the secret.
fn read(line: &str) -> Option<(&str, &str)> {
    let (package, line) = line.split_once(' ')?;
    let (shown, secret) = line.split_once(' ')?;
    let hidden = secret.strip_prefix(shown)?;
    let valid = hidden.len() >= 2 * PIECE && hidden.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (valid && !package.is_empty()).then_some((package, hidden))
}

/// A set of numbers. A filter of bits rules out most numbers without a look-up in the set.
#[derive(Debug, Default)]
struct Pieces {
    exact: HashSet<u64>,
    filter: Vec<u64>,
}

impl Pieces {
    const FILTER_BITS: u32 = 24;

    fn insert(&mut self, piece: u64) {
        if self.filter.is_empty() {
            self.filter = vec![0; 1 << (Self::FILTER_BITS - 6)];
        }
        let (word, bit) = Self::place(piece);
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bit;
        }
        self.exact.insert(piece);
    }

    fn contains(&self, piece: u64) -> bool {
        let (word, bit) = Self::place(piece);
        self.filter.get(word).is_some_and(|word| word & bit != 0) && self.exact.contains(&piece)
    }

    fn place(piece: u64) -> (usize, u64) {
        let hash = piece.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::FILTER_BITS);
        (usize::try_from(hash >> 6).unwrap_or_default(), 1 << (hash & 63))
    }
}

/// Keeps the last bytes in each encoding, so that a piece is found across two chunks.
#[derive(Debug)]
pub(super) struct Seeker<'a> {
    secrets: &'a Secrets,
    /// The bytes themselves.
    plain: Run,
    /// Hexadecimal digits, upper or lower case.
    hex: Run,
    /// Base64 characters of the standard or the URL-safe alphabet.
    base64: Run,
    /// Decimal numbers as `{:?}` prints a list of bytes.
    list: Run,
    /// The decimal number that is being read.
    number: Option<u16>,
}

/// The latest characters of one encoding.
#[derive(Debug, Default)]
struct Run {
    bits: u64,
    /// Number of characters since the last character that does not belong to the encoding.
    len: usize,
}

impl Run {
    fn push(&mut self, width: u32, value: u64) {
        self.bits = self.bits << width | value;
        self.len += 1;
    }
}

impl Seeker<'_> {
    /// Returns where in `chunk` a piece ends, if one does.
    pub(super) fn find(&mut self, chunk: &[u8]) -> Option<usize> {
        chunk.iter().position(|byte| self.is_end_of_piece(*byte))
    }

    fn is_end_of_piece(&mut self, byte: u8) -> bool {
        let pieces = &self.secrets.pieces;
        self.plain.push(8, byte.into());
        if !byte.is_ascii_alphanumeric() {
            // A piece consists of letters and digits.
            self.plain.len = 0;
        }
        let mut found = self.plain.len >= PIECE && pieces.contains(self.plain.bits);
        match char::from(byte).to_digit(16) {
            Some(digit) => self.hex.push(4, digit.into()),
            None => self.hex.len = 0,
        }
        found |= self.hex.len >= 2 * PIECE && pieces.contains(self.hex.bits);
        match base64_value(byte) {
            Some(value) => self.base64.push(6, value.into()),
            None => self.base64.len = 0,
        }
        let in_base64 = self.base64.bits & ((1 << (6 * PIECE_IN_BASE64)) - 1);
        found |= self.base64.len >= PIECE_IN_BASE64 && self.secrets.in_base64.contains(in_base64);
        found | self.ends_piece_of_list(byte)
    }

    fn ends_piece_of_list(&mut self, byte: u8) -> bool {
        if byte.is_ascii_digit() {
            let number = self.number.unwrap_or(0).saturating_mul(10).saturating_add((byte - b'0').into());
            self.number = Some(number);
            return false;
        }
        if let Some(number) = self.number.take() {
            match u8::try_from(number) {
                Ok(number) => self.list.push(8, number.into()),
                Err(_) => self.list.len = 0,
            }
        }
        let found = self.list.len >= PIECE && self.secrets.pieces.contains(self.list.bits);
        if !matches!(byte, b',' | b' ' | b'\n') {
            self.list.len = 0;
        }
        found
    }
}

fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "core ab_0123 ab_0123ABCDEFGHIJKLMNOPQRSTUVWXYZ456789";

    fn hidden() -> &'static [u8] {
        read(LINE).unwrap().1.as_bytes()
    }

    fn finds(text: impl AsRef<[u8]>) -> bool {
        Secrets::parse(LINE).unwrap().seeker().find(text.as_ref()).is_some()
    }

    #[test]
    fn eight_bytes_beyond_the_display_prefix_are_found() {
        let secrets = Secrets::parse(LINE).unwrap();
        for piece in hidden().windows(8) {
            let text = [b"see: ", piece, b"!"].concat();
            assert_eq!(secrets.seeker().find(&text), Some(12));
        }
    }

    #[test]
    fn seven_bytes_and_the_display_prefix_are_not_found() {
        for harmless in ["ab_0123", "ab_0123ABCDEFG", "ABCDEFG", "ABCDEFG-H", "BCDEFGHi", "456789ab"] {
            assert!(!finds(harmless), "{harmless}");
        }
    }

    #[test]
    fn eight_bytes_in_hexadecimal_are_found_in_either_case() {
        for piece in hidden().windows(8) {
            let lower: String = piece.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(finds(&lower) && finds(lower.to_uppercase()) && finds(format!("\\x5f{lower}0")));
            assert!(!finds(&lower[..14]) && !finds(&lower[1..]));
        }
    }

    #[test]
    fn eight_bytes_in_base64_are_found_at_every_alignment() {
        use base64_of::{standard, url_safe};
        for piece in hidden().windows(8) {
            for before in ["", "k", "ke", "key"] {
                for after in ["", "\u{fb}", "~~", "???"] {
                    let text = [before.as_bytes(), piece, after.as_bytes()].concat();
                    assert!(finds(standard(&text)) && finds(url_safe(&text)), "{before:?} {after:?}");
                }
            }
        }
        assert!(!finds(standard(b"key:ABCDEFG")));
    }

    #[test]
    fn eight_bytes_in_a_list_of_numbers_are_found() {
        for piece in hidden().windows(8) {
            assert!(finds(format!("{piece:?}")) && finds(format!("{piece:#?}")));
            assert!(finds(format!("Bytes({:?})", [b"Bearer ", piece].concat())));
            assert!(!finds(format!("{:?}", &piece[..7])));
        }
    }

    #[test]
    fn piece_across_two_chunks_is_found() {
        let secrets = Secrets::parse(LINE).unwrap();
        for cut in 1..8 {
            let (first, second) = b"HIJKLMNO".split_at(cut);
            let mut seeker = secrets.seeker();
            assert_eq!(seeker.find(first), None);
            assert_eq!(seeker.find(second), Some(7 - cut));
        }
    }

    #[test]
    fn invalid_line_gives_an_error_without_the_secret() {
        for bad in [
            "",
            "core ab_0123",
            "ab_0123 ab_0123ABCDEFGHIJKLMNOPQRST",
            " ab_0123 ab_0123ABCDEFGHIJKLMNOPQRST",
            "core ab_0124 ab_0123ABCDEFGHIJKLMNOPQRST",
            "core ab_ ab_short",
            "core x xABCDEFGH-IJKLMNOPQRSTUV",
        ] {
            let message = Secrets::parse(&format!("{LINE}\n{bad}\n")).unwrap_err();
            assert_eq!(
                message,
                "line 2 of the list of secrets is not a package, a display prefix and a secret"
            );
        }
    }

    #[test]
    fn secret_that_is_registered_twice_counts_once() {
        let secrets = Secrets::parse(&format!("{LINE}\n{LINE}\n")).unwrap();
        assert_eq!((secrets.issued_by("core"), secrets.issued_by("other")), (1, 0));
    }

    mod base64_of {
        use base64::{Engine, engine::general_purpose};

        pub(super) fn standard(bytes: &[u8]) -> String {
            general_purpose::STANDARD.encode(bytes)
        }

        pub(super) fn url_safe(bytes: &[u8]) -> String {
            general_purpose::URL_SAFE_NO_PAD.encode(bytes)
        }
    }
}
