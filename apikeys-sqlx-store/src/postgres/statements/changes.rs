//! Statements on committed changes and the revision.

use super::columns::revision;

pub(super) const LATEST_REVISION: &str = concat!("SELECT ", revision!());

/// Adds a change under the next revision, and keeps the latest 10,000 changes, because each added change deletes one.
/// The row of the revision is locked until the transaction ends.
pub(in crate::postgres) const ADD: &str = "
    WITH next AS (
        UPDATE apikeys_state SET value = value + 1 WHERE name = 'revision' RETURNING value
    ), old AS (
        DELETE FROM apikeys_changes WHERE revision = (SELECT value FROM next) - 10000
    )
    INSERT INTO apikeys_changes (revision, change_id, org, key) SELECT value, ?1, ?2, ?3 FROM next
    RETURNING revision";
