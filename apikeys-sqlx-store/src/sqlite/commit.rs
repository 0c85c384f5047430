//! Commits a change: its rows, its audit events and the revision.

use std::{collections::BTreeSet, time::Duration};

use apikeys_core::{
    KeyId, OrgId, PlanName,
    id::ChangeId,
    store::{Change, ChangeKind, CommitOutcome, KeyRow, Revision, SecretRow},
    token::Locator,
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{
    append,
    orgs::{self, OrgNumber},
    rows::Columns,
    secrets,
    spans::{KnownSpans, Span},
    statements::WriteStatement,
    transaction::{Verdict, Work},
    usage, warnings,
};
use crate::error::Failure;

/// Commits a change with its audit events. Also returns the spans that were written.
pub(super) struct Commit<'a> {
    pub(super) change: &'a Change,
    pub(super) spans: &'a KnownSpans,
}

impl Work for Commit<'_> {
    type Answer = (CommitOutcome, BTreeSet<Span>);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let change = self.change;
        let without_spans = |committed| Ok(Verdict::RollBack((committed, BTreeSet::new())));
        if let Some(revision) = revision_of(connection, change.id).await? {
            return without_spans(CommitOutcome::Done { revision });
        }
        let (number, state) = orgs::state(connection, change.org()).await?.unzip();
        if let Err(refusal) = state.unwrap_or_default().check(&change.kind) {
            return without_spans(refusal.at(revision(connection).await?));
        }
        let refused = match (&change.kind, number) {
            (ChangeKind::Create { row, secrets, plan, .. }, _) => {
                create(connection, row, secrets, plan).await?
            }
            (ChangeKind::SetPlan { org, plan, .. }, _) => set_plan(connection, org, plan).await?,
            (ChangeKind::Update { row, expected_version, added, dropped }, Some(number)) => {
                update(connection, number, row, *expected_version, added, dropped).await?
            }
            (ChangeKind::Delete { key, .. }, Some(number)) => delete(connection, number, *key).await?,
            (ChangeKind::ForgetOrg { org }, Some(number)) => forget(connection, number, org).await?,
            // A newer core may add kinds. The conformance tests commit a change of every kind.
            _ => return Err(Failure::UnknownChange),
        };
        if let Some(refused) = refused {
            return without_spans(refused);
        }
        if let ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } = &change.kind {
            warnings::check_soon(connection, row).await?;
        }
        let numbers = orgs::numbers_or_new(connection, &orgs::of(&change.events)).await?;
        append::append(connection, &orgs::numbered(&change.events, &numbers)).await?;
        let spans = self.spans.add(connection, change.events.iter()).await?;
        let revision = add_change(connection, change).await?;
        Ok(Verdict::Commit((CommitOutcome::Done { revision }, spans)))
    }
}

/// Returns the revision of a change that was committed before, or `None` if the change is unknown.
async fn revision_of(
    connection: &mut SqliteConnection,
    change: ChangeId,
) -> Result<Option<Revision>, Failure> {
    let row = WriteStatement::RevisionOfChange
        .query()
        .bind(change.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Columns::of(&row).count("revision").map(Revision)).transpose()
}

async fn add_change(connection: &mut SqliteConnection, change: &Change) -> Result<Revision, Failure> {
    WriteStatement::DeleteOldChange.query().execute(&mut *connection).await?;
    let made = WriteStatement::AddChange
        .query()
        .bind(change.id.as_bytes().as_slice())
        .bind(bytes(change.org()))
        .bind(change.key().map(|key| key.as_bytes().to_vec()))
        .execute(connection)
        .await?;
    u64::try_from(made.last_insert_rowid()).map(Revision).map_err(|_| Failure::Unreadable("revision"))
}

async fn revision(connection: &mut SqliteConnection) -> Result<Revision, Failure> {
    let row = WriteStatement::LatestRevision.query().fetch_one(connection).await?;
    Ok(Revision(Columns::of(&row).count("revision")?))
}

async fn not_found(connection: &mut SqliteConnection) -> Result<Option<CommitOutcome>, Failure> {
    Ok(Some(CommitOutcome::NotFound { revision: revision(connection).await? }))
}

