//! Statements on warnings before keys expire.

use super::columns::key_columns;

/// Sets the next check of a key, unless a process is sending a warning.
pub(super) const CHECK_SOON: &str = "
    INSERT INTO apikeys_warnings (key, next_check) VALUES (?1, ?2)
    ON DUPLICATE KEY UPDATE next_check = CASE WHEN claim IS NULL THEN VALUES(next_check) ELSE next_check END";

/// Leaves out the keys that another process checks at the same time. MariaDB has no `FOR UPDATE OF`, so a subquery
/// locks the rows of one table.
pub(super) const DUE: &str = concat!(
    "SELECT ",
    key_columns!(),
    ", w.sent_expires_at, w.sent_period_us, w.key, o.num IS NOT NULL
     FROM (SELECT * FROM apikeys_warnings FORCE INDEX (apikeys_warnings_by_next_check)
        WHERE next_check <= ?1 ORDER BY next_check LIMIT ?2 FOR UPDATE SKIP LOCKED) w
     LEFT JOIN apikeys_keys k ON k.id = w.key
     LEFT JOIN apikeys_orgs o ON o.num = k.org
     ORDER BY w.next_check"
);

/// Returns the expiration of a key of the organization ?2. For a deleted key, the expiration is NULL.
pub(super) const OWNED_KEY: &str = "
    SELECT true, expires_at FROM apikeys_keys WHERE id = ?1 AND org = ?2
    UNION ALL SELECT false, NULL FROM apikeys_tombstones WHERE id = ?1 AND org = ?2";

pub(super) const EVENT: &str = "SELECT id FROM apikeys_audit WHERE org = ?1 AND id = ?2";

pub(super) const SENT: &str =
    "SELECT sent_expires_at, sent_period_us FROM apikeys_warnings WHERE key = ?1 FOR UPDATE";
