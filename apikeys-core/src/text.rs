use std::{convert::Infallible, fmt};

/// A text that cannot be the value it was meant to be.
///
/// ```
/// use apikeys_core::OrgId;
///
/// let error = OrgId::new("").unwrap_err();
/// assert_eq!(error.to_string(), "invalid organization id: expected 1 to 128 bytes of printable text");
/// assert_eq!(error.reason(), "expected 1 to 128 bytes of printable text");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidText {
    value: &'static str,
    reason: &'static str,
}

impl InvalidText {
    /// Creates an error. `value` names the kind of value, as `"organization id"`; `reason` says
    /// what was expected, as `"expected 26 characters of a-z and 2-7"`.
    pub(crate) const fn new(value: &'static str, reason: &'static str) -> Self {
        Self { value, reason }
    }

    /// The part of the message after the colon, for an error that is shown beside its field.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: {}", self.value, self.reason)
    }
}

impl std::error::Error for InvalidText {}

/// Lets a function take anything that converts into a value, the value itself included.
impl From<Infallible> for InvalidText {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Defines a text value: a newtype over `Arc<str>` whose only constructor validates the text with
/// `$read`, which returns the part of the text to keep.
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
            /// Returns an error if the text does not fit the description above.
            pub fn new(text: impl AsRef<str>) -> Result<Self, $crate::InvalidText> {
                $read(text.as_ref()).map(|text| Self(text.into()))
            }

            /// The text.
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
            type Err = $crate::InvalidText;

            fn from_str(text: &str) -> Result<Self, $crate::InvalidText> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::InvalidText;

            fn try_from(text: &str) -> Result<Self, $crate::InvalidText> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidText;

            fn try_from(text: String) -> Result<Self, $crate::InvalidText> {
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

/// Whether a character is visible on a page and cannot act on a terminal, on the direction of
/// writing, or on the end of a line.
pub(crate) fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use crate::{Actor, InvalidText, KeyName, OrgId, PlanName, token::Prefix};

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
            let error: InvalidText = $name::new($bad).unwrap_err();
            assert_eq!($bad.parse::<$name>(), Err(error));
            assert_eq!($name::try_from($bad), Err(error));
            assert_eq!($name::try_from($bad.to_owned()), Err(error));
            let refused = serde_json::from_str::<$name>(&serde_json::to_string($bad).unwrap()).unwrap_err();
            assert!(refused.to_string().starts_with(&error.to_string()), "{refused}");
            assert!(error.to_string().ends_with(error.reason()), "{error}");
        )*};
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
