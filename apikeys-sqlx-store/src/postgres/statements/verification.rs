//! The statements of a verification.

use super::columns::{key_columns, revision};

/// Finds a secret with its key, plan and the latest revision.
///
/// The key is in an outer join, so that a secret without a key is noticed as an error. The secrets of
/// forgotten organizations are left out. The table of forgotten organizations is read only for a key without an
/// organization.
macro_rules! find {
    ($secrets:literal, $condition:literal) => {
        concat!(
            "SELECT s.scheme, s.locator, s.key, s.created_at, s.ends_at, ",
            key_columns!(),
            ", o.plan, ",
            revision!(),
            " FROM ",
            $secrets,
            " LEFT JOIN apikeys_keys k ON k.id = s.key
             LEFT JOIN apikeys_orgs o ON o.num = k.org
             WHERE (o.num IS NOT NULL
                OR NOT EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org)) AND ",
            $condition
        )
    };
}

pub(super) const FIND_ONE: &str = find!("apikeys_secrets s", "s.scheme = ?1 AND s.locator = ?2");

/// Parameters without a value are NULL and match no secret. `OFFSET 0` makes PostgreSQL look up each locator, whatever
/// the statistics say.
pub(super) const FIND_EIGHT: &str = find!(
    "(VALUES (?1::text, ?2::bytea), (?3, ?4), (?5, ?6), (?7, ?8), (?9, ?10), (?11, ?12), (?13, ?14), (?15, ?16))
        AS l (scheme, locator)
     CROSS JOIN LATERAL (
        SELECT * FROM apikeys_secrets x WHERE x.scheme = l.scheme AND x.locator = l.locator OFFSET 0) s",
    "true LIMIT 1"
);
