//! Commits a change: its rows, its audit events and the revision.

use std::time::Duration;

use apikeys_core::{
    KeyId, OrgId, PlanName,
    id::ChangeId,
    store::{Change, ChangeKind, CommitOutcome, KeyRow, Revision, SecretRow},
    token::Locator,
};

use super::{orgs, secrets, usage, warnings};
use crate::{
    argument::{Argument, arguments},
    columns::Columns,
    error::Failure,
    session::{OrgNumber, Session, Verdict, Work},
    statements::WriteStatement,
};

/// Commits a change with its audit events.
///
/// All transactions lock rows in the same order: the organization, the key with its counters and secrets, the number
/// of secrets of a scheme, and the revision last. Transactions therefore wait for each other, and not in a circle.
pub(crate) struct Commit<'a>(pub(crate) &'a Change);

impl Work for Commit<'_> {
    type Answer = CommitOutcome;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<CommitOutcome>, Failure> {
        let change = self.0;
        // A repeated change waits for the lock until the first attempt has ended, and then finds its row.
        let (number, state) = orgs::lock(session, change.org()).await?;
        if let Some(revision) = revision_of(session, change.id).await? {
            return Ok(Verdict::RollBack(CommitOutcome::Done { revision }));
        }
        if let Err(refusal) = state.check(&change.kind) {
            return Ok(Verdict::RollBack(refusal.at(revision(session).await?)));
        }
        let refused = match &change.kind {
            ChangeKind::Create { row, secrets, plan, .. } => {
                create(session, number, row, secrets, plan).await?
            }
            ChangeKind::SetPlan { plan, .. } => set_plan(session, number, plan).await?,
            ChangeKind::Update { row, expected_version, added, dropped } => {
                update(session, number, row, *expected_version, added, dropped).await?
            }
            ChangeKind::Delete { key, .. } => delete(session, number, *key).await?,
            ChangeKind::ForgetOrg { org } => forget(session, number, org).await?,
            // A newer core may add kinds. The conformance tests commit a change of every kind.
            _ => return Err(Failure::UnknownChange),
        };
        if let Some(refused) = refused {
            return Ok(Verdict::RollBack(refused));
        }
        if let ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } = &change.kind {
            warnings::check_soon(session, row).await?;
        }
        let numbers = orgs::numbers_or_new(session, &orgs::of(&change.events)).await?;
        session.append(&orgs::numbered(&change.events, &numbers)).await?;
        let revision = session.add_change(change).await?;
        Ok(Verdict::Commit(CommitOutcome::Done { revision }))
    }
}

/// Returns the revision of a change that was committed before, or `None` if the change is unknown.
async fn revision_of(session: &mut impl Session, change: ChangeId) -> Result<Option<Revision>, Failure> {
    let row = session.optional(WriteStatement::RevisionOfChange, arguments![&change]).await?;
    row.map(|row| Columns::of(&row).count("revision").map(Revision)).transpose()
}

async fn revision(session: &mut impl Session) -> Result<Revision, Failure> {
    let row = session.one(WriteStatement::LatestRevision, arguments![]).await?;
    Ok(Revision(Columns::of(&row).count("revision")?))
}

async fn not_found(session: &mut impl Session) -> Result<Option<CommitOutcome>, Failure> {
    Ok(Some(CommitOutcome::NotFound { revision: revision(session).await? }))
}

async fn create(
    session: &mut impl Session,
    number: OrgNumber,
    row: &KeyRow,
    secrets: &[SecretRow],
    plan: &PlanName,
) -> Result<Option<CommitOutcome>, Failure> {
    let deleted = session.optional(WriteStatement::DeletedKey, arguments![&row.id]).await?;
    if deleted.is_some() {
        return Err(Failure::Refused("the id of the new key was used for a deleted key"));
    }
    session.execute(WriteStatement::AddKeyToOrg, arguments![number, plan.as_str()]).await?;
    session.execute(WriteStatement::AddKey, &columns(number, row)?).await?;
    session.execute(WriteStatement::AddCounter, arguments![&row.id, number]).await?;
    secrets::add(session, row.id, secrets).await
}

