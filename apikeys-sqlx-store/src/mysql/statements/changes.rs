//! Statements on committed changes and the revision.

use super::columns::revision;

pub(super) const LATEST_REVISION: &str = concat!("SELECT ", revision!());

/// Increases the revision. The server returns the new value as the last inserted id. The row is locked until the
/// transaction ends.
pub(in crate::mysql) const NEXT_REVISION: &str =
    "UPDATE apikeys_state SET value = last_insert_id(value + 1) WHERE name = 'revision'";

pub(in crate::mysql) const ADD: &str =
    "INSERT INTO apikeys_changes (revision, change_id, org, key) VALUES (?1, ?2, ?3, ?4)";

/// Keeps the latest 10,000 changes, because each added change deletes one.
pub(in crate::mysql) const DELETE_OLD: &str = "DELETE FROM apikeys_changes WHERE revision = ?1 - 10000";
