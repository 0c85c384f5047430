//! The text of statements that add many audit events at once.
//!
//! SQL here is constant, and so is the number of rows in a statement: there are a few sizes.

/// The most rows of one statement.
pub(super) const MOST_ROWS: usize = 1024;

/// Statements by the number of rows that they take, fewest first.
pub(super) type Sizes = [(usize, &'static str); 4];

/// Returns the shortest statement that takes `rows` rows.
pub(super) fn statement_for(sizes: &Sizes, rows: usize) -> &'static str {
    let [.., (_, longest)] = *sizes;
    sizes.iter().find(|(takes, _)| *takes >= rows).map_or(longest, |(_, text)| text)
}

macro_rules! four_times {
    ($($text:tt)*) => { concat!($($text)*, ",", $($text)*, ",", $($text)*, ",", $($text)*) };
}

/// `$before`, then a statement that adds as many audit events as it has rows. Rows that get no
/// values are NULL and are left out, so that a few sizes serve any number of events.
///
/// An event whose id is there already adds its count. If one of the two has none, the sum is NULL,
/// and so is the action, which the table refuses.
macro_rules! append {
    ($before:expr, $rows:expr) => {
        concat!(
            $before,
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

/// The statement in the sizes it comes in: 1, 16, 128 and 1024 rows, each after `$before`.
macro_rules! append_in_sizes {
    ($before:expr) => {
        [
            (1, append!($before, row!())),
            (16, append!($before, four_times!(four_times!(row!())))),
            (128, append!($before, rows_128!())),
            (
                $crate::sqlite::append_statements::MOST_ROWS,
                append!($before, concat!(four_times!(rows_128!()), ",", four_times!(rows_128!()))),
            ),
        ]
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