async fn update(
    session: &mut impl Session,
    number: OrgNumber,
    row: &KeyRow,
    expected_version: u64,
    added: &[SecretRow],
    dropped: &[Locator],
) -> Result<Option<CommitOutcome>, Failure> {
    let stored = session.optional(WriteStatement::KeyVersion, arguments![&row.id, number]).await?;
    let Some(stored) = stored else { return not_found(session).await };
    if Columns::of(&stored).count::<u64>("version")? != expected_version {
        return Ok(Some(CommitOutcome::VersionConflict));
    }
    session.execute(WriteStatement::UpdateKey, &columns(number, row)?).await?;
    secrets::delete(session, row.id, dropped).await?;
    secrets::add(session, row.id, added).await
}

/// The most hours in which the deletion of a key deletes the key's usage. The purge deletes the usage of other
/// hours, so that other writes never wait for a deletion.
const HOURS: u32 = 1_000;

/// Usage that is earlier than the creation of a key by more than this time is not searched. Such usage exists
/// only if the clocks of two instances differ. It remains, unreadable, until the organization is forgotten.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(86_400);

async fn delete(
    session: &mut impl Session,
    number: OrgNumber,
    key: KeyId,
) -> Result<Option<CommitOutcome>, Failure> {
    let created = session.optional(WriteStatement::KeyCreatedAt, arguments![&key, number]).await?;
    let Some(created) = created else { return not_found(session).await };
    let first = Columns::of(&created).time()?.saturating_sub(CLOCK_DIFFERENCE).as_micros();
    session.execute(WriteStatement::AddTombstone, arguments![&key, number]).await?;
    secrets::delete_all(session, key).await?;
    for statement in [WriteStatement::DeleteCounter, WriteStatement::DeleteKey] {
        session.execute(statement, arguments![&key, number]).await?;
    }
    session.execute(WriteStatement::DeleteWarning, arguments![&key]).await?;
    if let Some(hour) = usage::delete(session, number, key, first, HOURS).await?.next {
        session.execute(WriteStatement::AddDeletedUsage, arguments![&key, number, hour]).await?;
    }
    session.execute(WriteStatement::RemoveKeyFromOrg, arguments![number]).await?;
    Ok(None)
}

async fn set_plan(
    session: &mut impl Session,
    number: OrgNumber,
    plan: &PlanName,
) -> Result<Option<CommitOutcome>, Failure> {
    session.execute(WriteStatement::SetPlan, arguments![number, plan.as_str()]).await?;
    Ok(None)
}

/// Gives the id a new number, and adds the old number to the forgotten organizations. This changes three rows,
/// whatever the organization has stored. The rows under the old number can no longer be read, and the purge
/// deletes them.
async fn forget(
    session: &mut impl Session,
    number: OrgNumber,
    org: &OrgId,
) -> Result<Option<CommitOutcome>, Failure> {
    session.execute(WriteStatement::DeleteOrg, arguments![number]).await?;
    session.execute(WriteStatement::AddOrg, arguments![org]).await?;
    session.execute(WriteStatement::AddForgotten, arguments![number, i64::MIN]).await?;
    Ok(None)
}

/// Returns all columns of a key, in the order of the table.
fn columns(number: OrgNumber, row: &KeyRow) -> Result<[Argument<'_>; 12], Failure> {
    let version =
        i64::try_from(row.version).map_err(|_| Failure::Refused("the version of the key is too high"))?;
    Ok([
        (&row.id).into(),
        number.into(),
        row.name.as_str().into(),
        row.display_prefix.as_str().into(),
        row.active.into(),
        row.created_at.into(),
        (&row.created_by).into(),
        row.expires_at.into(),
        row.expiry_set_at.into(),
        row.rate_limit.map(|limit| i64::from(limit.requests())).into(),
        version.into(),
        row.settings.as_json().into(),
    ])
}
