//! The statements of a verification.

use super::columns::{key_columns, revision};

/// Finds a secret with its key, plan and the latest revision.
///
/// The key is in an outer join, so that a secret without a key is noticed as an error. The secrets of
/// forgotten organizations are left out.
macro_rules! find {
    ($condition:literal) => {
        concat!(
            "SELECT s.scheme, s.locator, s.key, s.created_at, s.ends_at, ",
            key_columns!(),
            ", o.plan, ",
            revision!(),
            " FROM apikeys_secrets s FORCE INDEX (PRIMARY)
             LEFT JOIN apikeys_keys k ON k.id = s.key
             LEFT JOIN apikeys_orgs o ON o.num = k.org
             LEFT JOIN apikeys_forgotten f ON f.num = k.org
             WHERE f.num IS NULL AND ",
            $condition
        )
    };
}

pub(super) const FIND_ONE: &str = find!("s.scheme = ?1 AND s.locator = ?2");

/// Parameters without a value are NULL and match no secret.
pub(super) const FIND_EIGHT: &str = find!(
    "(s.scheme = ?1 AND s.locator = ?2 OR s.scheme = ?3 AND s.locator = ?4
      OR s.scheme = ?5 AND s.locator = ?6 OR s.scheme = ?7 AND s.locator = ?8
      OR s.scheme = ?9 AND s.locator = ?10 OR s.scheme = ?11 AND s.locator = ?12
      OR s.scheme = ?13 AND s.locator = ?14 OR s.scheme = ?15 AND s.locator = ?16)
     LIMIT 1"
);
