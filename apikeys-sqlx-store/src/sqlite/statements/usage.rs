//! Statements on the usage of a key.
//!
//! The first column of the table's primary key is the hour. The statements therefore go from one hour that
//! has rows to the next such hour, and look the key up in each hour. Their work grows with the number of
//! hours, of which a year has 8,760, and not with the number of keys or requests.

/// The hours from `$from` that have usage of any key. The condition ends the recursion.
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
     FROM hours CROSS JOIN apikeys_usage u ON u.hour = hours.hour AND u.key = ?1 AND u.org = (
        SELECT o.num FROM apikeys_orgs o WHERE o.id = ?2
            AND EXISTS (SELECT 1 FROM apikeys_keys k WHERE k.id = ?1 AND k.org = o.num))
     WHERE hours.hour < ?4
     ORDER BY u.hour"
);

/// The number of hours from ?1, at most ?2, and the last of these hours.
pub(super) const HOURS: &str =
    concat!(hours!("?1", "hours.hour IS NOT NULL LIMIT ?2"), "SELECT count(hour), max(hour) FROM hours");

/// Deletes the usage of the key ?1 in the first ?4 hours from ?3.
pub(super) const DELETE_OF_KEY: &str = concat!(
    hours!("?3", "hours.hour IS NOT NULL LIMIT ?4"),
    "DELETE FROM apikeys_usage WHERE hour IN (SELECT hour FROM hours) AND org = ?2 AND key = ?1"
);
