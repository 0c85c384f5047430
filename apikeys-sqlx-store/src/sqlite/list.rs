use apikeys_core::{
    KeyId, OrgId,
    key::KeyView,
    store::{KeyQuery, Page, UsagePoint, UsageQuery},
};
use sqlx::sqlite::SqlitePool;

use super::{
    rows::{Columns, key_columns},
    spans::BEYOND_IDS,
};
use crate::error::Failure;

macro_rules! keys {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            key_columns!(),
            ", coalesce(c.request_count, 0), c.last_used_at
             FROM apikeys_keys k LEFT JOIN apikeys_counters c ON c.key = k.id
             WHERE ",
            $condition
        )
    };
}

const KEY: &str = keys!("k.id = ?1 AND k.org = ?2");
const KEYS_OF_ORG: &str = keys!("k.org = ?3 AND k.id < ?1 ORDER BY k.id DESC LIMIT ?2");
const KEYS_OF_ALL: &str = keys!("k.id < ?1 ORDER BY k.id DESC LIMIT ?2");

/// A key's hours. The table is ordered by hour, so this steps from one hour that exists to the
/// next and looks the key up in each.
const USAGE: &str = "
    WITH RECURSIVE hours (hour) AS (
        SELECT min(hour) FROM apikeys_usage WHERE hour >= ?3
        UNION ALL
        SELECT (SELECT min(u.hour) FROM apikeys_usage u WHERE u.hour > hours.hour)
        FROM hours WHERE hours.hour < ?4
    )
    SELECT u.hour, u.requests, u.denied
    FROM hours CROSS JOIN apikeys_usage u ON u.hour = hours.hour AND u.key = ?1
    WHERE hours.hour < ?4 AND EXISTS (SELECT 1 FROM apikeys_keys k WHERE k.id = ?1 AND k.org = ?2)
    ORDER BY u.hour";

pub(super) async fn key(pool: &SqlitePool, org: &OrgId, key: KeyId) -> Result<Option<KeyView>, Failure> {
    let row = sqlx::query(KEY)
        .bind(key.as_bytes().as_slice())
        .bind(org.as_str().as_bytes())
        .fetch_optional(pool)
        .await?;
    row.map(|row| Columns::of(&row).key_view()).transpose()
}

pub(super) async fn keys(pool: &SqlitePool, query: &KeyQuery) -> Result<Page<KeyView, KeyId>, Failure> {
    let after = query.after.as_ref().map_or(BEYOND_IDS, |key| key.as_bytes());
    let statement = if query.org.is_some() { KEYS_OF_ORG } else { KEYS_OF_ALL };
    let mut statement = sqlx::query(statement).bind(after).bind(one_more(query.limit));
    if let Some(org) = &query.org {
        statement = statement.bind(org.as_str().as_bytes());
    }
    let rows = statement.fetch_all(pool).await?;
    let views = rows.iter().map(|row| Columns::of(row).key_view()).collect::<Result<_, _>>()?;
    Ok(Page::cut(views, query.limit, |view: &KeyView| view.row.id))
}

pub(super) async fn usage(pool: &SqlitePool, query: &UsageQuery) -> Result<Vec<UsagePoint>, Failure> {
    let step = query.step.duration();
    let rows = sqlx::query(USAGE)
        .bind(query.key.as_bytes().as_slice())
        .bind(query.org.as_str().as_bytes())
        .bind(query.since.floor_to(step).as_micros())
        .bind(query.until.as_micros())
        .fetch_all(pool)
        .await?;
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

/// One beyond the limit tells whether there is more.
pub(super) fn one_more(limit: u32) -> i64 {
    i64::from(limit).saturating_add(1)
}
