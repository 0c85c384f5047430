//! Statements on committed changes, the revision, and the rows of instances.

use super::columns::revision;

pub(super) const LATEST_REVISION: &str = concat!("SELECT ", revision!());

/// Adds a change under the next revision, and deletes the change that is 10,000 revisions old, so that the latest
/// 10,000 changes remain. The row of the revision is locked until the transaction ends, so that changes are committed
/// in the order of their revisions. The commit announces the change to the connections that listen.
pub(in crate::postgres) const ADD: &str = "
    WITH next AS (
        UPDATE apikeys_state SET value = value + 1 WHERE name = 'revision' RETURNING value
    ), old AS (
        DELETE FROM apikeys_changes WHERE revision = (SELECT value FROM next) - 10000
    )
    INSERT INTO apikeys_changes (revision, change_id, org, key) SELECT value, ?1, ?2, ?3 FROM next
    RETURNING revision, pg_notify('apikeys', '')";

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

pub(super) const ACKNOWLEDGE: &str =
    "UPDATE apikeys_instances SET applied = greatest(applied, ?2) WHERE id = ?1";
