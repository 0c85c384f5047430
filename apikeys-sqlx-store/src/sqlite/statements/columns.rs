/// The columns that `Columns::key_row` reads, from `apikeys_keys AS k`.
///
/// The organization is read in a subquery. In a join, statistics from a time with few organizations would
/// make SQLite scan all of them.
macro_rules! key_columns {
    () => {
        "k.id, (SELECT o.id FROM apikeys_orgs o WHERE o.num = k.org), k.name, k.display_prefix, k.active, \
         k.created_at, k.created_by, k.expires_at, k.expiry_set_at, k.rate_limit, k.version, k.settings"
    };
}
pub(super) use key_columns;

/// The stored plan of the organization of `apikeys_keys AS k`.
macro_rules! plan_column {
    () => {
        "(SELECT o.plan FROM apikeys_orgs o WHERE o.num = k.org)"
    };
}
pub(super) use plan_column;
