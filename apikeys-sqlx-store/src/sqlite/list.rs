use apikeys_core::{
    KeyId, OrgId,
    key::KeyView,
    store::{KeyQuery, Page, UsagePoint, UsageQuery},
};

use sqlx::Row;

use super::{
    pages::{one_more, page},
    read::Reads,
    rows::{Columns, key_columns, plan_column},
    spans::BEYOND_IDS,
    statements::Statement,
};
use crate::error::Failure;

macro_rules! keys {
    ($keys:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            key_columns!(),
            ", ",
            plan_column!(),
            ", coalesce(c.request_count, 0), c.last_used_at,
             EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org) AS is_forgotten
             FROM ",
            $keys,
            " LEFT JOIN apikeys_counters c ON c.key = k.id ",
            $condition
        )
    };
}

pub(super) const KEY: &str =
    keys!("apikeys_keys k", "WHERE k.id = ?1 AND k.org = (SELECT num FROM apikeys_orgs WHERE id = ?2)");

/// Without the index's name, statistics from a time when one organization had all keys would make
/// SQLite walk the keys of all organizations.
pub(super) const KEYS_OF_ORG: &str = keys!(
    "apikeys_keys k INDEXED BY apikeys_keys_by_org",
    "WHERE k.org = (SELECT num FROM apikeys_orgs WHERE id = ?3) AND k.id < ?1
     ORDER BY k.id DESC LIMIT ?2"
);

/// Keys of forgotten organizations are read and left out afterwards: with a condition instead, the
/// statement would walk over all of them, however many there are.
pub(super) const KEYS_OF_ALL: &str = keys!("apikeys_keys k", "WHERE k.id < ?1 ORDER BY k.id DESC LIMIT ?2");

/// A key's hours. The table is ordered by hour, so this steps from one existing hour to the next
/// and looks the key up in each.
pub(super) const USAGE: &str = "
    WITH RECURSIVE hours (hour) AS (
        SELECT min(hour) FROM apikeys_usage WHERE hour >= ?3
        UNION ALL
        SELECT (SELECT min(u.hour) FROM apikeys_usage u WHERE u.hour > hours.hour)
        FROM hours WHERE hours.hour < ?4
    )
    SELECT u.hour, u.requests, u.denied
    FROM hours CROSS JOIN apikeys_usage u ON u.hour = hours.hour AND u.key = ?1 AND u.org = (
        SELECT o.num FROM apikeys_orgs o WHERE o.id = ?2
            AND EXISTS (SELECT 1 FROM apikeys_keys k WHERE k.id = ?1 AND k.org = o.num))
    WHERE hours.hour < ?4
    ORDER BY u.hour";

pub(super) async fn key(reads: &Reads, org: &OrgId, key: KeyId) -> Result<Option<KeyView>, Failure> {
    let read = Statement::Key.read().bind(key.as_bytes().as_slice()).bind(org.as_str().as_bytes());
    let row = reads.optional(read).await?;
    row.map(|row| Columns::of(&row).key_view()).transpose()
}

pub(super) async fn keys(reads: &Reads, query: &KeyQuery) -> Result<Page<KeyView, KeyId>, Failure> {
    let after = query.after.as_ref().map_or(BEYOND_IDS, |key| key.as_bytes());
    let statement = if query.org.is_some() { Statement::KeysOfOrg } else { Statement::KeysOfAll };
    let mut read = statement.read().bind(after).bind(one_more(query.limit));
    if let Some(org) = &query.org {
        read = read.bind(org.as_str().as_bytes());
    }
    let rows = reads.all(read).await?;
    page("keys", &rows, query.limit, KeyId::from_bytes, |row| {
        let is_forgotten: bool = row.try_get("is_forgotten")?;
        if is_forgotten { Ok(None) } else { Columns::of(row).key_view().map(Some) }
    })
}

pub(super) async fn usage(reads: &Reads, query: &UsageQuery) -> Result<Vec<UsagePoint>, Failure> {
    let step = query.step.duration();
    let read = Statement::Usage
        .read()
        .bind(query.key.as_bytes().as_slice())
        .bind(query.org.as_str().as_bytes())
        .bind(query.since.floor_to(step).as_micros())
        .bind(query.until.as_micros());
    let rows = reads.all(read).await?;
    let mut points: Vec<UsagePoint> = Vec::new();
    for row in &rows {
        let mut columns = Columns::of(row);
        let at = columns.time()?.floor_to(step);
        let (requests, denied): (u64, u64) = (columns.count("usage")?, columns.count("usage")?);
        match points.last_mut() {
            Some(point) if point.at == at => {
                point.requests = point.requests.saturating_add(requests);
                point.denied = point.denied.saturating_add(denied);
            }
            _ => points.push(UsagePoint::new(at, requests, denied)),
        }
    }
    Ok(points)
}
