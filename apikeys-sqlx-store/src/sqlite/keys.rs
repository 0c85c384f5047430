//! Reads keys for management.

use apikeys_core::{
    KeyId, OrgId,
    store::{KeyQuery, KeyView, Page},
};
use sqlx::Row;

use super::{
    pages::{one_more, page},
    read::{Read, Reads},
    rows::Columns,
    spans::BEYOND_IDS,
    statements::ReadStatement,
};
use crate::error::Failure;

pub(super) async fn key(reads: &Reads, org: &OrgId, key: KeyId) -> Result<Option<KeyView>, Failure> {
    let read = Read::new(ReadStatement::Key).bind(key.as_bytes().as_slice()).bind(org.as_str().as_bytes());
    let row = reads.optional(read).await?;
    row.map(|row| Columns::of(&row).key_view()).transpose()
}

pub(super) async fn keys(reads: &Reads, query: &KeyQuery) -> Result<Page<KeyView, KeyId>, Failure> {
    let after = query.after.as_ref().map_or(BEYOND_IDS, |key| key.as_bytes());
    let statement = if query.org.is_some() { ReadStatement::KeysOfOrg } else { ReadStatement::KeysOfAll };
    let mut read = Read::new(statement).bind(after).bind(one_more(query.limit));
    if let Some(org) = &query.org {
        read = read.bind(org.as_str().as_bytes());
    }
    let rows = reads.all(read).await?;
    page("keys", &rows, query.limit, KeyId::from_bytes, |row| {
        let is_forgotten: bool = row.try_get("is_forgotten")?;
        if is_forgotten { Ok(None) } else { Columns::of(row).key_view().map(Some) }
    })
}
