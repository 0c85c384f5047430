use std::fmt;

use zeroize::Zeroizing;

/// The text that a program sends to use a key. The text is available once, when the key is created.
///
/// A secret cannot be displayed or serialized, its `Debug` output shows the display prefix only, and its
/// memory is wiped when it is dropped. [`expose`](Self::expose) is the only access to the text, so that every
/// use can be found in the code by this name.
///
/// ```compile_fail
/// # fn secret() -> apikeys_core::Secret { loop {} }
/// // Does not compile, because `Secret` does not implement `Display`.
/// println!("{}", secret());
/// ```
///
/// ```compile_fail
/// # fn secret() -> apikeys_core::Secret { loop {} }
/// // Does not compile, because `Secret` does not implement `Serialize`.
/// serde_json::to_string(&secret());
/// ```
pub struct Secret {
    text: Zeroizing<String>,
    shown: usize,
}

impl Secret {
    /// `shown` is the length of the display prefix.
    pub(super) fn new(text: Zeroizing<String>, shown: usize) -> Self {
        Self { text, shown }
    }

    /// Returns the text. Show it to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns the display prefix, which is the beginning of the secret: its prefix, `_` and the next four
    /// characters, such as `acme_live_7Hc3`. The display prefix may be shown to others.
    #[must_use]
    pub fn display_prefix(&self) -> &str {
        self.text.get(..self.shown).unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.display_prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_not_impl_any!(Secret: fmt::Display, serde::Serialize, Clone);

    #[test]
    fn debug_shows_the_display_prefix_only() {
        let secret = Secret::new(Zeroizing::new("acme_live_0123456789".into()), 14);
        assert_eq!(format!("{secret:?}"), "Secret(acme_live_0123…)");
    }
}
