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

/// The organization's number.
macro_rules! own_org {
    ($id:literal) => {
        concat!("(SELECT num FROM apikeys_orgs WHERE id = ", $id, ")")
    };
}
pub(super) use own_org;
