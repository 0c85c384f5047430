//! Statements on warnings before keys expire.

use super::columns::key_columns;

/// Sets the next check of a key, unless a process is sending a warning.
pub(super) const CHECK_SOON: &str = "
    INSERT INTO apikeys_warnings (key, next_check) VALUES (?1, ?2)
    ON CONFLICT (key) DO UPDATE SET next_check = excluded.next_check WHERE claim IS NULL";

/// The index is named because statistics from a time with few keys would make SQLite scan the table.
pub(super) const DUE: &str = concat!(
    "SELECT ",
    key_columns!(),
    ", w.sent_expires_at, w.sent_period_us, w.key,
        EXISTS (SELECT 1 FROM apikeys_orgs o WHERE o.num = k.org)
     FROM apikeys_warnings w INDEXED BY apikeys_warnings_by_next_check
     LEFT JOIN apikeys_keys k ON k.id = w.key
     WHERE w.next_check <= ?1 ORDER BY w.next_check LIMIT ?2"
);

/// Returns the expiration of a key of the organization ?2. For a deleted key, the expiration is NULL.
pub(super) const OWNED_KEY: &str = "
    SELECT 1, expires_at FROM apikeys_keys WHERE id = ?1 AND org = ?2
    UNION ALL SELECT 0, NULL FROM apikeys_tombstones WHERE id = ?1 AND org = ?2";

pub(super) const EVENT: &str =
    "SELECT 1 FROM apikeys_audit INDEXED BY apikeys_audit_by_org WHERE org = ?1 AND id = ?2";

pub(super) const SENT: &str = "SELECT sent_expires_at, sent_period_us FROM apikeys_warnings WHERE key = ?1";
