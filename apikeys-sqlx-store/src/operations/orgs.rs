//! Organizations, and the numbers by which other rows refer to them.

use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    OrgId,
    audit::AuditEvent,
    store::{self, OrgRow, OrgState, StoredPlan},
};

use crate::{
    argument::arguments,
    columns::Columns,
    error::Failure,
    session::{OrgNumber, Reader, Session},
    statements::{ReadStatement, WriteStatement},
};

pub(crate) async fn org(reader: &impl Reader, org: &OrgId) -> Result<Option<OrgRow>, Failure> {
    let row = reader.optional(ReadStatement::Org, arguments![org]).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let number = store::OrgNumber(columns.count("number of organization")?);
    let plan = columns.plan()?;
    Ok(Some(OrgRow::new(org.clone(), number, plan, columns.count("number of keys")?)))
}

/// Returns the numbers of all `orgs`. Organizations without a number get a number and remain not stored.
pub(crate) async fn numbers_or_new<'o>(
    session: &mut impl Session,
    orgs: &BTreeSet<&'o OrgId>,
) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
    let mut numbers = session.org_numbers(orgs).await?;
    for org in orgs {
        if !numbers.contains_key(org) {
            numbers.insert(org, lock(session, org).await?.0);
        }
    }
    Ok(numbers)
}

/// Locks an organization until the transaction ends. Returns its number, and the state that the rules for changes
/// need. An organization without a row gets a row with a number that was never used, and remains not stored.
pub(crate) async fn lock(session: &mut impl Session, org: &OrgId) -> Result<(OrgNumber, OrgState), Failure> {
    let row = match session.optional(WriteStatement::LockOrg, arguments![org]).await? {
        Some(row) => row,
        None => {
            session.execute(WriteStatement::AddOrg, arguments![org]).await?;
            session.one(WriteStatement::LockOrg, arguments![org]).await?
        }
    };
    let mut columns = Columns::of(&row);
    let (number, plan) = (columns.number()?, columns.optional_plan()?);
    let public = u64::try_from(number).map_err(|_| Failure::Unreadable("number of organization"))?;
    let stored = plan.map(|plan| StoredPlan::new(store::OrgNumber(public), plan));
    Ok((number, OrgState { stored, key_count: columns.count("number of keys")? }))
}

/// Returns the organizations of events.
pub(crate) fn of<'e>(events: impl IntoIterator<Item = &'e AuditEvent>) -> BTreeSet<&'e OrgId> {
    events.into_iter().map(|event| &event.org).collect()
}

/// Returns the events of the organizations in `numbers`, each with the number of its organization.
pub(crate) fn numbered<'e>(
    events: impl IntoIterator<Item = &'e AuditEvent>,
    numbers: &BTreeMap<&OrgId, OrgNumber>,
) -> Vec<(OrgNumber, &'e AuditEvent)> {
    events.into_iter().filter_map(|event| Some((*numbers.get(&event.org)?, event))).collect()
}
