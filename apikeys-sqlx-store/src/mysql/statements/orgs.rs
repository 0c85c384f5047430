//! Statements on organizations.

pub(super) const LOCK: &str = "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1 FOR UPDATE";

/// If the organization exists, MySQL locks its row exclusively. After a failed insertion, MySQL would share the lock,
/// and two transactions that then change the row would wait for each other.
pub(super) const ADD: &str =
    "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, NULL, 0) ON DUPLICATE KEY UPDATE num = num";

/// The numbers of the organizations with the listed ids. The lock prevents that one of them is forgotten.
pub(in crate::mysql) const NUMBERS: &str = "SELECT id, num FROM apikeys_orgs FORCE INDEX (apikeys_orgs_by_id)
     WHERE id IN (LIST) ORDER BY id LOCK IN SHARE MODE";
