use super::statements;
use crate::{
    error::Failure,
    texts::{Parameters, Text, Texts, prepare},
};

/// The texts of all statements, with the schema of the tables.
#[derive(Debug)]
pub(crate) struct PgTexts {
    pub(super) common: Texts,
    pub(super) org_numbers: Text,
    pub(super) add_change: Text,
    pub(super) lock_counters: Text,
    pub(super) known_keys: Text,
    pub(super) count: Text,
    pub(super) append: Text,
    pub(super) append_counts: Text,
}

impl PgTexts {
    /// Prepares the texts. Without a schema, PostgreSQL finds the tables by the `search_path` of the connection.
    pub(super) fn new(schema: Option<&Schema>) -> Self {
        let names = |text: &str| match schema {
            Some(Schema(schema)) => text.replace("apikeys_", &format!("\"{schema}\".apikeys_")),
            None => text.to_owned(),
        };
        let prepare = |text: &str| prepare(text, Parameters::Numbered, names);
        Self {
            common: Texts::new(statements::read, statements::write, prepare),
            org_numbers: prepare(statements::ORG_NUMBERS),
            add_change: prepare(statements::ADD_CHANGE),
            lock_counters: prepare(statements::LOCK_COUNTERS),
            known_keys: prepare(statements::KNOWN_KEYS),
            count: prepare(statements::COUNT),
            append: prepare(statements::APPEND),
            append_counts: prepare(statements::APPEND_COUNTS),
        }
    }
}

impl AsRef<Texts> for PgTexts {
    fn as_ref(&self) -> &Texts {
        &self.common
    }
}

/// The name of a schema.
#[derive(Debug, Clone)]
pub(super) struct Schema(String);

impl Schema {
    /// Checks a name. A name that must be quoted in SQL is refused, because a host would have to quote it too.
    pub(super) fn new(name: &str) -> Result<Self, Failure> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if first && bytes.all(is_plain) && name.len() <= 63 {
            return Ok(Self(name.to_owned()));
        }
        Err(Failure::Refused(
            "the name of the schema must consist of 1 to 63 characters of a-z, 0-9 and _, and must not begin with a digit",
        ))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_name_that_must_be_quoted_is_refused() {
        for name in ["apikeys", "_a1", &"a".repeat(63)] {
            assert!(Schema::new(name).is_ok(), "{name}");
        }
        for name in ["", "1a", "A", "a b", "a\"b", "a;b", "ä", &"a".repeat(64)] {
            assert!(Schema::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn texts_with_a_schema_name_it_at_each_table() {
        let schema = Schema::new("acme").unwrap();
        let text = PgTexts::new(Some(&schema)).org_numbers.sql();
        assert!(text.as_str().contains("FROM \"acme\".apikeys_orgs WHERE id = ANY($1)"), "{}", text.as_str());
        assert!(!PgTexts::new(None).org_numbers.sql().as_str().contains('"'));
    }
}
