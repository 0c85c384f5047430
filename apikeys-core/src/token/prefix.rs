use crate::text::{InvalidValue, text_value};

text_value! {
    /// The text with which every secret of your service begins, such as `acme_live`.
    ///
    /// A prefix has 2 to 16 characters of `a-z`, `0-9` and `_`, and begins with a letter. Cloning is cheap.
    Prefix, read_prefix
}

impl Prefix {
    /// The highest number of bytes that a prefix may have.
    pub const MAX_LEN: usize = 16;
}

impl Default for Prefix {
    /// Returns the prefix `key`.
    fn default() -> Self {
        Self("key".into())
    }
}

fn read_prefix(text: &str) -> Result<&str, InvalidValue> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if first && rest && (2..=Prefix::MAX_LEN).contains(&text.len()) {
        Ok(text)
    } else {
        Err(InvalidValue::new(
            "prefix",
            "expected 2 to 16 characters of a-z, 0-9 and _, the first of them a letter",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_accepts_its_pattern_only() {
        for good in ["ab", "acme_live", "a0", "a_", "abcdefghijklmnop"] {
            assert!(Prefix::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "_a", "0a", "Ab", "a-b", "aé", "abcdefghijklmnopq"] {
            assert!(Prefix::new(bad).is_err(), "{bad}");
        }
    }
}
