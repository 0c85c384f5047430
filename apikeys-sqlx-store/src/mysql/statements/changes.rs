//! Statements on committed changes, the revision, and the rows of instances.

use super::columns::revision;

pub(super) const LATEST_REVISION: &str = concat!("SELECT ", revision!());

/// Increases the revision. The server returns the new value as the last inserted id. The row is locked until the
/// transaction ends, so that changes are committed in the order of their revisions.
pub(in crate::mysql) const NEXT_REVISION: &str =
    "UPDATE apikeys_state SET value = last_insert_id(value + 1) WHERE name = 'revision'";

pub(in crate::mysql) const ADD: &str =
    "INSERT INTO apikeys_changes (revision, change_id, org, key) VALUES (?1, ?2, ?3, ?4)";

/// Deletes the change that is 10,000 revisions old. Each added change deletes one, so the latest 10,000 changes remain.
pub(in crate::mysql) const DELETE_OLD: &str = "DELETE FROM apikeys_changes WHERE revision = ?1 - 10000";

/// Returns the first ?3 changes after the revision ?2, each with the latest revision and whether the instance ?1 has a
/// row. If there are no such changes, returns one row without a change.
pub(super) const POLL: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM apikeys_instances i WHERE i.id = ?1), ",
    revision!(),
    ", c.org, c.key
     FROM (SELECT 1 AS x) one LEFT JOIN (
        SELECT org, key FROM apikeys_changes WHERE revision BETWEEN ?2 + 1 AND ?2 + ?3) c ON 1 = 1"
);

/// Adds the row of an instance with the latest revision. If the instance has a row, nothing changes.
pub(super) const ADD_INSTANCE: &str = concat!(
    "INSERT INTO apikeys_instances (id, lease_us, applied) SELECT ?1, ?2, ",
    revision!(),
    " ON DUPLICATE KEY UPDATE id = ?1"
);

pub(super) const ACKNOWLEDGE: &str =
    "UPDATE apikeys_instances SET applied = greatest(applied, ?2) WHERE id = ?1";
