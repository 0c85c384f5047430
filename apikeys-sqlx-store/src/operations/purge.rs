//! Deletes the rows that forgotten organizations and deleted keys have left.

use apikeys_core::{KeyId, store::PurgeProgress};

use super::{secrets, usage};
use crate::{
    argument::arguments,
    columns::Columns,
    error::Failure,
    session::{OrgNumber, Purged, Session, Verdict, Work},
    statements::WriteStatement,
};

/// One piece of the purge, in one transaction.
///
/// Each statement finds its rows by an index and deletes a limited number of rows. The duration of a piece
/// therefore depends on `max_rows` only, and not on the number of stored rows.
///
/// The tables `apikeys_forgotten` and `apikeys_deleted_usage` contain all state of the purge. A row of these
/// tables is deleted last, so that any process can do the next piece.
pub(crate) struct Purge {
    pub(crate) max_rows: u32,
}

/// The most keys whose rows one statement deletes.
const KEYS: u64 = 200;

impl Work for Purge {
    type Answer = PurgeProgress;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<PurgeProgress>, Failure> {
        session.optional(WriteStatement::LockPurge, arguments![]).await?;
        let mut piece = Piece { session, rows: 0, hours: 0, most: u64::from(self.max_rows.max(1)) };
        while let Some((org, hour)) = piece.forgotten().await? {
            if !piece.organization(org, hour).await? {
                return Ok(Verdict::Commit(PurgeProgress::new(piece.rows, true)));
            }
        }
        while let Some((key, org, hour)) = piece.deleted_usage().await? {
            if !piece.usage_of_key(key, org, hour).await? {
                return Ok(Verdict::Commit(PurgeProgress::new(piece.rows, true)));
            }
        }
        let purged = PurgeProgress::new(piece.rows, false);
        Ok(if purged.rows > 0 { Verdict::Commit(purged) } else { Verdict::RollBack(purged) })
    }
}

struct Piece<'s, S> {
    session: &'s mut S,
    /// The number of rows that were deleted.
    rows: u64,
    /// The number of hours that were searched for usage. An hour without a row costs as much as a row.
    hours: u64,
    /// The number of rows and hours after which the piece ends.
    most: u64,
}

