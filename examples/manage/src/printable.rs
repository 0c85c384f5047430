use std::fmt::Write;

/// Escapes all characters that control a terminal: control characters, line separators and characters
/// that change the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for c in text.chars() {
        // Cannot fail: `String` implements `Write` without errors.
        let _ = if controls_terminal(c) {
            write!(printed, "{}", c.escape_unicode())
        } else {
            printed.write_char(c)
        };
    }
    printed
}

fn controls_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_escapes_control_characters_only() {
        assert_eq!(printable("a\x1b[31mb\r\n\t\x7f"), r"a\u{1b}[31mb\u{d}\u{a}\u{9}\u{7f}");
        assert_eq!(printable("\u{9b}2J \u{202e}txt\u{feff}"), r"\u{9b}2J \u{202e}txt\u{feff}");
        let harmless = r#"Zoë's "key" \ キー 🔑 e\u{301}"#;
        assert_eq!(printable(harmless), harmless);
    }
}
