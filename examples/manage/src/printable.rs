use std::fmt::Write;

/// The text on one line, with everything in it that would act on a terminal written out: control
/// characters, among them the one that escape sequences begin with, and those that turn the
/// direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for c in text.chars() {
        // Writing to a `String` cannot fail.
        let _ = if acts(c) { write!(printed, "{}", c.escape_unicode()) } else { printed.write_char(c) };
    }
    printed
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out_and_the_rest_is_left() {
        assert_eq!(printable("a\x1b[31mb\r\n\t\x7f"), r"a\u{1b}[31mb\u{d}\u{a}\u{9}\u{7f}");
        assert_eq!(printable("\u{9b}2J \u{202e}txt\u{feff}"), r"\u{9b}2J \u{202e}txt\u{feff}");
        let harmless = r#"Zoë's "key" \ キー 🔑 e\u{301}"#;
        assert_eq!(printable(harmless), harmless);
    }
}
