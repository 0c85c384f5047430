//! Removing what forgotten organizations have left.

use std::collections::BTreeMap;

use apikeys_core::store::Purged;
use sqlx::{Row, SqliteConnection};

use super::{
    orgs::OrgNumber,
    secrets,
    write::{Verdict, Work},
};
use crate::error::Failure;

/// One piece of a purge, in one transaction.
///
/// Every statement finds its rows by an index and is limited, so that the piece takes as long for
/// an organization of any size, and does not look at other organizations' rows. Nothing is kept
/// between two pieces but the mark in `apikeys_forgotten`, which is removed last: any process can
/// do the next piece. Rows that are removed for another reason, such as their age, would be one
/// more kind of piece here.
pub(super) struct Purge {
    pub(super) max_rows: u32,
}

/// The most keys of one round.
const KEYS: u64 = 200;

impl Work for Purge {
    type Answer = Purged;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Purged>, Failure> {
        let mut piece = Piece { connection, rows: 0, most: u64::from(self.max_rows.max(1)) };
        while let Some((org, hour)) = piece.forgotten().await? {
            if !piece.organization(org, hour).await? {
                return Ok(Verdict::Commit(Purged::new(piece.rows, true)));
            }
        }
        let purged = Purged::new(piece.rows, false);
        Ok(if purged.rows > 0 { Verdict::Commit(purged) } else { Verdict::RollBack(purged) })
    }
}

struct Piece<'c> {
    connection: &'c mut SqliteConnection,
    /// The rows removed so far.
    rows: u64,
    /// The number of rows after which the piece ends.
    most: u64,
}

impl Piece<'_> {
    /// The forgotten organization with the lowest number, and the hour before which its usage is
    /// purged.
    async fn forgotten(&mut self) -> Result<Option<(OrgNumber, i64)>, Failure> {
        let row = sqlx::query("SELECT num, hour FROM apikeys_forgotten ORDER BY num LIMIT 1")
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Removes rows of one organization. Returns whether nothing of it is left, not even the mark.
    async fn organization(&mut self, org: OrgNumber, hour: i64) -> Result<bool, Failure> {
        let done = self.keys(org).await?
            && self.deleted_keys(org).await?
            && self.usage(org, hour).await?
            && self.events(org).await?
            && self.left() > 0;
        if done {
            sqlx::query("DELETE FROM apikeys_forgotten WHERE num = ?1")
                .bind(org)
                .execute(&mut *self.connection)
                .await?;
            self.rows += 1;
        }
        Ok(done)
    }

    /// Removes keys with their secrets, counters and spans, some keys at a time, in the order of
    /// their ids. Returns whether no key is left.
    async fn keys(&mut self, org: OrgNumber) -> Result<bool, Failure> {
        loop {
            if self.left() == 0 {
                return Ok(false);
            }
            // Besides its spans, a key has four rows or so.
            let keys = (self.left() / 4).clamp(1, KEYS);
            let dropped = sqlx::query(DELETE_SECRETS)
                .bind(org)
                .bind(limit(keys))
                .fetch_all(&mut *self.connection)
                .await?;
            let mut schemes: BTreeMap<String, i64> = BTreeMap::new();
            for row in &dropped {
                *schemes.entry(row.try_get(0)?).or_default() += 1;
            }
            for (scheme, secrets) in schemes {
                secrets::count_down(self.connection, &scheme, secrets).await?;
            }
            self.rows += dropped.len() as u64;
            if !self.spans(DELETE_SPANS_OF_KEYS, org, keys).await? {
                return Ok(false);
            }
            self.run(DELETE_COUNTERS, org, keys).await?;
            if self.run(DELETE_KEYS, org, keys).await? < keys {
                return Ok(true);
            }
        }
    }

    /// Removes what deletions left, with its spans. Returns whether none is left.
    async fn deleted_keys(&mut self, org: OrgNumber) -> Result<bool, Failure> {
        loop {
            let keys = self.left().min(KEYS);
            if keys == 0 || !self.spans(DELETE_SPANS_OF_DELETED_KEYS, org, keys).await? {
                return Ok(false);
            }
            if self.run(DELETE_TOMBSTONES, org, keys).await? < keys {
                return Ok(true);
            }
        }
    }

    /// Removes the spans of the first `keys` keys. Returns whether none of these is left.
    async fn spans(&mut self, statement: &'static str, org: OrgNumber, keys: u64) -> Result<bool, Failure> {
        let most = self.left().max(1);
        let removed = sqlx::query(statement)
            .bind(org)
            .bind(limit(keys))
            .bind(limit(most))
            .execute(&mut *self.connection)
            .await?
            .rows_affected();
        self.rows += removed;
        Ok(removed < most)
    }

    /// Removes usage, hour by hour, and notes how far this came. Returns whether none is left.
    async fn usage(&mut self, org: OrgNumber, mut hour: i64) -> Result<bool, Failure> {
        let mut hours = 0;
        let done = loop {
            // Hours without rows of the organization cost as much as a row.
            if self.left() == 0 || hours >= self.most {
                break false;
            }
            let next = sqlx::query("SELECT min(hour) FROM apikeys_usage WHERE hour >= ?1")
                .bind(hour)
                .fetch_one(&mut *self.connection)
                .await?;
            let Some(next) = next.try_get::<Option<i64>, _>(0)? else { break true };
            hour = next;
            hours += 1;
            let most = self.left();
            let removed = sqlx::query(DELETE_USAGE)
                .bind(org)
                .bind(hour)
                .bind(limit(most))
                .execute(&mut *self.connection)
                .await?
                .rows_affected();
            self.rows += removed;
            if removed < most {
                hour = hour.saturating_add(1);
            }
        };
        sqlx::query("UPDATE apikeys_forgotten SET hour = ?2 WHERE num = ?1")
            .bind(org)
            .bind(hour)
            .execute(&mut *self.connection)
            .await?;
        Ok(done)
    }

    /// Removes audit events, oldest first. Returns whether none is left.
    async fn events(&mut self, org: OrgNumber) -> Result<bool, Failure> {
        let most = self.left();
        Ok(most > 0 && self.run(DELETE_EVENTS, org, most).await? < most)
    }

    /// Runs a statement that removes up to `most` rows, and returns how many there were.
    async fn run(&mut self, statement: &'static str, org: OrgNumber, most: u64) -> Result<u64, Failure> {
        let removed = sqlx::query(statement)
            .bind(org)
            .bind(limit(most))
            .execute(&mut *self.connection)
            .await?
            .rows_affected();
        self.rows += removed;
        Ok(removed)
    }

    const fn left(&self) -> u64 {
        self.most.saturating_sub(self.rows)
    }
}

