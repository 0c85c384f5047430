use std::{convert::Infallible, fmt};

/// The error of a text or number that is not a valid id, name, time or rate limit.
///
/// ```
/// use apikeys_core::OrgId;
///
/// let error = OrgId::new("").unwrap_err();
/// assert_eq!(error.to_string(), "invalid organization id: expected 1 to 128 bytes of printable text");
/// assert_eq!(error.reason(), "expected 1 to 128 bytes of printable text");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidValue {
    value: &'static str,
    reason: &'static str,
}

impl InvalidValue {
    /// Creates an error. `value` is the kind of value, such as `"organization id"`. `reason` is the text that
    /// was expected, such as `"expected 26 characters of a-z and 2-7"`.
    pub(crate) const fn new(value: &'static str, reason: &'static str) -> Self {
        Self { value, reason }
    }

    /// Returns the part of the message after the colon. Use this part if the error is shown next to its input
    /// field.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: {}", self.value, self.reason)
    }
}

impl std::error::Error for InvalidValue {}

/// Lets a function accept all types that convert into a value, including the value's own type.
impl From<Infallible> for InvalidValue {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Defines a newtype over `Arc<str>`. Its only constructor validates the text with `$read`, which returns the
/// part of the text to keep.
macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $read:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Creates the value from its text.
            ///
            /// # Errors
            ///
            /// Returns [`InvalidValue`](crate::InvalidValue) if the text does not follow the rules in the
            /// description of the type.
            pub fn new(text: impl AsRef<str>) -> Result<Self, $crate::InvalidValue> {
                $read(text.as_ref()).map(|text| Self(text.into()))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&*self.0, f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidValue;

            fn from_str(text: &str) -> Result<Self, $crate::InvalidValue> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::InvalidValue;

            fn try_from(text: &str) -> Result<Self, $crate::InvalidValue> {
                Self::new(text)
            }
        }

        impl TryFrom<&String> for $name {
            type Error = $crate::InvalidValue;

            fn try_from(text: &String) -> Result<Self, $crate::InvalidValue> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidValue;

            fn try_from(text: String) -> Result<Self, $crate::InvalidValue> {
                Self::new(text)
            }
        }

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }
    };
}

pub(crate) use text_value;

/// Returns whether a character may be shown on a page, in a log or on a terminal. Control characters,
/// characters that change the direction of writing or end a line, and invisible format controls are not
/// printable.
///
/// Joiners (U+200C and U+200D) are printable, because scripts and emoji are written with them.
pub(crate) fn is_printable(c: char) -> bool {
    let changes_direction = matches!(
        c,
        // Unicode's property Bidi_Control.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let separates_lines = matches!(c, '\u{2028}' | '\u{2029}');
    let is_invisible = matches!(
        c,
        '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    !(c.is_control() || changes_direction || separates_lines || is_invisible)
}

/// Returns the beginning of a text of unknown origin, to show it in a message.
///
/// The result has the first `max_chars` characters of the text, followed by `…` if the text is longer.
/// Characters that are not printable are replaced with U+FFFD.
#[must_use]
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let mut chars = text.chars().map(|c| if is_printable(c) { c } else { char::REPLACEMENT_CHARACTER });
    let mut excerpt: String = chars.by_ref().take(max_chars).collect();
    if chars.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::{excerpt, is_printable};
    use crate::{Actor, InvalidValue, KeyName, OrgId, PlanName, token::Prefix};

    macro_rules! assert_one_way_in {
        ($($name:ident: $good:literal, $bad:literal;)*) => {$(
            let value = $name::new($good).unwrap();
            assert_eq!(value.as_str(), $good);
            assert_eq!(value.to_string(), $good);
            assert_eq!(format!("{value:?}"), format!("{:?}", $good));
            assert_eq!($good.parse(), Ok(value.clone()));
            assert_eq!($name::try_from($good), Ok(value.clone()));
            assert_eq!($name::try_from($good.to_owned()), Ok(value.clone()));
            assert_eq!($name::from(&value), value);
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(json, serde_json::to_string($good).unwrap());
            assert_eq!(serde_json::from_str::<$name>(&json).unwrap(), value);
            let error: InvalidValue = $name::new($bad).unwrap_err();
            assert_eq!($bad.parse::<$name>(), Err(error));
            assert_eq!($name::try_from($bad), Err(error));
            assert_eq!($name::try_from($bad.to_owned()), Err(error));
            let refused = serde_json::from_str::<$name>(&serde_json::to_string($bad).unwrap()).unwrap_err();
            assert!(refused.to_string().starts_with(&error.to_string()), "{refused}");
            assert!(error.to_string().ends_with(error.reason()), "{error}");
        )*};
    }

    #[test]
    fn controls_of_direction_lines_and_format_are_not_printable() {
        let bidi_control = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
        let format =
            ('\u{2060}'..='\u{206f}').chain('\u{fff9}'..='\u{fffb}').chain(['\u{e0001}', '\u{e0041}']);
        let others = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{feff}\u{200b}\u{180e}\u{0}\u{1b}\u{7f}\u{85}\u{9b}\r\n";
        for c in bidi_control.chain(format).chain(others.chars()) {
            assert!(!is_printable(c), "{c:?}");
            assert!(
                OrgId::new(format!("a{c}b")).is_err() && KeyName::new(format!("a{c}b")).is_err(),
                "{c:?}"
            );
        }
        for c in "aé–ü漢🏳\u{200d}\u{200c} \u{a0}\u{301}".chars() {
            assert!(is_printable(c), "{c:?}");
        }
    }

    #[test]
    fn excerpt_is_short_and_printable() {
        assert_eq!(excerpt("sha3:1", 64), "sha3:1");
        assert_eq!(excerpt("a\u{1b}[2J\u{61c}", 64), "a\u{fffd}[2J\u{fffd}");
        assert_eq!(excerpt(&"é".repeat(1_000_000), 64), "é".repeat(64) + "…");
    }

    #[test]
    fn text_values_are_made_from_the_same_texts_by_every_constructor() {
        assert_one_way_in! {
            OrgId: "org 1 – ü", "a\nb";
            Actor: "ann", "";
            KeyName: "CI \"deploys\"", " ";
            PlanName: "pro_2-a", "Pro";
            Prefix: "acme_live", "a-b";
        }
    }
}
