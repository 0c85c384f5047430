//! Statements on secrets and the number of secrets of each scheme.

pub(super) const ADD: &str = "
    INSERT INTO apikeys_secrets (scheme, locator, key, created_at, ends_at)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (scheme, locator) DO NOTHING";

pub(super) const ADD_TO_SCHEME: &str = "
    INSERT INTO apikeys_schemes (scheme, secrets) VALUES (?1, 1)
    ON CONFLICT (scheme) DO UPDATE SET secrets = secrets + 1";

pub(super) const REMOVE_KEY_FROM_SCHEMES: &str = "
    UPDATE apikeys_schemes SET secrets = secrets - (
        SELECT count(*) FROM apikeys_secrets s INDEXED BY apikeys_secrets_by_key
        WHERE s.key = ?1 AND s.scheme = apikeys_schemes.scheme)";

pub(super) const DELETE_FORGOTTEN: &str = "
    DELETE FROM apikeys_secrets WHERE scheme = ?1 AND locator = ?2 AND EXISTS (
        SELECT 1 FROM apikeys_keys k CROSS JOIN apikeys_forgotten f ON f.num = k.org
        WHERE k.id = apikeys_secrets.key)";
