use super::{bulk::Bulk, statements};
use crate::{
    error::Failure,
    texts::{Parameters, Text, Texts, prepare},
};

/// The texts of all statements, with the prefix of the tables.
#[derive(Debug)]
pub(crate) struct MySqlTexts {
    common: Texts,
    pub(super) next_revision: Text,
    pub(super) add_change: Text,
    pub(super) delete_old_change: Text,
    pub(super) writer: Text,
    pub(super) purge_rare_events: Text,
    pub(super) purge_late_events: Text,
    pub(super) org_numbers: Bulk,
    pub(super) lock_counters: Bulk,
    pub(super) stored_keys: Bulk,
    pub(super) deleted_keys: Bulk,
    pub(super) counters: Bulk,
    pub(super) usage: Bulk,
    pub(super) append: Bulk,
    pub(super) append_counts: Bulk,
    pub(super) append_rare: Bulk,
    pub(super) append_late: Bulk,
}

impl MySqlTexts {
    pub(super) fn new(prefix: &Prefix) -> Self {
        let prepare = |text: &str| prepare(text, Parameters::InOrder, |text| prefix.apply(text));
        let bulk = |text: &str, columns| Bulk::new(&prefix.apply(text), columns);
        Self {
            common: Texts::new(statements::read, statements::write, prepare),
            next_revision: prepare(statements::NEXT_REVISION),
            add_change: prepare(statements::ADD_CHANGE),
            delete_old_change: prepare(statements::DELETE_OLD_CHANGE),
            writer: prepare(statements::WRITER),
            purge_rare_events: prepare(statements::PURGE_RARE_EVENTS),
            purge_late_events: prepare(statements::PURGE_LATE_EVENTS),
            org_numbers: bulk(statements::ORG_NUMBERS, None),
            lock_counters: bulk(statements::LOCK_COUNTERS, None),
            stored_keys: bulk(statements::STORED_KEYS, None),
            deleted_keys: bulk(statements::DELETED_KEYS, None),
            counters: bulk(statements::COUNTERS, Some(4)),
            usage: bulk(statements::USAGE, Some(5)),
            append: bulk(statements::APPEND, Some(20)),
            append_counts: bulk(statements::APPEND_COUNTS, Some(20)),
            append_rare: bulk(statements::APPEND_RARE, Some(6)),
            append_late: bulk(statements::APPEND_LATE, Some(3)),
        }
    }
}

impl AsRef<Texts> for MySqlTexts {
    fn as_ref(&self) -> &Texts {
        &self.common
    }
}

/// The prefix of the names of all tables.
#[derive(Debug, Clone)]
pub(super) struct Prefix(String);

impl Prefix {
    /// Checks a prefix. With 31 characters, the name of each index has at most the 64 characters that MySQL allows.
    pub(super) fn new(prefix: &str) -> Result<Self, Failure> {
        let first = prefix.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if first && prefix.bytes().all(is_plain) && prefix.len() <= 31 {
            return Ok(Self(prefix.to_owned()));
        }
        Err(Failure::Refused(
            "the prefix of the tables must consist of 1 to 31 characters of a-z, 0-9 and _, and must begin with a letter",
        ))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts the prefix before the names of tables and indexes, and quotes the column `key`, whose name is a word of SQL.
    /// The texts have SQL's own words in upper case.
    pub(super) fn apply(&self, text: &str) -> String {
        let is_word =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let mut quoted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("key") {
            quoted.push_str(before);
            let is_part = is_word(quoted.bytes().last()) || is_word(after.bytes().next());
            quoted.push_str(if is_part { "key" } else { "`key`" });
            rest = after;
        }
        quoted.push_str(rest);
        quoted.replace("apikeys_", &self.0)
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("apikeys_".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_that_must_be_quoted_is_refused() {
        for prefix in ["apikeys_", "a", "k9_", &"a".repeat(31)] {
            assert!(Prefix::new(prefix).is_ok(), "{prefix}");
        }
        for prefix in ["", "1a", "_a", "A", "a b", "a`b", "a;b", "ä", &"a".repeat(32)] {
            assert!(Prefix::new(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn apply_quotes_the_whole_word_key_only() {
        let text = "SELECT key, w.key, k.key_count FROM apikeys_keys WHERE key = 1 ON DUPLICATE KEY UPDATE mykey=(key)";
        let applied = Prefix::new("acme_key_").unwrap().apply(text);
        assert_eq!(
            applied,
            "SELECT `key`, w.`key`, k.key_count FROM acme_key_keys WHERE `key` = 1 ON DUPLICATE KEY UPDATE mykey=(`key`)"
        );
        assert_eq!(Prefix::default().apply("key"), "`key`");
    }

    #[test]
    fn texts_with_a_prefix_name_no_table_without_it() {
        let texts = MySqlTexts::new(&Prefix::new("acme_").unwrap());
        assert!(!format!("{texts:?}").contains("apikeys_"));
    }

    /// The longest names are those of indexes.
    #[test]
    fn names_with_the_longest_prefix_have_at_most_64_characters() {
        let prefix = Prefix::new(&"a".repeat(31)).unwrap();
        let sql = prefix.apply(include_str!("../../migrations/mysql/0001_keys.sql"));
        let names = sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        assert!(names.map(str::len).max().unwrap() <= 64);
    }
}
