//! Statements that record batches of audit events. LIST stands for any number of rows or parameters.

pub(super) const OPEN_WRITER: &str =
    "INSERT INTO apikeys_writers (id, seq, last_at) VALUES (?1, 0, ?2) ON DUPLICATE KEY UPDATE seq = seq";

pub(super) const WRITER_SEQUENCE: &str = "SELECT seq FROM apikeys_writers WHERE id = ?1 FOR UPDATE";

/// Locks the counters of the listed keys in the order of their ids, so that two batches do not wait for each other.
/// Without the index, MySQL would read a short table from its beginning, and wait for other keys.
pub(in crate::mysql) const LOCK_COUNTERS: &str =
    "SELECT key, org FROM apikeys_counters FORCE INDEX (PRIMARY) WHERE key IN (LIST) ORDER BY key FOR UPDATE";

/// Those of the listed keys that are stored, and those that are deleted, each with the number of its organization.
pub(in crate::mysql) const STORED_KEYS: &str =
    "SELECT id, org, true FROM apikeys_keys FORCE INDEX (PRIMARY) WHERE id IN (LIST)";
pub(in crate::mysql) const DELETED_KEYS: &str =
    "SELECT id, org, false FROM apikeys_tombstones FORCE INDEX (PRIMARY) WHERE id IN (LIST)";

/// Sets the number of the writer's last batch.
pub(in crate::mysql) const WRITER: &str =
    "UPDATE apikeys_writers SET seq = seq + 1, last_at = ?1 WHERE id = ?2 AND seq = ?3";

/// Adds to counters. The caller has locked the rows, which therefore exist, and no row is added.
pub(in crate::mysql) const COUNTERS: &str = "
    INSERT INTO apikeys_counters (key, org, request_count, last_used_at) VALUES LIST
    ON DUPLICATE KEY UPDATE
        request_count = request_count + VALUES(request_count),
        last_used_at = greatest(coalesce(last_used_at, VALUES(last_used_at)), VALUES(last_used_at))";

pub(in crate::mysql) const USAGE: &str = "
    INSERT INTO apikeys_usage (hour, org, key, requests, denied) VALUES LIST
    ON DUPLICATE KEY UPDATE requests = requests + VALUES(requests), denied = denied + VALUES(denied)";

macro_rules! append {
    ($end:literal) => {
        concat!(
            "INSERT INTO apikeys_audit (org, id, at, late, key, action, actor, method, path, outcome,
                status, latency_us, ip, user_agent, request_id, trace_id, denial, count, changes, lost)
             VALUES LIST",
            $end
        )
    };
}

/// Adds audit events.
pub(in crate::mysql) const APPEND: &str = append!("");

/// Adds audit events with a count. If an event with the same id exists, the counts are added. If that event has no
/// count, the action becomes NULL, which the table rejects. MySQL assigns from left to right, so `action` is first.
pub(in crate::mysql) const APPEND_COUNTS: &str = append!(
    " ON DUPLICATE KEY UPDATE
        action = CASE WHEN count IS NULL THEN NULL ELSE action END,
        count = least(count + VALUES(count), 4294967295)"
);

/// Adds events other than requests to their table.
pub(in crate::mysql) const APPEND_RARE: &str =
    "INSERT INTO apikeys_audit_rare (org, action, id, key, at, late) VALUES LIST";

/// Adds late events to their table. An event with a count can be there already.
pub(in crate::mysql) const APPEND_LATE: &str =
    "INSERT INTO apikeys_audit_late (org, at, id) VALUES LIST ON DUPLICATE KEY UPDATE org = VALUES(org)";
