//! The arguments of statements. The same value of the core is stored alike in every database.

use std::borrow::Cow;

use apikeys_core::{
    Actor, KeyId, OrgId, Timestamp,
    id::{ChangeId, ClaimId, EventId, InstanceId, WriterId},
};

/// An argument of a statement. `None` is NULL.
#[derive(Debug, Clone)]
pub(crate) enum Argument<'a> {
    Integer(Option<i64>),
    Boolean(bool),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
}

/// Creates the arguments of a statement from values of any of the types below.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { &[$($crate::argument::Argument::from($value)),*] };
}
pub(crate) use arguments;

/// Adds the arguments to `$into`, the arguments of one of sqlx's databases.
macro_rules! add_arguments {
    ($into:expr, $arguments:expr) => {{
        for argument in $arguments {
            match argument {
                $crate::argument::Argument::Integer(value) => $into.add(*value),
                $crate::argument::Argument::Boolean(value) => $into.add(*value),
                $crate::argument::Argument::Text(value) => $into.add(value.as_deref().map(str::to_owned)),
                $crate::argument::Argument::Bytes(value) => $into.add(value.as_deref().map(<[u8]>::to_vec)),
            }
            .map_err(sqlx::Error::Encode)?;
        }
    }};
}
pub(crate) use add_arguments;

macro_rules! from {
    ($($type:ty => $variant:ident($value:ident) $expression:expr;)*) => {$(
        impl<'a> From<$type> for Argument<'a> {
            fn from($value: $type) -> Self {
                Self::$variant($expression)
            }
        }
    )*};
}

from! {
    bool => Boolean(value) value;
    i64 => Integer(value) Some(value);
    u32 => Integer(value) Some(value.into());
    Option<i64> => Integer(value) value;
    Option<u16> => Integer(value) value.map(i64::from);
    Option<u32> => Integer(value) value.map(i64::from);
    Timestamp => Integer(value) Some(value.as_micros());
    Option<Timestamp> => Integer(value) value.map(Timestamp::as_micros);
    &'a str => Text(value) Some(value.into());
    String => Text(value) Some(value.into());
    Option<&'a str> => Text(value) value.map(Into::into);
    Option<String> => Text(value) value.map(Into::into);
    &'a [u8] => Bytes(value) Some(value.into());
    Vec<u8> => Bytes(value) Some(value.into());
    Option<Vec<u8>> => Bytes(value) value.map(Into::into);
    &'a OrgId => Bytes(value) Some(value.as_str().as_bytes().into());
    &'a Actor => Bytes(value) Some(value.as_str().as_bytes().into());
    Option<&'a Actor> => Bytes(value) value.map(|actor| actor.as_str().as_bytes().into());
    &'a KeyId => Bytes(value) Some(value.as_bytes().as_slice().into());
    Option<KeyId> => Bytes(value) value.map(|key| key.as_bytes().to_vec().into());
    &'a ChangeId => Bytes(value) Some(value.as_bytes().as_slice().into());
    &'a ClaimId => Bytes(value) Some(value.as_bytes().as_slice().into());
    Option<ClaimId> => Bytes(value) value.map(|claim| claim.as_bytes().to_vec().into());
    &'a EventId => Bytes(value) Some(value.as_bytes().as_slice().into());
    &'a InstanceId => Bytes(value) Some(value.as_bytes().as_slice().into());
    &'a WriterId => Bytes(value) Some(value.as_bytes().as_slice().into());
}
