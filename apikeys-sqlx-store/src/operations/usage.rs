//! Reads and deletes the usage of a key.

use apikeys_core::{
    KeyId,
    store::{UsagePoint, UsageQuery},
};

use crate::{
    argument::arguments,
    columns::Columns,
    error::Failure,
    session::{OrgNumber, Reader, Session},
    statements::{ReadStatement, WriteStatement},
};

pub(crate) async fn usage(reader: &impl Reader, query: &UsageQuery) -> Result<Vec<UsagePoint>, Failure> {
    let step = query.step.duration();
    let since = query.since.floor_to(step);
    let arguments = arguments![&query.key, &query.org, since, query.until];
    let rows = reader.all(ReadStatement::Usage, arguments).await?;
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
pub(crate) struct Deleted {
    /// The number of deleted rows.
    pub(crate) rows: u64,
    /// The number of hours that were searched.
    pub(crate) hours: u32,
    /// The hour from which the next call continues. `None` if no usage is left.
    pub(crate) next: Option<i64>,
}

/// Deletes the usage of a key in the first `hours` hours from `from` in which the key has usage, or in which any key has
/// usage, depending on the database.
pub(crate) async fn delete(
    session: &mut impl Session,
    org: OrgNumber,
    key: KeyId,
    from: i64,
    hours: u32,
) -> Result<Deleted, Failure> {
    let one_more = i64::from(hours) + 1;
    let row = session.one(WriteStatement::Hours, arguments![from, one_more, &key]).await?;
    let mut columns = Columns::of(&row);
    let (existing, last): (u32, _) = (columns.count("number of hours")?, columns.optional_number()?);
    let next = last.filter(|_| existing > hours);
    let rows = session.execute(WriteStatement::DeleteUsageOfKey, arguments![&key, org, from, hours]).await?;
    Ok(Deleted { rows, hours: existing.min(hours), next })
}
