//! Statements on the usage of a key.
//!
//! The first column of the table's primary key is the hour. The statements therefore go from one hour that
//! has rows to the next such hour, and look the key up in each hour. Their work grows with the number of
//! hours, of which a year has 8,760, and not with the number of keys or requests.

use super::columns::own_org;

/// The hours from `$from` that have usage of any key. The condition ends the recursion. PostgreSQL computes only as
/// many hours as the statement reads.
macro_rules! hours {
    ($from:literal, $condition:literal) => {
        concat!(
            "WITH RECURSIVE hours (hour) AS (
                SELECT min(hour) FROM apikeys_usage WHERE hour >= ",
            $from,
            "
                UNION ALL
                SELECT (SELECT min(u.hour) FROM apikeys_usage u WHERE u.hour > hours.hour)
                FROM hours WHERE ",
            $condition,
            ") "
        )
    };
}

pub(super) const USAGE: &str = concat!(
    hours!("?3", "hours.hour < ?4"),
    "SELECT u.hour, u.requests, u.denied
     FROM hours CROSS JOIN LATERAL (
        SELECT * FROM apikeys_usage x WHERE x.hour = hours.hour AND x.key = ?1 AND x.org = ",
    own_org!("?2"),
    " OFFSET 0) u
     WHERE hours.hour < ?4 AND EXISTS (SELECT 1 FROM apikeys_keys k WHERE k.id = ?1 AND k.org = ",
    own_org!("?2"),
    ")
     ORDER BY u.hour"
);

/// The number of hours from ?1, at most ?2, and the last of these hours.
pub(super) const HOURS: &str = concat!(
    hours!("?1", "hours.hour IS NOT NULL"),
    "SELECT count(hour), max(hour) FROM (SELECT hour FROM hours WHERE hour IS NOT NULL LIMIT ?2) h"
);

/// Deletes the usage of the key ?1 in the first ?4 hours from ?3.
pub(super) const DELETE_OF_KEY: &str = concat!(
    hours!("?3", "hours.hour IS NOT NULL"),
    "DELETE FROM apikeys_usage WHERE org = ?2 AND key = ?1 AND hour = ANY(ARRAY(
        SELECT hour FROM hours WHERE hour IS NOT NULL LIMIT ?4))"
);
