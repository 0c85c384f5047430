//! Organizations' rows, and the numbers by which all other rows refer to them.

use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    OrgId,
    audit::AuditEvent,
    store::{self, OrgState, StoredPlan},
};
use sqlx::{Row, SqliteConnection};

use super::rows::Columns;
use crate::error::Failure;

/// The number of an organization.
pub(super) type OrgNumber = i64;

/// The numbers of organizations by place. The ids come as one text, and their places in it as JSON,
/// which could not hold the ids themselves in a database that is not encoded in UTF-8. The answer
/// is one row, because each row costs a trip from the connection's thread.
const NUMBERS: &str = "
    SELECT json_group_array(json_array(j.key, o.num)) FROM json_each(?2) j
    CROSS JOIN apikeys_orgs o ON o.id = substr(?1, j.value ->> 0, j.value ->> 1)";

/// The numbers of those of `orgs` that have one.
pub(super) async fn numbers<'o>(
    connection: &mut SqliteConnection,
    orgs: &BTreeSet<&'o OrgId>,
) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
    if orgs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    for org in orgs {
        places.push((ids.len() + 1, org.as_str().len()));
        ids.extend_from_slice(org.as_str().as_bytes());
    }
    let places = serde_json::to_string(&places).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let row = sqlx::query(NUMBERS).bind(ids).bind(places).fetch_one(connection).await?;
    let pairs: Vec<(usize, OrgNumber)> =
        serde_json::from_str(row.try_get(0)?).map_err(|_| Failure::Unreadable("numbers of organizations"))?;
    let orgs: Vec<_> = orgs.iter().copied().collect();
    let numbers = pairs.into_iter().filter_map(|(place, number)| Some((*orgs.get(place)?, number)));
    Ok(numbers.collect())
}

/// The numbers of all of `orgs`. Those without one get one, and are not stored by that.
pub(super) async fn numbers_or_new<'o>(
    connection: &mut SqliteConnection,
    orgs: &BTreeSet<&'o OrgId>,
) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
    let mut numbers = numbers(connection, orgs).await?;
    for org in orgs {
        if !numbers.contains_key(org) {
            numbers.insert(org, number_anew(connection, org).await?);
        }
    }
    Ok(numbers)
}

/// Gives an organization without a row a number that was never used.
pub(super) async fn number_anew(
    connection: &mut SqliteConnection,
    org: &OrgId,
) -> Result<OrgNumber, Failure> {
    let row = sqlx::query("INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, NULL, 0)")
        .bind(org.as_str().as_bytes())
        .execute(connection)
        .await?;
    Ok(row.last_insert_rowid())
}

/// The number of an organization and what the rules go by.
pub(super) async fn state(
    connection: &mut SqliteConnection,
    org: &OrgId,
) -> Result<Option<(OrgNumber, OrgState)>, Failure> {
    let row = sqlx::query("SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1")
        .bind(org.as_str().as_bytes())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (number, plan) = (columns.number()?, columns.optional_plan()?);
    let public = u64::try_from(number).map_err(|_| Failure::Unreadable("number of organization"))?;
    let stored = plan.map(|plan| StoredPlan::new(store::OrgNumber(public), plan));
    let state = OrgState { stored, key_count: columns.count("number of keys")? };
    Ok(Some((number, state)))
}

/// The organizations of events.
pub(super) fn of<'e>(events: impl IntoIterator<Item = &'e AuditEvent>) -> BTreeSet<&'e OrgId> {
    events.into_iter().map(|event| &event.org).collect()
}

/// Events, each with its organization's number. Events of other organizations are left out.
pub(super) fn numbered<'e>(
    events: impl IntoIterator<Item = &'e AuditEvent>,
    numbers: &BTreeMap<&OrgId, OrgNumber>,
) -> Vec<(OrgNumber, &'e AuditEvent)> {
    events.into_iter().filter_map(|event| Some((*numbers.get(&event.org)?, event))).collect()
}
