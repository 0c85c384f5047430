//! Statements on organizations.

/// The lock excludes other changes of the organization, and admits [`NUMBERS`], so that recording does not wait for
/// changes.
pub(super) const LOCK: &str = "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1 FOR NO KEY UPDATE";

pub(super) const ADD: &str =
    "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, NULL, 0) ON CONFLICT (id) DO NOTHING";

/// The numbers of the organizations with the ids in the array ?1. The lock prevents that one of them is forgotten.
pub(in crate::postgres) const NUMBERS: &str =
    "SELECT id, num FROM apikeys_orgs WHERE id = ANY(?1) ORDER BY id FOR KEY SHARE";
