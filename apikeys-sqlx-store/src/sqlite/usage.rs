//! Reads and deletes the usage of a key.

use apikeys_core::{
    KeyId,
    store::{UsagePoint, UsageQuery},
};
use sqlx::{Row, SqliteConnection};

use super::{
    orgs::OrgNumber,
    read::{Read, Reads},
    rows::Columns,
    statements::{ReadStatement, WriteStatement},
};
use crate::error::Failure;

pub(super) async fn usage(reads: &Reads, query: &UsageQuery) -> Result<Vec<UsagePoint>, Failure> {
    let step = query.step.duration();
    let read = Read::new(ReadStatement::Usage)
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

/// The result of one call of [`delete`].
pub(super) struct Deleted {
    /// The number of deleted rows.
    pub(super) rows: u64,
    /// The number of hours that were searched.
    pub(super) hours: u32,
    /// The hour from which the next call continues. `None` if no usage is left.
    pub(super) next: Option<i64>,
}

/// Deletes the usage of a key in the first `hours` hours from `from` in which any key has usage.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    org: OrgNumber,
    key: KeyId,
    from: i64,
    hours: u32,
) -> Result<Deleted, Failure> {
    let row = WriteStatement::Hours.query().bind(from).bind(hours).fetch_one(&mut *connection).await?;
    let (existing, last): (u32, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let next = last.filter(|_| existing > hours);
    let deleted = WriteStatement::DeleteUsageOfKey
        .query()
        .bind(key.as_bytes().to_vec())
        .bind(org)
        .bind(from)
        .bind(hours)
        .execute(connection)
        .await?;
    Ok(Deleted { rows: deleted.rows_affected(), hours: existing.min(hours), next })
}
