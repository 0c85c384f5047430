use std::collections::HashSet;

/// How many consecutive bytes of a secret are too many.
pub(super) const PIECE: usize = 8;

/// The secrets that were issued, as all their pieces.
#[derive(Debug)]
pub(super) struct Secrets {
    count: usize,
    pieces: HashSet<u64>,
}

impl Secrets {
    /// Reads lines of a display prefix and a secret, with a space between.
    ///
    /// # Errors
    ///
    /// When a line is anything else: a secret that is misread is not searched for.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut secrets = HashSet::new();
        let mut pieces = HashSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            // The line may be a secret: it is not repeated.
            let hidden = line
                .split_once(' ')
                .and_then(|(shown, secret)| secret.strip_prefix(shown))
                .filter(|hidden| {
                    hidden.len() >= 2 * PIECE && hidden.bytes().all(|b| b.is_ascii_alphanumeric())
                })
                .ok_or_else(|| format!("line {number} is not a display prefix and a secret"))?;
            secrets.insert(line);
            for piece in hidden.as_bytes().windows(PIECE) {
                pieces.insert(piece.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
            }
        }
        Ok(Self { count: secrets.len(), pieces })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Looks at bytes one after the other.
    pub(super) fn seeker(&self) -> Seeker<'_> {
        Seeker { secrets: self, last: 0, run: 0 }
    }
}

/// Remembers the last bytes it saw, from one chunk to the next.
#[derive(Debug)]
pub(super) struct Seeker<'a> {
    secrets: &'a Secrets,
    last: u64,
    /// How many letters and digits came last: pieces have nothing else.
    run: usize,
}

impl Seeker<'_> {
    /// Where in `chunk` a piece ends, if one does.
    pub(super) fn find(&mut self, chunk: &[u8]) -> Option<usize> {
        for (at, byte) in chunk.iter().enumerate() {
            self.last = self.last << 8 | u64::from(*byte);
            self.run = if byte.is_ascii_alphanumeric() { self.run + 1 } else { 0 };
            if self.run >= PIECE && self.secrets.pieces.contains(&self.last) {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ab_0123 ab_0123ABCDEFGHIJKLMNOPQRSTUVWXYZ456789";

    #[test]
    fn every_eight_bytes_beyond_the_display_prefix_are_found() {
        let secrets = Secrets::parse(LINE).unwrap();
        let hidden = LINE.split_once(' ').unwrap().1.strip_prefix("ab_0123").unwrap();
        for piece in hidden.as_bytes().windows(8) {
            let text = [b"see: ", piece, b"!"].concat();
            assert_eq!(secrets.seeker().find(&text), Some(12));
        }
    }

    #[test]
    fn seven_bytes_and_the_display_prefix_are_not_found() {
        let secrets = Secrets::parse(LINE).unwrap();
        for harmless in ["ab_0123", "ab_0123ABCDEFG", "ABCDEFG", "ABCDEFG-H", "BCDEFGHi", "456789ab"] {
            assert_eq!(secrets.seeker().find(harmless.as_bytes()), None, "{harmless}");
        }
    }

    #[test]
    fn a_piece_across_two_chunks_is_found() {
        let secrets = Secrets::parse(LINE).unwrap();
        for cut in 1..8 {
            let (first, second) = b"HIJKLMNO".split_at(cut);
            let mut seeker = secrets.seeker();
            assert_eq!(seeker.find(first), None);
            assert_eq!(seeker.find(second), Some(7 - cut));
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error_without_the_secret() {
        for bad in [
            "",
            "ab_0123",
            "ab_0124 ab_0123ABCDEFGHIJKLMNOPQRST",
            "ab_ ab_short",
            "x xABCDEFGH-IJKLMNOPQRSTUV",
        ] {
            let message = Secrets::parse(&format!("{LINE}\n{bad}\n")).unwrap_err();
            assert_eq!(message, "line 2 is not a display prefix and a secret");
        }
    }

    #[test]
    fn a_secret_that_is_noted_twice_counts_once() {
        assert_eq!(Secrets::parse(&format!("{LINE}\n{LINE}\n")).unwrap().len(), 1);
    }
}
