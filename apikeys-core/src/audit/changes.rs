use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;

use crate::{Timestamp, rate_limit::RateLimit};

/// The fields of a key or of an organization that a change replaced, with their old and new values.
///
/// In JSON: `{"name": {"from": "CI", "to": "CI (old)"}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<(Cow<'static, str>, FromTo)>);

/// The value of a field before and after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FromTo {
    /// The value before the change. `Null` means that there was no value.
    pub from: ChangeValue,
    /// The value after the change. `Null` means that there is no value.
    pub to: ChangeValue,
}

/// A value in [`Changes`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeValue {
    /// The absence of a value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text, or a time in RFC 3339.
    Text(String),
    /// The JSON of a value of another kind. A newer version of the library stored the value.
    Other(Arc<str>),
}

impl Changes {
    /// Creates an empty list of changes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Creates a list with the change of one field. `member` is the field's name.
    #[must_use]
    pub fn one(member: &'static str, from: ChangeValue, to: ChangeValue) -> Self {
        let mut changes = Self::new();
        changes.set(member, from, to);
        changes
    }

    /// Adds the change of the field `member`.
    pub fn set(&mut self, member: &'static str, from: ChangeValue, to: ChangeValue) {
        self.0.push((member.into(), FromTo { from, to }));
    }

    /// Returns whether no field changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the fields that changed, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FromTo)> {
        self.0.iter().map(|(member, change)| (member.as_ref(), change))
    }
}

impl From<bool> for ChangeValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for ChangeValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Option<Timestamp>> for ChangeValue {
    fn from(value: Option<Timestamp>) -> Self {
        value.map_or(Self::Null, |at| Self::Text(at.to_string()))
    }
}

impl From<Option<RateLimit>> for ChangeValue {
    fn from(value: Option<RateLimit>) -> Self {
        value.map_or(Self::Null, |limit| Self::Number(limit.requests().into()))
    }
}

impl Serialize for ChangeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => serializer.serialize_i64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Other(json) => match serde_json::from_str::<Value>(json) {
                Ok(value) => value.serialize(serializer),
                Err(_) => serializer.serialize_str(json),
            },
        }
    }
}

impl<'de> Deserialize<'de> for ChangeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::String(value) => Self::Text(value),
            Value::Number(value) => match value.as_i64() {
                Some(value) => Self::Number(value),
                None => Self::Other(value.to_string().into()),
            },
            value @ (Value::Array(_) | Value::Object(_)) => Self::Other(value.to_string().into()),
        })
    }
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (member, change) in self.iter() {
            map.serialize_entry(member, change)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ChangesVisitor)
    }
}

/// Reads a map into a list, so that the order of its entries is kept.
struct ChangesVisitor;

impl<'de> Visitor<'de> for ChangesVisitor {
    type Value = Changes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of changes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Changes, A::Error> {
        let mut changes = Vec::new();
        while let Some((member, change)) = map.next_entry::<String, FromTo>()? {
            changes.push((member.into(), change));
        }
        Ok(Changes(changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_from_json_equal_those_written() {
        let mut changes = Changes::one("name", ChangeValue::Null, "CI".into());
        changes.set("active", true.into(), false.into());
        changes.set("rate_limit", ChangeValue::Null, Some(RateLimit::DEFAULT).into());
        let json = serde_json::to_string(&changes).unwrap();
        assert_eq!(
            json,
            r#"{"name":{"from":null,"to":"CI"},"active":{"from":true,"to":false},"rate_limit":{"from":null,"to":60}}"#
        );
        assert_eq!(serde_json::from_str::<Changes>(&json).unwrap(), changes);
    }

    #[test]
    fn values_of_a_newer_version_are_kept() {
        let json = r#"{"scopes":{"from":[],"to":["read","write"]},"share":{"from":0.5,"to":{"n":1}},"size":{"from":null,"to":18446744073709551615}}"#;
        let changes: Changes = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&changes).unwrap(), json);
        let (_, scopes) = changes.iter().next().unwrap();
        assert_eq!(scopes.to, ChangeValue::Other(r#"["read","write"]"#.into()));
    }
}