/// The first keys of an organization: the same ones in all statements of a round.
macro_rules! first_keys {
    () => {
        "(SELECT id FROM apikeys_keys INDEXED BY apikeys_keys_by_org WHERE org = ?1 ORDER BY id LIMIT ?2)"
    };
}

macro_rules! first_tombstones {
    () => {
        "(SELECT id FROM apikeys_tombstones INDEXED BY apikeys_tombstones_by_org
          WHERE org = ?1 ORDER BY id LIMIT ?2)"
    };
}

macro_rules! delete_spans {
    ($keys:expr) => {
        concat!(
            "DELETE FROM apikeys_audit_spans WHERE (key, first) IN (
                SELECT s.key, s.first FROM ",
            $keys,
            " k CROSS JOIN apikeys_audit_spans s ON s.key = k.id LIMIT ?3)"
        )
    };
}

const DELETE_SECRETS: &str =
    concat!("DELETE FROM apikeys_secrets WHERE key IN ", first_keys!(), " RETURNING scheme");
const DELETE_SPANS_OF_KEYS: &str = delete_spans!(first_keys!());
const DELETE_COUNTERS: &str = concat!("DELETE FROM apikeys_counters WHERE key IN ", first_keys!());
const DELETE_KEYS: &str = concat!("DELETE FROM apikeys_keys WHERE id IN ", first_keys!());
const DELETE_SPANS_OF_DELETED_KEYS: &str = delete_spans!(first_tombstones!());
const DELETE_TOMBSTONES: &str = concat!("DELETE FROM apikeys_tombstones WHERE id IN ", first_tombstones!());
const DELETE_USAGE: &str = "
    DELETE FROM apikeys_usage WHERE hour = ?2 AND org = ?1 AND key IN (
        SELECT key FROM apikeys_usage WHERE hour = ?2 AND org = ?1 LIMIT ?3)";
const DELETE_EVENTS: &str = "
    DELETE FROM apikeys_audit WHERE event IN (
        SELECT event FROM apikeys_audit INDEXED BY apikeys_audit_by_org
        WHERE org = ?1 ORDER BY id LIMIT ?2)";

fn limit(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
