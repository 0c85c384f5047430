//! Statements on secrets and the number of secrets of each scheme.

/// The statement fails if the secret exists, and the session then reports that no row was added. The number of rows that
/// `ON DUPLICATE KEY UPDATE` changed would not tell an added row from a row that exists.
pub(super) const ADD: &str = "
    INSERT INTO apikeys_secrets (scheme, locator, key, created_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)";

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
