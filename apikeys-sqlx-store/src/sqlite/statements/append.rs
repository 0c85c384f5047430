//! Statements that add many audit events at once.
//!
//! The text of a statement is constant, and so is its number of rows. The statements therefore exist with 1,
//! 16, 128 and 1024 rows.

/// The most rows of one statement.
pub(in crate::sqlite) const MOST_ROWS: usize = 1024;

macro_rules! four_times {
    ($($text:tt)*) => { concat!($($text)*, ",", $($text)*, ",", $($text)*, ",", $($text)*) };
}

/// A statement that adds `$rows`. Rows without values are NULL and are left out.
///
/// If an event with the same id exists, the counts are added. If one of the two events has no count, the
/// action becomes NULL, which the table rejects.
macro_rules! append {
    ($rows:expr) => {
        concat!(
            "INSERT INTO apikeys_audit (org, id, at, late, key, action, actor, method, path, outcome,
                status, latency_us, ip, user_agent, request_id, trace_id, denial, count, changes, lost)
             SELECT * FROM (VALUES ",
            $rows,
            ") WHERE column1 IS NOT NULL
             ON CONFLICT (org, id) DO UPDATE SET
                count = min(count + excluded.count, 4294967295),
                action = CASE WHEN count + excluded.count IS NULL THEN NULL ELSE action END"
        )
    };
}

macro_rules! append_1 {
    () => {
        append!(row!())
    };
}

macro_rules! append_16 {
    () => {
        append!(four_times!(four_times!(row!())))
    };
}

macro_rules! append_128 {
    () => {
        append!(rows_128!())
    };
}

macro_rules! append_1024 {
    () => {
        append!(concat!(four_times!(rows_128!()), ",", four_times!(rows_128!())))
    };
}

macro_rules! row {
    () => {
        "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    };
}

macro_rules! rows_128 {
    () => {
        concat!(
            four_times!(four_times!(four_times!(row!()))),
            ",",
            four_times!(four_times!(four_times!(row!())))
        )
    };
}

pub(super) use {append, append_1, append_16, append_128, append_1024, four_times, row, rows_128};

pub(super) const APPEND_1: &str = append_1!();
pub(super) const APPEND_16: &str = append_16!();
pub(super) const APPEND_128: &str = append_128!();
pub(super) const APPEND_1024: &str = append_1024!();

/// Adds spans from a blob with 39 bytes for each span. Stored spans are not changed.
pub(super) const ADD_SPANS: &str = "
    WITH RECURSIVE places (place) AS (
        SELECT 1 UNION ALL SELECT place + 39 FROM places WHERE place + 39 < length(?1)
    )
    INSERT OR IGNORE INTO apikeys_audit_spans (key, first, last)
    SELECT substr(?1, place, 16), substr(?1, place + 16, 7), substr(?1, place + 23, 16) FROM places";
