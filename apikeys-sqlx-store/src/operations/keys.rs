//! Reads keys for management.

use apikeys_core::{
    KeyId, OrgId,
    store::{KeyQuery, KeyView, Page},
};

use crate::{
    argument::arguments,
    cells::Cells,
    columns::Columns,
    error::Failure,
    ids::BEYOND_IDS,
    pages::{one_more, page},
    session::Reader,
    statements::ReadStatement,
};

/// The column after those of a key.
const IS_FORGOTTEN: usize = 15;

pub(crate) async fn key(reader: &impl Reader, org: &OrgId, key: KeyId) -> Result<Option<KeyView>, Failure> {
    let row = reader.optional(ReadStatement::Key, arguments![&key, org]).await?;
    row.map(|row| Columns::of(&row).key_view()).transpose()
}

pub(crate) async fn keys(reader: &impl Reader, query: &KeyQuery) -> Result<Page<KeyView, KeyId>, Failure> {
    let after = query.after.as_ref().map_or(BEYOND_IDS, |key| key.as_bytes());
    let limit = one_more(query.limit);
    let rows = match &query.org {
        Some(org) => reader.all(ReadStatement::KeysOfOrg, arguments![after, limit, org]).await?,
        None => reader.all(ReadStatement::KeysOfAll, arguments![after, limit]).await?,
    };
    page("keys", &rows, query.limit, KeyId::from_bytes, |row| {
        let is_forgotten = row.boolean(IS_FORGOTTEN)?.unwrap_or(false);
        if is_forgotten { Ok(None) } else { Columns::of(row).key_view().map(Some) }
    })
}
