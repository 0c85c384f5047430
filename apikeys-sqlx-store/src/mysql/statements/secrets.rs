//! Statements on secrets and the number of secrets of each scheme.

/// Adds a secret, and changes one row. If the secret exists, the statement changes `ends_at` to another value, which
/// MySQL counts as two rows. The transaction then deletes the row or is rolled back.
///
/// A plain insertion would share the lock of an existing row, and two transactions that then delete the row would wait
/// for each other.
pub(super) const ADD: &str = "
    INSERT INTO apikeys_secrets (scheme, locator, key, created_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON DUPLICATE KEY UPDATE ends_at = CASE WHEN ends_at IS NULL THEN 0 END";

pub(super) const ADD_TO_SCHEME: &str = "
    INSERT INTO apikeys_schemes (scheme, secrets) VALUES (?1, 1) ON DUPLICATE KEY UPDATE secrets = secrets + 1";

pub(super) const REMOVE_KEY_FROM_SCHEMES: &str = "
    UPDATE (SELECT scheme, count(*) AS secrets FROM apikeys_secrets WHERE key = ?1 GROUP BY scheme) s
        STRAIGHT_JOIN apikeys_schemes c ON c.scheme = s.scheme
    SET c.secrets = c.secrets - s.secrets";

pub(super) const DELETE_FORGOTTEN: &str = "
    DELETE s FROM apikeys_secrets s
        STRAIGHT_JOIN apikeys_keys k ON k.id = s.key
        STRAIGHT_JOIN apikeys_forgotten f ON f.num = k.org
    WHERE s.scheme = ?1 AND s.locator = ?2";
