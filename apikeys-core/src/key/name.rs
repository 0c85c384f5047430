use crate::text::{InvalidValue, is_printable, text_value};

text_value! {
    /// The name that an administrator gives a key: 1 to 100 characters without control characters.
    ///
    /// White space at the beginning and the end of the text is removed and does not count. Cloning is cheap.
    KeyName, read_key_name
}

impl KeyName {
    /// The maximum number of characters (Unicode scalar values) in a name.
    pub const MAX_CHARS: usize = 100;
}

fn read_key_name(text: &str) -> Result<&str, InvalidValue> {
    let invalid = |reason| Err(InvalidValue::new("key name", reason));
    let text = text.trim();
    if text.is_empty() {
        invalid("expected at least 1 character")
    } else if text.chars().nth(KeyName::MAX_CHARS).is_some() {
        invalid("expected at most 100 characters")
    } else if !text.chars().all(is_printable) {
        invalid("expected no control characters")
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_name_is_trimmed_and_limited_in_characters() {
        assert_eq!(KeyName::new("  CI \u{3000}").unwrap().as_str(), "CI");
        assert!(KeyName::new("é".repeat(100)).is_ok());
        let reason = |text: &str| KeyName::new(text).unwrap_err().reason();
        assert_eq!(reason(&"é".repeat(101)), "expected at most 100 characters");
        assert_eq!(reason(" \t\n"), "expected at least 1 character");
        for bad in ["a\u{0}b", "a\nb", "a\u{1b}[31m", "a\u{7f}", "a\u{85}b", "a\u{202e}b"] {
            assert_eq!(reason(bad), "expected no control characters", "{bad:?}");
        }
    }
}
