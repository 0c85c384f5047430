//! The macros behind the types whose values have a stable text, such as [`Action`].
//!
//! The enum, `ALL`, `as_str` and `FromStr` are generated from one table, so that no value can be missing from
//! one of them.
//!
//! [`Action`]: crate::audit::Action

/// Implements `Display`, `Serialize` and the comparison with `str` for a type that has the method `as_str`.
macro_rules! text_traits {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.as_str() == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.as_str() == *text
            }
        }
    };
}
pub(crate) use text_traits;

/// Declares an enum from a table of `Variant = "text"`.
///
/// With `, other` the enum also has the variant `Other`, for texts that a newer version of the
/// library stored, and the constructor `from_stored`.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($what:literal $(, $other:ident)?) {
            $( $(#[$doc:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $crate::text_enum::text_enum! {
            @enum $($other)?
            { $(#[$meta])* }
            $name { $( { $(#[$doc])* } $variant = $text, )+ }
        }

        impl $name {
            /// All values that this version of the library knows.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            fn known(text: &str) -> Option<Self> {
                match text {
                    $( $text => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }

        $crate::text_enum::text_traits!($name);

        /// Accepts exactly the texts of [`ALL`](Self::ALL).
        impl std::str::FromStr for $name {
            type Err = $crate::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::known(text).ok_or($crate::InvalidValue::new($what, "expected a known value"))
            }
        }
    };

    (@enum { $(#[$meta:meta])* } $name:ident { $( { $(#[$doc:meta])* } $variant:ident = $text:literal, )+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nText: `", $text, "`.")]
                $variant,
            )+
        }

        impl $name {
            /// Returns the stable text.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }
    };

    (@enum other { $(#[$meta:meta])* } $name:ident { $( { $(#[$doc:meta])* } $variant:ident = $text:literal, )+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nText: `", $text, "`.")]
                $variant,
            )+
            /// The text of a value that a newer version of the library stored.
            /// [`from_stored`](Self::from_stored) creates this variant.
            Other(std::sync::Arc<str>),
        }

        impl $name {
            /// Returns the stable text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text,
                }
            }

            /// Returns the value that is stored as `text`. A text that this version does not know becomes
            /// [`Other`](Self::Other), so that an instance can read values that a newer version stored.
            #[must_use]
            pub fn from_stored(text: &str) -> Self {
                Self::known(text).unwrap_or_else(|| Self::Other(text.into()))
            }
        }
    };
}
pub(crate) use text_enum;

#[cfg(test)]
mod tests {
    use crate::{
        DenialCode,
        audit::{Action, Outcome},
        http::ManageErrorCode,
    };

    macro_rules! each_value_is_read_from_its_text {
        ($($name:ident),+) => {$(
            for value in $name::ALL {
                assert_eq!(value.as_str().parse().as_ref(), Ok(value));
                assert_eq!($name::from_stored(value.as_str()), *value);
            }
        )+};
    }

    #[test]
    fn each_known_text_is_read_as_its_value() {
        each_value_is_read_from_its_text!(Action, Outcome, DenialCode);
    }

    #[test]
    fn value_is_printed_serialized_and_compared_as_its_text() {
        macro_rules! each_value_is_its_text {
            ($($name:ident),+) => {$(
                for value in $name::ALL {
                    let text = value.as_str();
                    assert_eq!(value.to_string(), text);
                    assert_eq!(serde_json::to_value(value).unwrap(), text);
                    assert!(*value == text && *value == *text && *value != "" && *value != text[1..]);
                }
            )+};
        }
        each_value_is_its_text!(Action, Outcome, DenialCode, ManageErrorCode);
        let newer = Action::from_stored("key.exploded");
        assert!(newer == "key.exploded" && newer != "key.created");
    }

    #[test]
    fn unknown_text_is_kept_when_read_from_a_store_and_refused_elsewhere() {
        for unknown in ["key.exploded", "REQUEST", ""] {
            assert!(matches!(Action::from_stored(unknown), Action::Other(text) if &*text == unknown));
            assert_eq!(Action::from_stored(unknown).as_str(), unknown);
            assert_eq!(
                unknown.parse::<Action>().unwrap_err().to_string(),
                "invalid action: expected a known value"
            );
        }
    }
}
