//! Statements that record batches of audit events.

pub(super) const OPEN_WRITER: &str =
    "INSERT INTO apikeys_writers (id, seq, last_at) VALUES (?1, 0, ?2) ON CONFLICT (id) DO NOTHING";

pub(super) const WRITER_SEQUENCE: &str = "SELECT seq FROM apikeys_writers WHERE id = ?1 FOR UPDATE";

/// Locks the counters of the keys in the array ?1, in the order of their ids, so that two batches do not wait for each
/// other.
pub(in crate::postgres) const LOCK_COUNTERS: &str =
    "SELECT key, org FROM apikeys_counters WHERE key = ANY(?1) ORDER BY key FOR NO KEY UPDATE";

/// The keys in the array ?1 that are stored or deleted, each with the number of its organization.
pub(in crate::postgres) const KNOWN_KEYS: &str = "
    SELECT id, org, true FROM apikeys_keys WHERE id = ANY(?1)
    UNION ALL SELECT id, org, false FROM apikeys_tombstones WHERE id = ANY(?1)";

/// Sets the number of the writer's last batch, adds to the counters and the usage, and returns the numbers of changed
/// rows. The arrays are columns: ?4 to ?7 of the counters, ?8 to ?12 of the usage.
///
/// A counter changes only under the number of its organization. If the organization was forgotten, it has
/// another number.
pub(in crate::postgres) const COUNT: &str = "
    WITH writer AS (
        UPDATE apikeys_writers SET seq = seq + 1, last_at = ?1 WHERE id = ?2 AND seq = ?3 RETURNING 1
    ), counters AS (
        UPDATE apikeys_counters c
        SET request_count = c.request_count + d.requests, last_used_at = greatest(c.last_used_at, d.at)
        FROM unnest(?4::bytea[], ?5::bigint[], ?6::bigint[], ?7::bigint[]) AS d (key, org, requests, at)
        WHERE c.key = d.key AND c.org = d.org
        RETURNING 1
    ), used AS (
        INSERT INTO apikeys_usage AS u (hour, org, key, requests, denied)
        SELECT * FROM unnest(?8::bigint[], ?9::bigint[], ?10::bytea[], ?11::bigint[], ?12::bigint[])
        ON CONFLICT (hour, org, key) DO UPDATE SET
            requests = u.requests + excluded.requests,
            denied = u.denied + excluded.denied
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM writer) + (SELECT count(*) FROM counters) + (SELECT count(*) FROM used)";

macro_rules! append {
    ($end:literal) => {
        concat!(
            "INSERT INTO apikeys_audit AS a (org, id, at, late, key, action, actor, method, path, outcome,
                status, latency_us, ip, user_agent, request_id, trace_id, denial, count, changes, lost)
             SELECT * FROM unnest(?1::bigint[], ?2::bytea[], ?3::bigint[], ?4::boolean[], ?5::bytea[], ?6::text[],
                ?7::bytea[], ?8::text[], ?9::text[], ?10::text[], ?11::bigint[], ?12::bigint[], ?13::text[],
                ?14::text[], ?15::text[], ?16::text[], ?17::text[], ?18::bigint[], ?19::text[], ?20::bigint[])",
            $end
        )
    };
}

/// Adds audit events from arrays, one for each column.
pub(in crate::postgres) const APPEND: &str = append!("");

/// Adds audit events with a count. If an event with the same id exists, the counts are added. If that event has no
/// count, the action becomes NULL, which the table rejects.
pub(in crate::postgres) const APPEND_COUNTS: &str = append!(
    " ON CONFLICT (org, id) DO UPDATE SET
        count = least(a.count + excluded.count, 4294967295),
        action = CASE WHEN a.count + excluded.count IS NULL THEN NULL ELSE a.action END"
);
