//! Statements on secrets and the number of secrets of each scheme.

pub(super) const ADD: &str = "
    INSERT INTO apikeys_secrets (scheme, locator, key, created_at, ends_at)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (scheme, locator) DO NOTHING";

pub(super) const ADD_TO_SCHEME: &str = "
    INSERT INTO apikeys_schemes AS s (scheme, secrets) VALUES (?1, 1)
    ON CONFLICT (scheme) DO UPDATE SET secrets = s.secrets + 1";

pub(super) const REMOVE_KEY_FROM_SCHEMES: &str = "
    UPDATE apikeys_schemes c SET secrets = c.secrets - s.secrets
    FROM (SELECT scheme, count(*) AS secrets FROM apikeys_secrets WHERE key = ?1 GROUP BY scheme) s
    WHERE c.scheme = s.scheme";

pub(super) const DELETE_FORGOTTEN: &str = "
    DELETE FROM apikeys_secrets s WHERE s.scheme = ?1 AND s.locator = ?2 AND EXISTS (
        SELECT 1 FROM apikeys_keys k JOIN apikeys_forgotten f ON f.num = k.org WHERE k.id = s.key)";