async fn create(
    connection: &mut SqliteConnection,
    row: &KeyRow,
    secrets: &[SecretRow],
    plan: &PlanName,
) -> Result<Option<CommitOutcome>, Failure> {
    let deleted = WriteStatement::DeletedKey
        .query()
        .bind(row.id.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    if deleted.is_some() {
        return Err(Failure::Refused("the id of the new key was used for a deleted key"));
    }
    let org = WriteStatement::AddKeyToOrg
        .query()
        .bind(bytes(&row.org))
        .bind(plan.as_str())
        .fetch_one(&mut *connection)
        .await?;
    let number = Columns::of(&org).number()?;
    bind(WriteStatement::AddKey, number, row)?.execute(&mut *connection).await?;
    WriteStatement::AddCounter
        .query()
        .bind(row.id.as_bytes().as_slice())
        .bind(number)
        .execute(&mut *connection)
        .await?;
    secrets::add(connection, row.id, secrets).await
}

async fn update(
    connection: &mut SqliteConnection,
    number: OrgNumber,
    row: &KeyRow,
    expected_version: u64,
    added: &[SecretRow],
    dropped: &[Locator],
) -> Result<Option<CommitOutcome>, Failure> {
    let stored = WriteStatement::KeyVersion
        .query()
        .bind(row.id.as_bytes().as_slice())
        .bind(number)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(stored) = stored else { return not_found(connection).await };
    if Columns::of(&stored).count::<u64>("version")? != expected_version {
        return Ok(Some(CommitOutcome::VersionConflict));
    }
    bind(WriteStatement::UpdateKey, number, row)?.execute(&mut *connection).await?;
    secrets::delete(connection, row.id, dropped).await?;
    secrets::add(connection, row.id, added).await
}

/// The most hours in which the deletion of a key deletes the key's usage. The purge deletes the usage of other
/// hours, so that other writes never wait for a deletion.
const HOURS: u32 = 1_000;

/// Usage that is earlier than the creation of a key by more than this time is not searched. Such usage exists
/// only if the clocks of two instances differ. It remains, unreadable, until the organization is forgotten.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(86_400);

async fn delete(
    connection: &mut SqliteConnection,
    number: OrgNumber,
    key: KeyId,
) -> Result<Option<CommitOutcome>, Failure> {
    let id = key.as_bytes().as_slice();
    let created =
        WriteStatement::KeyCreatedAt.query().bind(id).bind(number).fetch_optional(&mut *connection).await?;
    let Some(created) = created else { return not_found(connection).await };
    let first = Columns::of(&created).time()?.saturating_sub(CLOCK_DIFFERENCE).as_micros();
    WriteStatement::AddTombstone.query().bind(id).bind(number).execute(&mut *connection).await?;
    secrets::delete_all(connection, key).await?;
    for statement in [WriteStatement::DeleteCounter, WriteStatement::DeleteKey] {
        statement.query().bind(id).bind(number).execute(&mut *connection).await?;
    }
    WriteStatement::DeleteWarning.query().bind(id).execute(&mut *connection).await?;
    if let Some(hour) = usage::delete(connection, number, key, first, HOURS).await?.next {
        WriteStatement::AddDeletedUsage
            .query()
            .bind(id)
            .bind(number)
            .bind(hour)
            .execute(&mut *connection)
            .await?;
    }
    WriteStatement::RemoveKeyFromOrg.query().bind(number).execute(connection).await?;
    Ok(None)
}

async fn set_plan(
    connection: &mut SqliteConnection,
    id: &OrgId,
    plan: &PlanName,
) -> Result<Option<CommitOutcome>, Failure> {
    WriteStatement::SetPlan.query().bind(bytes(id)).bind(plan.as_str()).execute(connection).await?;
    Ok(None)
}

/// Gives the id a new number, and adds the old number to the forgotten organizations. This changes three rows,
/// whatever the organization has stored. The rows under the old number can no longer be read, and the purge
/// deletes them.
async fn forget(
    connection: &mut SqliteConnection,
    number: OrgNumber,
    org: &OrgId,
) -> Result<Option<CommitOutcome>, Failure> {
    WriteStatement::DeleteOrg.query().bind(number).execute(&mut *connection).await?;
    orgs::add(connection, org).await?;
    WriteStatement::AddForgotten.query().bind(number).bind(i64::MIN).execute(connection).await?;
    Ok(None)
}

/// Returns the statement with all columns of a key, in the order of the table.
fn bind(
    statement: WriteStatement,
    number: OrgNumber,
    row: &KeyRow,
) -> Result<Query<'_, Sqlite, SqliteArguments>, Failure> {
    let version =
        i64::try_from(row.version).map_err(|_| Failure::Refused("the version of the key is too high"))?;
    Ok(statement
        .query()
        .bind(row.id.as_bytes().as_slice())
        .bind(number)
        .bind(row.name.as_str())
        .bind(row.display_prefix.as_str())
        .bind(row.active)
        .bind(row.created_at.as_micros())
        .bind(row.created_by.as_str().as_bytes())
        .bind(row.expires_at.map(apikeys_core::Timestamp::as_micros))
        .bind(row.expiry_set_at.map(apikeys_core::Timestamp::as_micros))
        .bind(row.rate_limit.map(apikeys_core::RateLimit::requests))
        .bind(version)
        .bind(row.settings.as_json()))
}

fn bytes(org: &OrgId) -> &[u8] {
    org.as_str().as_bytes()
}
