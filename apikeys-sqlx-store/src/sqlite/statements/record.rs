//! Statements that record batches of audit events.

use super::append::{append, append_1, append_16, append_128, append_1024, four_times, row, rows_128};

/// Records a batch with one text of four statements, because each text is sent between two threads: the
/// number of the batch, the counters, the usage and the first audit events.
///
/// The rows of counters and of usage are a JSON array each. JSON cannot contain the ids of the keys, so a blob
/// beside each array has 16 bytes for each row.
///
/// The counters are joined with `CROSS JOIN` and then added, instead of updated. In an `UPDATE`, statistics from a
/// time when there were few keys would make SQLite scan the counters of all keys.
///
/// A counter changes only under the number of its organization. If the organization was forgotten, it has
/// another number.
macro_rules! record {
    ($append:expr) => {
        concat!(
            "UPDATE apikeys_writers SET seq = seq + 1, last_at = ? WHERE id = ? AND seq = ?;

             INSERT INTO apikeys_counters (key, org, request_count, last_used_at)
             SELECT c.key, c.org, delta.requests, delta.at
             FROM (
                SELECT substr(?, key * 16 + 1, 16) AS id, value ->> 0 AS org, value ->> 1 AS requests,
                    value ->> 2 AS at
                FROM json_each(?)
             ) AS delta CROSS JOIN apikeys_counters c ON c.key = delta.id AND c.org = delta.org
             WHERE true
             ON CONFLICT (key) DO UPDATE SET
                request_count = request_count + excluded.request_count,
                last_used_at = coalesce(
                    max(coalesce(last_used_at, excluded.last_used_at), excluded.last_used_at), last_used_at);

             INSERT INTO apikeys_usage (key, org, hour, requests, denied)
             SELECT substr(?, key * 16 + 1, 16), value ->> 0, value ->> 1, value ->> 2, value ->> 3
             FROM json_each(?)
             WHERE true
             ON CONFLICT (hour, org, key) DO UPDATE SET
                requests = requests + excluded.requests,
                denied = denied + excluded.denied;

             ",
            $append
        )
    };
}

pub(super) const RECORD_1: &str = record!(append_1!());
pub(super) const RECORD_16: &str = record!(append_16!());
pub(super) const RECORD_128: &str = record!(append_128!());
pub(super) const RECORD_1024: &str = record!(append_1024!());

/// The keys in a blob of 16 bytes for each key that are stored or deleted, each with the number of its
/// organization.
pub(super) const KNOWN_KEYS: &str = "
    WITH RECURSIVE places (place) AS (
        SELECT 1 UNION ALL SELECT place + 16 FROM places WHERE place + 16 < length(?1)
    )
    SELECT place, k.id IS NOT NULL, coalesce(k.org, t.org) FROM places
    LEFT JOIN apikeys_keys k ON k.id = substr(?1, place, 16)
    LEFT JOIN apikeys_tombstones t ON t.id = substr(?1, place, 16)
    WHERE k.id IS NOT NULL OR t.id IS NOT NULL";

pub(super) const OPEN_WRITER: &str =
    "INSERT INTO apikeys_writers (id, seq, last_at) VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING";

pub(super) const WRITER_SEQUENCE: &str = "SELECT seq FROM apikeys_writers WHERE id = ?1";
