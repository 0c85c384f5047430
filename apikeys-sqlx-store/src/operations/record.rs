//! Records batches of audit events, with the counters and the usage of their keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use apikeys_core::{
    KeyId, Timestamp,
    id::WriterId,
    store::{Batch, RecordOutcome},
};

use super::orgs;
use crate::{
    argument::arguments,
    columns::Columns,
    error::Failure,
    session::{BatchRows, OrgNumber, Session, Verdict, Work},
    statements::WriteStatement,
};

/// A writer is deleted after this time without a batch, because its process has ended.
const DELETED_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// Opens a writer and deletes old writers.
pub(crate) struct OpenWriter(pub(crate) WriterId);

impl Work for OpenWriter {
    type Answer = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<()>, Failure> {
        let now = now();
        session.execute(WriteStatement::OpenWriter, arguments![&self.0, now]).await?;
        let old = now.saturating_sub(DELETED_AFTER);
        session.execute(WriteStatement::DeleteOldWriters, arguments![old]).await?;
        Ok(Verdict::Commit(()))
    }
}

/// Records a batch if it is the next batch of its writer and all its keys exist. Nearly all batches are of this kind,
/// and the number of written rows shows it. Returns `false` if the batch is of another kind. Only SQLite uses this.
#[cfg(feature = "sqlite-unlinked")]
pub(crate) struct RecordAtOnce<'a>(pub(crate) &'a Batch);

#[cfg(feature = "sqlite-unlinked")]
impl Work for RecordAtOnce<'_> {
    type Answer = bool;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<bool>, Failure> {
        let batch = self.0;
        let numbers = session.org_numbers(&orgs::of(&batch.events)).await?;
        let events = orgs::numbered(&batch.events, &numbers);
        if events.len() < batch.events.len() {
            return Ok(Verdict::RollBack(false));
        }
        let mut owners = BTreeMap::new();
        for (org, event) in &events {
            // A key belongs to one organization only.
            if event.key.is_some_and(|key| owners.insert(key, *org).is_some_and(|other| other != *org)) {
                return Ok(Verdict::RollBack(false));
            }
        }
        let rows = BatchRows { batch, events: &events, stored: &owners };
        Ok(if session.record(&rows).await? { Verdict::Commit(true) } else { Verdict::RollBack(false) })
    }
}

/// Records a batch of any kind. First reads the writer and the keys, which takes longer than [`RecordAtOnce`].
/// PostgreSQL and MySQL record every batch in this way, and SQLite those that [`RecordAtOnce`] does not record.
pub(crate) struct RecordWithCare<'a>(pub(crate) &'a Batch);

impl Work for RecordWithCare<'_> {
    type Answer = RecordOutcome;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<RecordOutcome>, Failure> {
        let batch = self.0;
        let last = session.optional(WriteStatement::WriterSequence, arguments![&batch.writer]).await?;
        let Some(last) = last else { return Ok(Verdict::RollBack(RecordOutcome::UnknownWriter)) };
        let last: u64 = Columns::of(&last).count("sequence")?;
        if batch.sequence <= last {
            return Ok(Verdict::RollBack(RecordOutcome::AlreadyApplied));
        }
        if batch.sequence - last > 1 {
            return Err(Failure::Refused("the batch before this batch was not recorded"));
        }
        let (known, stored) = known(session, batch).await?;
        let numbers = orgs::numbers_or_new(session, &orgs::of(&known.events)).await?;
        let events = orgs::numbered(&known.events, &numbers);
        let rows = BatchRows { batch: &known, events: &events, stored: &stored };
        if session.record(&rows).await? {
            Ok(Verdict::Commit(RecordOutcome::Applied))
        } else {
            Err(Failure::Unreadable("counters of a key"))
        }
    }
}

/// Returns the batch without the events of unknown keys, and the keys that exist with the numbers of their
/// organizations.
async fn known(
    session: &mut impl Session,
    batch: &Batch,
) -> Result<(Batch, BTreeMap<KeyId, OrgNumber>), Failure> {
    let numbers = session.org_numbers(&orgs::of(&batch.events)).await?;
    let named: BTreeSet<KeyId> = batch.events.iter().filter_map(|event| event.key).collect();
    let named: Vec<KeyId> = named.into_iter().collect();
    let (mut stored, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for key in session.known_keys(&named).await? {
        owners.insert(key.id, key.org);
        if key.is_stored {
            stored.insert(key.id, key.org);
        }
    }
    let events = batch.events.iter().filter(|event| match event.key {
        None => true,
        Some(key) => owners.get(&key).is_some_and(|org| numbers.get(&event.org) == Some(org)),
    });
    let events: Vec<_> = events.cloned().collect();
    let named: BTreeSet<KeyId> = events.iter().filter_map(|event| event.key).collect();
    stored.retain(|key, _| named.contains(key));
    Ok((Batch::new(batch.writer, batch.sequence, events), stored))
}

/// Returns the time for the columns that show when a writer was last used.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
