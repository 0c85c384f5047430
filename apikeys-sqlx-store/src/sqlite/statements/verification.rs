//! The statements of a verification.

use super::columns::{key_columns, plan_column};

/// Finds a secret with its key, plan and the latest revision. One statement reads all of them, so that they
/// come from one state of the database.
///
/// The key is in an outer join, so that a secret without a key is noticed as an error. The secrets of
/// forgotten organizations are left out.
macro_rules! find {
    ($condition:literal) => {
        concat!(
            "SELECT s.scheme, s.locator, s.key, s.created_at, s.ends_at, ",
            key_columns!(),
            ", ",
            plan_column!(),
            ", (SELECT coalesce(max(revision), 0) FROM apikeys_changes)
             FROM apikeys_secrets s
             LEFT JOIN apikeys_keys k ON k.id = s.key
             WHERE NOT EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org) AND ",
            $condition
        )
    };
}

pub(super) const FIND_ONE: &str = find!("s.scheme = ?1 AND s.locator = ?2");

/// Parameters without a value are NULL and match no secret.
pub(super) const FIND_EIGHT: &str = find!(
    "(s.scheme, s.locator) IN
        (VALUES (?1, ?2), (?3, ?4), (?5, ?6), (?7, ?8), (?9, ?10), (?11, ?12), (?13, ?14), (?15, ?16))
     LIMIT 1"
);
