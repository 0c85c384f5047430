//! Statements on organizations.

/// Locks the row, and not its entry in the index of ids, which [`NUMBERS`] locks. With `WHERE id = ?1`, MySQL would lock
/// the entry too, and a change would wait for each recording in the same organization.
pub(super) const LOCK: &str = "SELECT num, plan, key_count FROM apikeys_orgs
     WHERE num = (SELECT num FROM apikeys_orgs WHERE id = ?1) FOR UPDATE";

/// If the organization exists, MySQL locks its row exclusively. After a failed insertion, MySQL would share the lock,
/// and two transactions that then change the row would wait for each other.
pub(super) const ADD: &str =
    "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, NULL, 0) ON DUPLICATE KEY UPDATE num = num";

/// The numbers of the organizations with the listed ids. The locks prevent that one of them is forgotten. The index has
/// all columns that are read, and so only its entries are locked. A deletion of the row must lock them as well, and other
/// changes do not.
pub(in crate::mysql) const NUMBERS: &str = "SELECT id, num FROM apikeys_orgs FORCE INDEX (apikeys_orgs_by_id)
     WHERE id IN (LIST) ORDER BY id LOCK IN SHARE MODE";