impl<S: Session> Piece<'_, S> {
    /// Returns the forgotten organization with the lowest number, and the hour from which its usage is purged.
    async fn forgotten(&mut self) -> Result<Option<(OrgNumber, i64)>, Failure> {
        let row = self.session.optional(WriteStatement::FirstForgotten, arguments![]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::of(&row);
        Ok(Some((columns.number()?, columns.number()?)))
    }

    /// Deletes rows of a forgotten organization. Returns whether no row is left.
    async fn organization(&mut self, org: OrgNumber, hour: i64) -> Result<bool, Failure> {
        let done = self.keys(org).await?
            && self.tombstones(org).await?
            && self.usage(org, hour).await?
            && self.events(org).await?
            && self.left() > 0;
        if done {
            self.session.execute(WriteStatement::DeleteForgotten, arguments![org]).await?;
            self.rows += 1;
        }
        Ok(done)
    }

    /// Deletes keys with their secrets, counters and warnings, in the order of their ids. Returns whether no key
    /// is left.
    async fn keys(&mut self, org: OrgNumber) -> Result<bool, Failure> {
        loop {
            if self.left() == 0 {
                return Ok(false);
            }
            // A key has about five rows.
            let keys = (self.left() / 5).clamp(1, KEYS);
            let schemes =
                self.session.all(WriteStatement::SchemesOfPurge, arguments![org, limit(keys)]).await?;
            for row in &schemes {
                let mut columns = Columns::of(row);
                let (scheme, secrets) = (columns.scheme()?.to_string(), columns.number()?);
                secrets::remove_from_scheme(self.session, &scheme, secrets).await?;
            }
            self.run(WriteStatement::PurgeSecrets, org, keys).await?;
            if !self.own_rows(Purged::Keys, org, keys).await? {
                return Ok(false);
            }
            self.run(WriteStatement::PurgeCounters, org, keys).await?;
            self.run(WriteStatement::PurgeWarnings, org, keys).await?;
            if self.run(WriteStatement::PurgeKeys, org, keys).await? < keys {
                return Ok(true);
            }
        }
    }

    /// Deletes tombstones. Returns whether no tombstone is left.
    async fn tombstones(&mut self, org: OrgNumber) -> Result<bool, Failure> {
        loop {
            let keys = self.left().min(KEYS);
            if keys == 0 || !self.own_rows(Purged::Tombstones, org, keys).await? {
                return Ok(false);
            }
            if self.run(WriteStatement::PurgeTombstones, org, keys).await? < keys {
                return Ok(true);
            }
        }
    }

    /// Deletes rows of the first `keys` keys or tombstones, or of events, that only this database has. Returns whether no such
    /// row is left.
    async fn own_rows(&mut self, of: Purged, org: OrgNumber, keys: u64) -> Result<bool, Failure> {
        let most = self.left().max(1);
        let deleted = self.session.purge_own_rows(of, org, keys, most).await?;
        self.rows += deleted;
        Ok(deleted < most)
    }

    /// Deletes usage of an organization, hour by hour, and stores the next hour. Returns whether no usage is
    /// left.
    async fn usage(&mut self, org: OrgNumber, mut hour: i64) -> Result<bool, Failure> {
        let done = loop {
            if self.left() == 0 {
                break false;
            }
            let next = self.session.one(WriteStatement::NextHour, arguments![hour]).await?;
            let Some(next) = Columns::of(&next).optional_number()? else { break true };
            hour = next;
            let most = self.left();
            let deleted =
                self.session.execute(WriteStatement::PurgeUsage, arguments![org, hour, limit(most)]).await?;
            self.rows += deleted;
            if deleted < most {
                self.hours += 1;
                hour = hour.saturating_add(1);
            }
        };
        self.session.execute(WriteStatement::SetForgottenHour, arguments![org, hour]).await?;
        Ok(done)
    }

    /// Deletes audit events in the order of their ids. Returns whether no event is left.
    async fn events(&mut self, org: OrgNumber) -> Result<bool, Failure> {
        if self.left() == 0 || !self.own_rows(Purged::Events, org, 0).await? {
            return Ok(false);
        }
        let most = self.left();
        Ok(most > 0 && self.run(WriteStatement::PurgeEvents, org, most).await? < most)
    }

    /// Returns the first deleted key that has usage, the number of its organization, and the hour from which
    /// its usage is purged.
    async fn deleted_usage(&mut self) -> Result<Option<(KeyId, OrgNumber, i64)>, Failure> {
        let row = self.session.optional(WriteStatement::FirstDeletedUsage, arguments![]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::of(&row);
        Ok(Some((columns.key_id()?, columns.number()?, columns.number()?)))
    }

    /// Deletes usage of a deleted key, and stores the next hour. Returns whether no usage is left.
    async fn usage_of_key(&mut self, key: KeyId, org: OrgNumber, hour: i64) -> Result<bool, Failure> {
        if self.left() == 0 {
            return Ok(false);
        }
        let hours = u32::try_from(self.left()).unwrap_or(u32::MAX);
        let deleted = usage::delete(self.session, org, key, hour, hours).await?;
        self.rows += deleted.rows;
        self.hours += u64::from(deleted.hours);
        let Some(next) = deleted.next else {
            self.session.execute(WriteStatement::DeleteDeletedUsage, arguments![&key]).await?;
            self.rows += 1;
            return Ok(true);
        };
        self.session.execute(WriteStatement::SetDeletedUsageHour, arguments![&key, next]).await?;
        Ok(false)
    }

    /// Runs a statement that deletes up to `most` rows, and returns the number of deleted rows.
    async fn run(&mut self, statement: WriteStatement, org: OrgNumber, most: u64) -> Result<u64, Failure> {
        let deleted = self.session.execute(statement, arguments![org, limit(most)]).await?;
        self.rows += deleted;
        Ok(deleted)
    }

    const fn left(&self) -> u64 {
        self.most.saturating_sub(self.rows).saturating_sub(self.hours)
    }
}

fn limit(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
