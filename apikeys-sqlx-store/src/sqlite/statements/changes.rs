//! Statements on committed changes, the revision, and the rows of instances.

/// The latest revision.
macro_rules! revision {
    () => {
        "(SELECT coalesce(max(revision), 0) FROM apikeys_changes)"
    };
}

pub(super) const LATEST_REVISION: &str = "SELECT coalesce(max(revision), 0) FROM apikeys_changes";

/// Deletes the change that is 10,000 revisions old. Each added change deletes one, so the latest 10,000 changes remain.
pub(super) const DELETE_OLD: &str = "
    DELETE FROM apikeys_changes WHERE revision = (SELECT max(revision) FROM apikeys_changes) - 10000";

pub(super) const ADD: &str = "INSERT INTO apikeys_changes (change_id, org, key) VALUES (?1, ?2, ?3)";

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
    "INSERT INTO apikeys_instances (id, lease_us, applied) VALUES (?1, ?2, ",
    revision!(),
    ") ON CONFLICT (id) DO NOTHING"
);

pub(super) const ACKNOWLEDGE: &str = "UPDATE apikeys_instances SET applied = max(applied, ?2) WHERE id = ?1";
