/// Begins a read that the server stops after 2 seconds. MariaDB takes the time from the first comment, and MySQL from
/// the second. Each ignores the other comment.
macro_rules! select {
    () => {
        "/*M!100100 SET STATEMENT max_statement_time=2 FOR */ SELECT /*+ MAX_EXECUTION_TIME(2000) */ "
    };
}
pub(super) use select;

/// The columns that `Columns::key_row` reads, from `apikeys_keys AS k` and its organization `o`.
macro_rules! key_columns {
    () => {
        "k.id, o.id, k.name, k.display_prefix, k.active, k.created_at, k.created_by, k.expires_at, \
         k.expiry_set_at, k.rate_limit, k.version, k.settings"
    };
}
pub(super) use key_columns;

/// The store's revision.
macro_rules! revision {
    () => {
        "(SELECT value FROM apikeys_state WHERE name = 'revision')"
    };
}
pub(super) use revision;
