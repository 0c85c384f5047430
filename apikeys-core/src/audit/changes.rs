use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{Timestamp, rate_limit::RateLimit};

/// What changed from what to what, by member of the key. JSON:
/// `{"name": {"from": "CI", "to": "CI (old)"}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<(Cow<'static, str>, FromTo)>);

/// One member's value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FromTo {
    /// Before; null if there was none.
    pub from: ChangeValue,
    /// After; null if there is none.
    pub to: ChangeValue,
}

/// A value as it stands in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ChangeValue {
    /// None.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(i64),
    /// A text, or a time in RFC 3339.
    Text(String),
}

impl Changes {
    /// No change.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A single change.
    #[must_use]
    pub fn one(member: &'static str, from: ChangeValue, to: ChangeValue) -> Self {
        let mut changes = Self::new();
        changes.set(member, from, to);
        changes
    }

    /// Adds the change of `member`.
    pub fn set(&mut self, member: &'static str, from: ChangeValue, to: ChangeValue) {
        self.0.push((member.into(), FromTo { from, to }));
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members that changed, in the order they were added.
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
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads a map without losing its order.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
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
    fn changes_survive_json_in_order() {
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
}
