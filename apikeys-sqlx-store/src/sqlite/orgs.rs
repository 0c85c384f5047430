//! Organizations, and the numbers by which other rows refer to them.

use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    OrgId,
    audit::AuditEvent,
    store::{self, OrgRow, OrgState, StoredPlan},
};
use sqlx::{Row, SqliteConnection};

use super::{
    read::{Read, Reads},
    rows::Columns,
    statements::{ReadStatement, WriteStatement},
};
use crate::error::Failure;

/// The number of an organization.
pub(super) type OrgNumber = i64;

pub(super) async fn org(reads: &Reads, org: &OrgId) -> Result<Option<OrgRow>, Failure> {
    let row = reads.optional(Read::new(ReadStatement::Org).bind(org.as_str().as_bytes())).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let number = store::OrgNumber(columns.count("number of organization")?);
    let plan = columns.plan()?;
    Ok(Some(OrgRow::new(org.clone(), number, plan, columns.count("number of keys")?)))
}

/// Returns the numbers of `orgs`. Organizations without a number are left out.
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
    let row = WriteStatement::OrgNumbers.query().bind(ids).bind(places).fetch_one(connection).await?;
    let pairs: Vec<(usize, OrgNumber)> =
        serde_json::from_str(row.try_get(0)?).map_err(|_| Failure::Unreadable("numbers of organizations"))?;
    let orgs: Vec<_> = orgs.iter().copied().collect();
    let numbers = pairs.into_iter().filter_map(|(place, number)| Some((*orgs.get(place)?, number)));
    Ok(numbers.collect())
}

/// Returns the numbers of all `orgs`. Organizations without a number get a number and remain not stored.
pub(super) async fn numbers_or_new<'o>(
    connection: &mut SqliteConnection,
    orgs: &BTreeSet<&'o OrgId>,
) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
    let mut numbers = numbers(connection, orgs).await?;
    for org in orgs {
        if !numbers.contains_key(org) {
            numbers.insert(org, add(connection, org).await?);
        }
    }
    Ok(numbers)
}

/// Gives an organization without a row a number that was never used.
pub(super) async fn add(connection: &mut SqliteConnection, org: &OrgId) -> Result<OrgNumber, Failure> {
    let row = WriteStatement::AddOrg.query().bind(org.as_str().as_bytes()).execute(connection).await?;
    Ok(row.last_insert_rowid())
}

/// Returns the number of an organization, and the state that the rules for changes need.
pub(super) async fn state(
    connection: &mut SqliteConnection,
    org: &OrgId,
) -> Result<Option<(OrgNumber, OrgState)>, Failure> {
    let row =
        WriteStatement::OrgState.query().bind(org.as_str().as_bytes()).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (number, plan) = (columns.number()?, columns.optional_plan()?);
    let public = u64::try_from(number).map_err(|_| Failure::Unreadable("number of organization"))?;
    let stored = plan.map(|plan| StoredPlan::new(store::OrgNumber(public), plan));
    let state = OrgState { stored, key_count: columns.count("number of keys")? };
    Ok(Some((number, state)))
}

/// Returns the organizations of events.
pub(super) fn of<'e>(events: impl IntoIterator<Item = &'e AuditEvent>) -> BTreeSet<&'e OrgId> {
    events.into_iter().map(|event| &event.org).collect()
}

/// Returns the events of the organizations in `numbers`, each with the number of its organization.
pub(super) fn numbered<'e>(
    events: impl IntoIterator<Item = &'e AuditEvent>,
    numbers: &BTreeMap<&OrgId, OrgNumber>,
) -> Vec<(OrgNumber, &'e AuditEvent)> {
    events.into_iter().filter_map(|event| Some((*numbers.get(&event.org)?, event))).collect()
}
