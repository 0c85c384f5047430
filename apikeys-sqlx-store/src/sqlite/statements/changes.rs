//! Statements on committed changes and the revision.

pub(super) const LATEST_REVISION: &str = "SELECT coalesce(max(revision), 0) FROM apikeys_changes";

/// Keeps the latest 10,000 changes, because each added change deletes one.
pub(super) const DELETE_OLD: &str = "
    DELETE FROM apikeys_changes WHERE revision = (SELECT max(revision) FROM apikeys_changes) - 10000";

pub(super) const ADD: &str = "INSERT INTO apikeys_changes (change_id, org, key) VALUES (?1, ?2, ?3)";
