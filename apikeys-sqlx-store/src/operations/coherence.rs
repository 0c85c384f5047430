//! The rows of instances that keep keys in memory, and the changes since an instance last asked.

use std::time::Duration;

use apikeys_core::{
    id::InstanceId,
    store::{BehindInstance, Changed, MAX_POLLED_CHANGES, Polled, Revision},
};

use crate::{
    argument::arguments,
    columns::Columns,
    error::Failure,
    session::{Reader, Session, Verdict, Work},
    statements::{ReadStatement, WriteStatement},
};

/// The highest number of instances that [`behind`] returns.
const MOST: i64 = 1_000;

/// Adds the row of an instance. Returns the revision in the row.
pub(crate) struct Register {
    pub(crate) instance: InstanceId,
    pub(crate) lease: Duration,
}

impl Work for Register {
    type Answer = Revision;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<Revision>, Failure> {
        let lease =
            i64::try_from(self.lease.as_micros()).map_err(|_| Failure::Refused("the lease is too long"))?;
        session.execute(WriteStatement::AddInstance, arguments![&self.instance, lease]).await?;
        // If the registration is repeated, the latest revision may be higher than the revision in the row.
        let row = session.one(WriteStatement::AppliedByInstance, arguments![&self.instance]).await?;
        Ok(Verdict::Commit(Revision(Columns::of(&row).count("revision")?)))
    }
}

/// Returns the result of a poll from one statement, which sees one state of the database. The statement returns a row
/// for each change, or one row without a change.
pub(crate) async fn poll(
    reader: &impl Reader,
    instance: InstanceId,
    applied: Revision,
) -> Result<Polled, Failure> {
    let most = i64::try_from(MAX_POLLED_CHANGES).unwrap_or(i64::MAX).saturating_add(1);
    let rows = reader.all(ReadStatement::Poll, arguments![&instance, stored(applied)?, most]).await?;
    let (mut registered, mut revision, mut changes) = (false, Revision(0), Vec::new());
    for row in &rows {
        let mut columns = Columns::of(row);
        registered = columns.boolean()?;
        revision = Revision(columns.count("revision")?);
        let (org, key) = (columns.optional_org()?, columns.optional_key()?);
        changes.extend(key.map(Changed::Key).or(org.map(Changed::Org)));
    }
    Ok(Polled::after(applied, registered, revision, changes))
}

/// Stores the revision up to which an instance has applied all changes. Returns whether the instance has a row.
pub(crate) struct Acknowledge {
    pub(crate) instance: InstanceId,
    pub(crate) applied: Revision,
}

impl Work for Acknowledge {
    type Answer = bool;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<bool>, Failure> {
        let values = arguments![&self.instance, stored(self.applied)?];
        Ok(Verdict::Commit(session.execute(WriteStatement::Acknowledge, values).await? > 0))
    }
}

pub(crate) async fn behind(reader: &impl Reader, revision: Revision) -> Result<Vec<BehindInstance>, Failure> {
    let rows = reader.all(ReadStatement::InstancesBehind, arguments![stored(revision)?, MOST]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            let (instance, lease) = (columns.instance_id()?, columns.count("lease")?);
            Ok(BehindInstance::new(instance, Duration::from_micros(lease)))
        })
        .collect()
}

/// Removes the rows of those `instances` that have not applied all changes up to a revision.
pub(crate) struct Fence<'a> {
    pub(crate) instances: &'a [InstanceId],
    pub(crate) revision: Revision,
}

impl Work for Fence<'_> {
    type Answer = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<()>, Failure> {
        let revision = stored(self.revision)?;
        let mut instances = self.instances.to_vec();
        // The rows are locked in the same order by each `Fence`, so that two of them do not wait for each other.
        instances.sort_unstable();
        for instance in &instances {
            session.execute(WriteStatement::FenceInstance, arguments![instance, revision]).await?;
        }
        Ok(Verdict::Commit(()))
    }
}

pub(crate) struct Leave(pub(crate) InstanceId);

impl Work for Leave {
    type Answer = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<()>, Failure> {
        session.execute(WriteStatement::DeleteInstance, arguments![&self.0]).await?;
        Ok(Verdict::Commit(()))
    }
}

pub(crate) async fn revision(reader: &impl Reader) -> Result<Revision, Failure> {
    let row = reader.optional(ReadStatement::Revision, arguments![]).await?;
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Revision(Columns::of(&row).count("revision")?))
}

fn stored(revision: Revision) -> Result<i64, Failure> {
    i64::try_from(revision.0).map_err(|_| Failure::Refused("the revision is too high"))
}
