//! Texts that are the same in all databases.

pub(crate) const SCHEMES: &str = "SELECT scheme FROM apikeys_schemes WHERE secrets > 0";

pub(crate) const ORG: &str =
    "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1 AND plan IS NOT NULL";

/// Also stores the organization on the plan ?2, if it is not stored.
pub(crate) const ADD_KEY_TO_ORG: &str =
    "UPDATE apikeys_orgs SET plan = coalesce(plan, ?2), key_count = key_count + 1 WHERE num = ?1";

pub(crate) const REMOVE_KEY_FROM_ORG: &str =
    "UPDATE apikeys_orgs SET key_count = key_count - 1 WHERE num = ?1";

pub(crate) const SET_PLAN: &str = "UPDATE apikeys_orgs SET plan = ?2 WHERE num = ?1";

pub(crate) const DELETE_ORG: &str = "DELETE FROM apikeys_orgs WHERE num = ?1";

pub(crate) const ADD_FORGOTTEN: &str = "INSERT INTO apikeys_forgotten (num, hour) VALUES (?1, ?2)";

pub(crate) const REVISION_OF_CHANGE: &str = "SELECT revision FROM apikeys_changes WHERE change_id = ?1";

pub(crate) const INSTANCES_BEHIND: &str =
    "SELECT id, lease_us FROM apikeys_instances WHERE applied < ?1 LIMIT ?2";

pub(crate) const APPLIED_BY_INSTANCE: &str = "SELECT applied FROM apikeys_instances WHERE id = ?1";

pub(crate) const FENCE_INSTANCE: &str = "DELETE FROM apikeys_instances WHERE id = ?1 AND applied < ?2";

pub(crate) const DELETE_INSTANCE: &str = "DELETE FROM apikeys_instances WHERE id = ?1";

pub(crate) const DELETED_KEY: &str = "SELECT id FROM apikeys_tombstones WHERE id = ?1";

pub(crate) const ADD_KEY: &str = "
    INSERT INTO apikeys_keys (id, org, name, display_prefix, active, created_at, created_by, expires_at,
        expiry_set_at, rate_limit, version, settings)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(crate) const ADD_COUNTER: &str =
    "INSERT INTO apikeys_counters (key, org, request_count, last_used_at) VALUES (?1, ?2, 0, NULL)";

pub(crate) const KEY_VERSION: &str = "SELECT version FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(crate) const UPDATE_KEY: &str = "
    UPDATE apikeys_keys SET name = ?3, display_prefix = ?4, active = ?5, created_at = ?6, created_by = ?7,
        expires_at = ?8, expiry_set_at = ?9, rate_limit = ?10, version = ?11, settings = ?12
    WHERE id = ?1 AND org = ?2";

pub(crate) const KEY_CREATED_AT: &str = "SELECT created_at FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(crate) const ADD_TOMBSTONE: &str = "
    INSERT INTO apikeys_tombstones (id, org, name, display_prefix)
    SELECT id, org, name, display_prefix FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(crate) const DELETE_COUNTER: &str = "DELETE FROM apikeys_counters WHERE key = ?1 AND org = ?2";

pub(crate) const DELETE_KEY: &str = "DELETE FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(crate) const ADD_DELETED_USAGE: &str =
    "INSERT INTO apikeys_deleted_usage (key, org, hour) VALUES (?1, ?2, ?3)";

pub(crate) const REMOVE_FROM_SCHEME: &str =
    "UPDATE apikeys_schemes SET secrets = secrets - ?2 WHERE scheme = ?1";

pub(crate) const DELETE_SECRET: &str =
    "DELETE FROM apikeys_secrets WHERE scheme = ?1 AND locator = ?2 AND key = ?3";

pub(crate) const DELETE_SECRETS_OF_KEY: &str = "DELETE FROM apikeys_secrets WHERE key = ?1";

pub(crate) const DELETE_OLD_WRITERS: &str = "DELETE FROM apikeys_writers WHERE last_at < ?1";

pub(crate) const SET_NEXT_CHECK: &str =
    "UPDATE apikeys_warnings SET next_check = ?2, claim = ?3 WHERE key = ?1";

/// Stores the sent warning. If the claim is ?4, the claim ends and the next check is ?5. MySQL assigns from left to
/// right, so `next_check` is before `claim`.
pub(crate) const SET_SENT_WARNING: &str = "
    UPDATE apikeys_warnings SET sent_expires_at = ?2, sent_period_us = ?3,
        next_check = CASE WHEN claim = ?4 THEN ?5 ELSE next_check END,
        claim = CASE WHEN claim = ?4 THEN NULL ELSE claim END
    WHERE key = ?1";

pub(crate) const POSTPONE_WARNING: &str =
    "UPDATE apikeys_warnings SET next_check = ?3, claim = NULL WHERE key = ?1 AND claim = ?2";

pub(crate) const DELETE_WARNING: &str = "DELETE FROM apikeys_warnings WHERE key = ?1";

pub(crate) const NEXT_HOUR: &str = "SELECT min(hour) FROM apikeys_usage WHERE hour >= ?1";

pub(crate) const SET_FORGOTTEN_HOUR: &str = "UPDATE apikeys_forgotten SET hour = ?2 WHERE num = ?1";

pub(crate) const DELETE_FORGOTTEN: &str = "DELETE FROM apikeys_forgotten WHERE num = ?1";

pub(crate) const FIRST_FORGOTTEN: &str = "SELECT num, hour FROM apikeys_forgotten ORDER BY num LIMIT 1";

pub(crate) const FIRST_DELETED_USAGE: &str =
    "SELECT key, org, hour FROM apikeys_deleted_usage ORDER BY key LIMIT 1";

pub(crate) const SET_DELETED_USAGE_HOUR: &str = "UPDATE apikeys_deleted_usage SET hour = ?2 WHERE key = ?1";

pub(crate) const DELETE_DELETED_USAGE: &str = "DELETE FROM apikeys_deleted_usage WHERE key = ?1";
